"""A release with one small dump more against the whole release: CPU from signatures to election,
rewritten parts included.

Run: python -m benchmarks.incremental [--quick] [--documents 1000000] [--data ../shared/data/corpus]
[--folder DIR]

Documents are those of benchmarks.spark_scale: pieces of real text, 32 % of them near copies of
earlier ones, so a third of the new dump doubles documents of the old one, and those of them that
are longer displace the old. One warm Spark session: signatures, duplicates, release decisions and corpus
parts of the old dump (the whole), then of the new dump and the release of both (the share). CPU is
of the whole process tree. Validation sets and blocks are frozen, as a card does for a release that
grows; contamination is empty on both sides.

`cost_share` is of signatures and election, with every part of the duplicates, clusters and verified
pairs written again. `cost_share_published` counts release decisions and corpora too, of which those old
parts are rewritten in which a document was displaced.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.signatures import DATA, hardware
from benchmarks.spark_scale import Generator, cpu_seconds, write_dump
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.release import ReleaseCard
from pipelines.contamination.contamination import SCHEMA as CONTAMINATION
from pipelines.corpora.assembly import corpus_stage
from pipelines.dedup.duplicates import duplicates_stage, final_duplicates_stage
from pipelines.dedup.signatures import signatures_stage
from pipelines.engine import Spark
from pipelines.filtering.policy import Policy, policy_path
from pipelines.lake import Dataset, Lake, Writer
from pipelines.release.cuts import cuts_stage
from pipelines.release.exclusions import exclusions_stage
from pipelines.release.recurring_blocks import SCHEMA as BLOCKS
from pipelines.release.release_decisions import release_decisions_stage
from pipelines.release.validation_sets import validation_sets_stage
from pipelines.tables.inputs import DumpTables, ReleaseTables
from pipelines.tables.stage import build

SHARE = 0.01  # of the old dump's documents come with the new one


def _empty(lake: Lake, release: ReleaseTables) -> tuple[Dataset, Dataset]:
    """(recurring blocks, contamination) of nothing."""

    def parts(writer: Writer) -> None:
        for part in release.parts:
            writer.write_table(part.path, CONTAMINATION.empty_table())

    def blocks(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", BLOCKS.empty_table())

    name, dumps = release.card.name, {"dumps": list(release.dumps)}
    built = (
        lake.publish("recurring_blocks", name, version=0, write=blocks),
        lake.publish("contamination", name, version=0, parameters=dumps, write=parts),
    )
    return built[0].dataset, built[1].dataset


def _named(tables: DumpTables) -> DumpTables:
    """The same dump with decisions that name the default policy, as the ones that are judged do."""
    decisions = tables.need("decisions")
    parameters = decisions.manifest.parameters | {"policy": Policy.load(policy_path("default")).parameters()}
    named = replace(decisions, manifest=replace(decisions.manifest, parameters=parameters))
    return replace(tables, decisions=named)


class Clock:
    """CPU seconds of the process tree, and wall, between marks."""

    def __init__(self) -> None:
        self.figures: dict[str, float] = {}
        self._last = (cpu_seconds(), time.time())

    def mark(self, name: str) -> None:
        now = (cpu_seconds(), time.time())
        self.figures[name] = self.figures.get(name, 0.0) + now[0] - self._last[0]
        self.figures["wall"] = self.figures.get("wall", 0.0) + now[1] - self._last[1]
        self._last = now


def release_of(
    lake: Lake, engine: Spark, name: str, dumps: dict[str, DumpTables], fresh: str
) -> tuple[dict[str, float], Dataset, dict[str, DumpTables]]:
    """(CPU seconds by stage, the corpus, tables with signatures) of a release whose dump `fresh`
    has no signatures yet."""
    clock = Clock()
    signed = build(
        lake, engine, signatures_stage(dumps[fresh].documents, dumps[fresh].edits, MinHashParameters())
    ).dataset
    dumps = dumps | {fresh: replace(dumps[fresh], signatures=signed)}
    clock.mark("signatures")
    release = ReleaseTables(ReleaseCard(name=name, dumps=tuple(dumps)), dumps)
    duplicates = build(lake, engine, duplicates_stage(release)).dataset
    clock.mark("election")
    blocks, contamination = _empty(lake, release)
    validation = build(lake, engine, validation_sets_stage(release, duplicates)).dataset
    clock.mark("untimed")
    cuts = build(lake, engine, cuts_stage(release, blocks, contamination)).dataset
    exclusions = build(lake, engine, exclusions_stage(release, validation, contamination, cuts)).dataset
    final = build(lake, engine, final_duplicates_stage(release, exclusions)).dataset
    decided = build(lake, engine, release_decisions_stage(release, cuts, exclusions, final)).dataset
    clock.mark("verdicts")
    corpus = build(lake, engine, corpus_stage(release, decided, "main")).dataset
    clock.mark("parts")
    return clock.figures, corpus, dumps


def grow(root: Path, engine: Spark, generator: Generator, count: int) -> dict[str, float]:
    """Figures of a release of `count` documents, and of the one with SHARE more."""
    lake = Lake(root / f"lake-{count}")
    old = _named(write_dump(lake, engine, generator, "old", 0, count))
    new = _named(write_dump(lake, engine, generator, "new", count, max(1, int(count * SHARE))))
    whole, before, dumps = release_of(lake, engine, "one", {"old": old}, "old")
    more, after, _ = release_of(lake, engine, "two", {**dumps, "new": new}, "new")
    known = {p.hash for p in before.parts}
    parts = [p for p in after.parts if "/old-" in p.path]
    figures = {f"whole_{k}": v for k, v in whole.items()} | {f"added_{k}": v for k, v in more.items()}
    for name, stages in (
        ("elected", ("signatures", "election")),
        ("published", ("signatures", "election", "verdicts", "parts")),
    ):
        figures |= {
            f"whole_{name}": sum(whole[k] for k in stages),
            f"added_{name}": sum(more[k] for k in stages),
        }
    figures["cost_share"] = figures["added_elected"] / figures["whole_elected"]
    figures["cost_share_published"] = figures["added_published"] / figures["whole_published"]
    figures["rewritten_share"] = sum(p.hash not in known for p in parts) / max(1, len(before.parts))
    figures |= {
        "documents": float(count),
        "added_documents": float(new.documents.manifest.rows),
        "old_parts": float(len(before.parts)),
    }
    removed = [lake.current("duplicates", name).stats["removed"] for name in ("one", "two")]
    return figures | {"removed_before": float(removed[0]), "removed_after": float(removed[1])}


def main(arguments: list[str] | None = None) -> int:
    """Print the table and the result line; 2 where the data is absent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--quick", action="store_true", help="20,000 documents")
    parser.add_argument(
        "--folder", type=Path, help="where the documents are written (4 kB each; default: a temporary folder)"
    )
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"{options.data} is not there: name a corpus with --data", file=sys.stderr)
        return 2
    count = 20_000 if options.quick else options.documents
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        engine = Spark("local[2]", {"spark.local.dir": str(Path(folder, "spark"))})
        generator: Any = Generator(options.data)
        grow(Path(folder), engine, generator, 2_000)  # the session and the compiled code are warm
        figures = grow(Path(folder), engine, generator, count)
        engine.stop()
    print(f"{'CPU seconds':24} {'whole':>10} {'1 % more':>10}")
    for stage in ("signatures", "election", "elected", "verdicts", "parts", "published", "wall"):
        print(f"{stage:24} {figures[f'whole_{stage}']:10.2f} {figures[f'added_{stage}']:10.2f}")
    print(
        f"share of the cost up to the election {figures['cost_share']:.4f}, with release decisions and "
        f"corpora "
        f"{figures['cost_share_published']:.4f}; {figures['rewritten_share']:.2%} of "
        f"{figures['old_parts']:.0f} old corpus parts rewritten"
    )
    metrics = {name: round(value, 4) for name, value in figures.items()}
    command = "python -m benchmarks.incremental" + (" --quick" if options.quick else f" --documents {count}")
    print(
        json.dumps(
            {
                "name": "incremental",
                "metrics": metrics,
                "goal": {"cost_share": 0.1},
                "hardware": hardware(),
                "command": command,
            }
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())

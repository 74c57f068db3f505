"""`python -m experiments.two_stages.run`: does a second stage on STEM help, and at what share? (the
report's two stages, at small size)

Belongs here: the arms, their cells (one training each, of minutes, kept when finished), the
comparison. Does not belong here: training.

Every seed trains Stage-1 once. From its last checkpoint go the arms of Stage-2: STEM shares of 0,
10, 20, 40 and 100 %, and the paper's ramp from 10 to 40 % (mean 20 %). A further arm reads the
tokens of the ramp's whole run in one stage: the same learning rates, its STEM spread evenly over
all steps. Everything is compared within a seed.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.mixture import StemShare
from model.plan.phases import STEM_RAMP, Phase, Schedule
from pipelines.lake import Dataset, Lake

FORK = multiprocessing.get_context("fork")
LENGTH, BATCH = 256, 8
STEPS = {"a": 200, "b": 40, "c": 60}
"""Stage-1 A, Stage-1 B, Stage-2: 0.49 M tokens, then 0.12 M."""
VOCABULARY = 4_096
"""So that the head does not outweigh the blocks of the debug preset."""
PEAK, FINAL = 3e-3, 3e-4
"""The paper's cosine to a tenth, at a rate that suits 1.3 M parameters."""
STEM_CHARACTERS = 120_000
"""So little STEM that the arm of 100 % reads it several times: it is the scarce corpus of the paper
too."""
VALIDATION_CHARACTERS = 2_000
"""Of each held-out document, so that a domain's loss is that of many."""
ARMS = {f"share-{int(100 * s):03d}": StemShare(start=s, end=s) for s in (0.0, 0.1, 0.2, 0.4, 1.0)} | {
    "ramp": STEM_RAMP
}
CATEGORIES = {"web": "webpages", "law": "miscellany", "literature": "books"}


def documents(corpus: Path, characters: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """(set, row) of the documents of `<domain>/<name>.jsonl.zst` (fields lang, text), up to
    `characters` of each file.

    Sets: main, stem; one document in sixteen, by the hash of its text, is validation.
    """
    import zstandard

    from pipelines.release.validation_sets import domain_of
    from pipelines.tables.schemas import document_id

    stem_left: dict[str, int] = {}
    for path in sorted(corpus.rglob("*.jsonl.zst")):
        left, domain = characters, path.parent.name
        with zstandard.open(path, "rt", encoding="utf-8") as lines:
            for i, line in enumerate(lines):
                item = json.loads(line)
                if item["lang"] not in ("en", "zh"):
                    continue
                held = hashlib.blake2b(item["text"].encode()).digest()[0] < 16
                name = "validation" if held else "stem" if domain == "stem" else "main"
                if name == "stem":
                    quota = STEM_CHARACTERS // 14
                    stem_left.setdefault(path.name, quota)
                    if len(item["text"]) > stem_left[path.name]:
                        continue
                    stem_left[path.name] -= len(item["text"])
                category = CATEGORIES.get(domain, domain)
                row = {
                    "doc_id": document_id(domain, path.name, i),
                    "url": "",
                    "dump": domain,
                    "file": path.name,
                    "offset": i,
                }
                row |= {
                    "group": "",
                    "date": "",
                    "language": item["lang"],
                    "category": category,
                    "text": item["text"],
                }
                if held:
                    row["text"] = item["text"][:VALIDATION_CHARACTERS]
                    row["domain"] = domain_of(item["lang"], category, "stem" if domain == "stem" else "main")
                yield name, row
                left -= len(item["text"])
                if left < 0:
                    break


def prepare(out: Path, corpus: Path, characters: int) -> dict[str, str]:
    """Corpora, a small vocabulary and token shards in `out/lake`; the paths that a run needs."""
    import pyarrow as pa

    from pipelines.engine import InProcess
    from pipelines.lake import Writer
    from pipelines.shards.writer import build_shards
    from pipelines.tables.schemas import CORPUS, VALIDATION
    from pipelines.tokenizer.build import build_tokenizer
    from pipelines.tokenizer.config import TokenizerConfig

    lake = Lake(out / "lake")
    rows: dict[str, list[dict[str, Any]]] = {"main": [], "stem": [], "validation": []}
    for name, row in documents(corpus, characters):
        rows[name].append(row)
    sets: dict[str, Dataset] = {}
    for name, found in rows.items():
        schema = VALIDATION if name == "validation" else CORPUS

        def write(writer: Writer, found: list[dict[str, Any]] = found, schema: pa.Schema = schema) -> None:
            writer.write_table("part-00000.parquet", pa.Table.from_pylist(found, schema=schema))

        text = hashlib.sha256("\0".join(r["text"] for r in found).encode()).hexdigest()
        sets[name] = lake.publish(f"evidence_{name}", version=1, inputs={"text": text}, write=write).dataset
    config = TokenizerConfig.proportional("evidence", VOCABULARY, sample_chars=4_000_000)
    tokenizer = build_tokenizer(lake, InProcess(), [sets["main"]], config).dataset
    paths = {"tokenizer": str(tokenizer.local("tokenizer.json"))}
    for name, dataset in sets.items():
        paths[f"{name}_shards"] = str(
            build_shards(lake, InProcess(), f"{name}_shards", dataset, tokenizer, seed=1).dataset.local()
        )
    return paths


def card(name: str, seed: int, stem: dict[str, StemShare], stages: dict[str, str]) -> RunCard:
    """A run of the phases a, b, c with their STEM shares and stages; a phase without a stage is
    left out."""
    per_step = LENGTH * BATCH
    schedules = {
        "a": Schedule(kind="cosine", peak=PEAK, final=FINAL, warmup_tokens=20 * per_step),
        "b": Schedule(peak=FINAL),
        "c": Schedule(peak=FINAL),
    }
    phases = tuple(
        Phase.model_validate(
            {
                "name": p,
                "stage": stages[p],
                "tokens": STEPS[p] * per_step,
                "schedule": schedules[p],
                "stem": stem.get(p, StemShare()),
            }
        )
        for p in stages
    )
    return RunCard(
        name=name,
        release="evidence",
        sequence_length=LENGTH,
        global_batch=BATCH,
        micro_batch=4,
        seed=seed,
        checkpoint_every=60,
        validate_every=300,
        validation_sequences=96,
        keep_last=1,
        phases=phases,
    )


def cells(seed: int) -> dict[str, tuple[RunCard, str, bool]]:
    """Name -> card, stage to train, whether it goes on from the seed's Stage-1."""
    first, second = {"a": "stage1", "b": "stage1"}, {"a": "stage1", "b": "stage1", "c": "stage2"}
    found = {f"seed{seed}-stage1": (card("stage1", seed, {}, first), "stage1", False)}
    for arm, share in ARMS.items():
        found[f"seed{seed}-{arm}"] = (card(arm, seed, {"c": share}, second), "stage2", True)
    mean = 0.2 * STEPS["c"] / sum(STEPS.values())
    even = dict.fromkeys(STEPS, StemShare(start=mean, end=mean))
    found[f"seed{seed}-one-stage"] = (
        card("one-stage", seed, even, dict.fromkeys(STEPS, "stage1")),
        "stage1",
        False,
    )
    return found


def train_here(folder: Path, stage: str) -> None:
    """In a forked child, so that torch and DeepSpeed are imported once for all cells: one rank, one
    thread."""
    with open(folder / "log", "a") as log:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    import torch

    from model.train import main

    torch.set_num_threads(1)
    main(["--run-dir", str(folder), "--stage", stage])


def train_cell(
    out: Path, name: str, cell: tuple[RunCard, str, bool], paths: dict[str, str]
) -> dict[str, Any]:
    """Train one cell unless it was finished; an unfinished one goes on from its last checkpoint.
    Its record."""
    run_card, stage, forked = cell
    folder = out / "cells" / name
    done = record_of(out, name)
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        listings = {
            n: json.loads((Path(paths[f"{n}_shards"]) / "shards.json").read_text()) for n in ("main", "stem")
        }
        value = {
            "plan": build_plan(run_card, listings).to_json(),
            "model": run_card.preset,
            **run_card.settings.model_dump(mode="json"),
            **paths,
        }
        if forked:
            checkpoints = out / "cells" / f"{name.partition('-')[0]}-stage1" / "checkpoints"
            value["fork"] = str(checkpoints / (checkpoints / "latest").read_text())
        (folder / "run.json").write_text(json.dumps(value))
        started = time.monotonic()
        run = FORK.Process(target=train_here, args=(folder, stage))
        run.start()
        run.join()
        if run.exitcode:
            sys.exit(
                f"{name} ended with {run.exitcode}: see {folder / 'log'}; the next start goes on from its last checkpoint"
            )
        print(f"{name}: {time.monotonic() - started:.0f} s", flush=True)
    return dict(json.loads(done.read_text()))


def record_of(out: Path, name: str) -> Path:
    """Where a finished cell's record stands."""
    return out / "cells" / name / "export" / cells(int(name.partition("-")[0][4:]))[name][1] / "stage.json"


def repetitions(paths: dict[str, str], run_card: RunCard) -> float:
    """How often the arm reads SkyPile-STEM as a whole."""
    listings = {
        n: json.loads((Path(paths[f"{n}_shards"]) / "shards.json").read_text()) for n in ("main", "stem")
    }
    plan = build_plan(run_card, listings)
    reads = plan.source_counts(plan.steps)
    held = {s.name: s.sequences("evidence") for s in plan.sources if s.corpus == "stem"}
    return sum(reads[n] for n in held) / sum(held.values())


def losses(record: dict[str, Any]) -> tuple[float, float]:
    """STEM loss, and the unweighted mean loss of the other domains (nats per token)."""
    found = record["validation_loss"]
    return found["stem"], statistics.mean(v for d, v in found.items() if d != "stem")


def spread(values: list[float]) -> str:
    """Mean over seeds and standard deviation."""
    return f"{statistics.mean(values):+.3f} ± {statistics.stdev(values) if len(values) > 1 else 0.0:.3f}"


def report(out: Path, seeds: list[int], paths: dict[str, str]) -> str:
    """The comparison as Markdown, of the arms that every seed has finished; `report.json` and
    `shares.svg` beside it."""
    from reports.figures import curves_svg

    results: dict[str, dict[str, list[float]]] = {}
    start: dict[str, list[float]] = {"stem": [], "general": []}
    for seed in seeds:
        of = {n.partition("-")[2]: n for n in cells(seed)}
        before = losses(json.loads(record_of(out, of["stage1"]).read_text()))
        start["stem"].append(before[0])
        start["general"].append(before[1])
        for arm, name in of.items():
            if arm != "stage1" and all(record_of(out, f"seed{s}-{arm}").exists() for s in seeds):
                after = losses(json.loads(record_of(out, name).read_text()))
                row = results.setdefault(arm, {"stem": [], "general": [], "stem_gain": [], "forgetting": []})
                row["stem"].append(after[0])
                row["general"].append(after[1])
                row["stem_gain"].append(after[0] - before[0])
                row["forgetting"].append(after[1] - before[1])
    base = results["share-000"]
    lines = [
        f"{len(seeds)} seeds; mean ± standard deviation over seeds of differences within a seed, in nats per token (negative is better).",
        f"End of Stage-1: STEM {statistics.mean(start['stem']):.3f}, general {statistics.mean(start['general']):.3f}.",
        "",
        "| arm | STEM repetitions | STEM: from Stage-1 | STEM: from 0 % | general: from Stage-1 | general: from 0 % |",
        "|---|---|---|---|---|---|",
    ]
    for arm, row in results.items():
        times = repetitions(paths, cells(seeds[0])[f"seed{seeds[0]}-{arm}"][0])
        against = {k: [a - b for a, b in zip(row[k], base[k], strict=True)] for k in ("stem", "general")}
        lines.append(
            f"| {arm} | {times:.1f}{' (over five)' if times > 5 else ''} | {spread(row['stem_gain'])} | {spread(against['stem'])}"
            f" | {spread(row['forgetting'])} | {spread(against['general'])} |"
        )
    if "ramp" in results and "one-stage" in results:
        two, one = results["ramp"], results["one-stage"]
        stem, general = ([a - b for a, b in zip(two[k], one[k], strict=True)] for k in ("stem", "general"))
        lines += [
            "",
            f"Two stages (ramp) against the same tokens in one: STEM {spread(stem)}, general {spread(general)}.",
        ]
    shares = {
        f"{k}, seed {s}": [(float(a[6:]), results[a][k][i]) for a in results if a.startswith("share")]
        for i, s in enumerate(seeds)
        for k in ("stem", "general")
    }
    (out / "shares.svg").write_text(
        curves_svg(shares, "STEM share of Stage-2 (%)", "validation loss (nats per token)")
    )
    (out / "report.json").write_text(json.dumps({"seeds": seeds, "stage1": start, "arms": results}, indent=1))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is missing, one cell after another, then print the report."""
    parser = argparse.ArgumentParser(prog="python -m experiments.two_stages.run", description=__doc__)
    parser.add_argument(
        "--corpus",
        type=Path,
        required=True,
        help="a folder of <domain>/<name>.jsonl.zst with the fields lang and text",
    )
    parser.add_argument("--out", type=Path, default=Path("lake/evidence"))
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--characters", type=int, default=1_000_000, help="of each file at most")
    parser.add_argument("--cells", type=int, default=0, help="stop after so many trainings; 0 runs all")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = arguments.out / "paths.json"
    if not known.exists():
        known.write_text(json.dumps(prepare(arguments.out, arguments.corpus, arguments.characters)))
    paths = json.loads(known.read_text())
    os.environ |= {
        "OMP_NUM_THREADS": "1",
        "TOKENIZERS_PARALLELISM": "false",
        "DS_ACCELERATOR": os.environ.get("DS_ACCELERATOR", "cpu"),
    }
    import torch.utils.tensorboard  # noqa: F401

    import model.train  # noqa: F401

    left = arguments.cells or -1
    for seed in arguments.seeds:
        for name, cell in cells(seed).items():
            finished = record_of(arguments.out, name).exists()
            if not finished and left == 0:
                return
            left -= not finished
            train_cell(arguments.out, name, cell, paths)
    text = report(arguments.out, arguments.seeds, paths)
    (arguments.out / "report.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()

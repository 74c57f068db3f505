"""From a sample back to its documents, and from a document to every step that read it.

Belongs here: the two questions an auditor asks of a run. Does not belong here: the order itself
(data/). Use: `python -m model.data.trace --run-dir DIR --step 1200 --sample 7` or `--url URL`.
Answers are JSON lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from model.checkpoints.manifest import finished_checkpoints, read_manifest
from model.data.loader import Loader
from model.plan.run_file import RunFile
from model.training.spikes import Skips
from pipelines.lake import LakeError


def open_run(run_dir: Path) -> Loader:
    """The loader of a run, as one rank. LakeError where there is no run."""
    run = RunFile.load(run_dir)
    return Loader(run.plan, run.shards.by_corpus())


def of_sample(run_dir: Path, step: int, sample: int) -> list[dict[str, Any]]:
    """The documents in one sample: URL, dump, file, offset, and which tokens of the sequence they
    fill."""
    loader = open_run(run_dir)
    if not 0 <= sample < loader.plan.global_batch:
        raise LakeError(f"a step has samples 0 to {loader.plan.global_batch - 1}, not {sample}")
    return [_plain(d) for d in loader.trace(step, sample)]


def of_url(run_dir: Path, url: str) -> list[dict[str, Any]]:
    """Every document of this URL in the run's shards, with each step and sample that reads it and
    the checkpoints since.

    Reads at or after the last saved step are planned ones; reads of steps that a loss spike made
    the run skip are marked. `checkpoints` names those that were saved after a read that was not
    skipped.
    """
    loader = open_run(run_dir)
    saved = [
        (int(read_manifest(path)["step"]), path.name)
        for path in finished_checkpoints(run_dir / "checkpoints")
    ]
    skips = Skips(run_dir)
    found = []
    for index, source in enumerate(loader.plan.sources):
        for release in source.held:
            for document in loader.shards(release, source.corpus).documents_of(source.shard_name, url):
                reads = [
                    {"step": step, "sample": sample, "skipped": skips.end_of(step) != step}
                    for step, sample in loader.reads_of(index, release, document["start"], document["end"])
                ]
                first = min((r["step"] for r in reads if not r["skipped"]), default=loader.plan.steps)
                since = [tag for step, tag in saved if step > first]
                found.append(
                    _plain(
                        {
                            **document,
                            "release": release,
                            "source": source.name,
                            "reads": reads,
                            "checkpoints": since,
                        }
                    )
                )
    return found


def describe_sample(step: int, sample: int, documents: list[dict[str, Any]]) -> str:
    """`of_sample` for a person."""
    first = documents[0]
    where = f"{first['source']}, release {first['release']}, {first['shard']}"
    lines = [f"step {step}, sample {sample}: {documents[-1]['end']} tokens of {where}"]
    for d in documents:
        begin = f" from its token {d['document_token']} on" if d["document_token"] else ""
        lines.append(f"  tokens {d['start']} to {d['end'] - 1}: {d['url']}{begin}")
        lines.append(f"    dump {d['dump']}, {d['file']} at byte {d['offset']}, document {d['doc_id']}")
    return "\n".join(lines)


def describe_url(url: str, found: list[dict[str, Any]]) -> str:
    """`of_url` for a person."""
    if not found:
        return f"{url}: no shard of the run holds it"
    lines = []
    for d in found:
        lines.append(
            f"{url}: {d['end'] - d['start']} tokens in {d['source']}, release {d['release']}, {d['shard']}"
        )
        lines.append(f"  dump {d['dump']}, {d['file']} at byte {d['offset']}, document {d['doc_id']}")
        for r in d["reads"]:
            lines.append(
                f"  step {r['step']}, sample {r['sample']}"
                + (", skipped after a loss spike" if r["skipped"] else "")
            )
        if not d["reads"]:
            lines.append("  no step reads it")
        lines.append(f"  checkpoints that read it: {', '.join(d['checkpoints']) or 'none so far'}")
    return "\n".join(lines)


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {
        k: v.hex() if isinstance(v, bytes) else v.item() if isinstance(v, np.generic) else v
        for k, v in value.items()
    }


def main(argv: list[str] | None = None) -> int:
    """Print one JSON object a line; exit status 1 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m model.data.trace", description=__doc__)
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--step", type=int)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--url")
    arguments = parser.parse_args(argv)
    if (arguments.step is None) == (arguments.url is None):
        parser.error("give --step and --sample, or --url")
    try:
        found = (
            of_url(arguments.run_dir, arguments.url)
            if arguments.url is not None
            else of_sample(arguments.run_dir, arguments.step, arguments.sample)
        )
    except LakeError as error:
        sys.exit(f"trace: {error}")
    for record in found:
        print(json.dumps(record, ensure_ascii=False))
    return 0 if found else 1


if __name__ == "__main__":
    raise SystemExit(main())

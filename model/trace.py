"""From a sample back to its documents, and from a document to every step that read it.

Belongs here: the two questions an auditor asks of a run. Does not belong here: the order itself (data/).
Use: `python -m model.trace --run-dir DIR --step 1200 --sample 7` or `--url URL`. Answers are JSON lines.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from model.data.loader import Loader, shard_addresses
from model.plan import Plan
from pipelines.lake import LakeError


def open_run(run_dir: Path) -> Loader:
    """The loader of a run, as one rank. LakeError where there is no run."""
    path = run_dir / "run.json"
    if not path.exists():
        raise LakeError(f"{path} does not exist: the run has not been started")
    run = json.loads(path.read_text())
    return Loader(Plan.from_json(run["plan"]), shard_addresses(run))


def of_sample(run_dir: Path, step: int, sample: int) -> list[dict[str, Any]]:
    """The documents in one sample: URL, dump, file, offset, and which tokens of the sequence they fill."""
    loader = open_run(run_dir)
    if not 0 <= sample < loader.plan.global_batch:
        raise LakeError(f"a step has samples 0 to {loader.plan.global_batch - 1}, not {sample}")
    return [_plain(d) for d in loader.trace(step, sample)]


def of_url(run_dir: Path, url: str) -> list[dict[str, Any]]:
    """Every document of this URL in the run's shards, with each step and sample that reads it and the checkpoints since.

    Steps after the run's last one are planned reads; `checkpoints` names those that were saved after a read.
    """
    loader = open_run(run_dir)
    saved = []
    for path in sorted((run_dir / "checkpoints").glob("*/checkpoint.json")):
        saved.append((int(json.loads(path.read_text())["step"]), path.parent.name))
    found = []
    for index, source in enumerate(loader.plan.sources):
        for release in source.held:
            for document in loader.shards(release, source.corpus).documents_of(source.shard_name, url):
                steps = loader.reads_of(index, release, document["start"], document["end"])
                since = [tag for step, tag in sorted(saved) if steps and step > steps[0][0]]
                reads = [{"step": step, "sample": sample} for step, sample in steps]
                found.append(_plain({**document, "release": release, "source": source.name, "reads": reads, "checkpoints": since}))
    return found


def _plain(value: dict[str, Any]) -> dict[str, Any]:
    return {k: v.hex() if isinstance(v, bytes) else v.item() if isinstance(v, np.generic) else v for k, v in value.items()}


def main(argv: list[str] | None = None) -> int:
    """Print one JSON object a line; exit status 1 where nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m model.trace", description=__doc__)
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

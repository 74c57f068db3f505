"""Comparing a checkpoint with its manifest; `python -m model.checkpoints.verify --run-dir DIR
--stage STAGE` asks whether a stage is trained to its end.

Belongs here: what has to be true before a checkpoint is loaded, and before a stage counts as a
success. Does not belong here: the format of checkpoints (manifest.py). The orchestrator runs the
command where the files are; without torch it takes the time of reading them once.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import MANIFEST, CheckpointError, read_manifest, sha256
from model.checkpoints.signing import check_signature
from model.training import distributed


def verify_checkpoint(path: Path) -> dict[str, Any]:
    """Compare every file with the manifest, and return it; CheckpointError names what differs, or
    says that the manifest is not signed with our key."""
    value = read_manifest(path)
    check_signature(str(path / MANIFEST), value)
    compare_files(path, value["files"])
    return value


def compare_files(path: Path, files: Mapping[str, dict[str, Any]]) -> None:
    """Raise CheckpointError for the first file of a folder that is not as its manifest entry
    (bytes, sha256) says."""
    for name, known in files.items():
        file = path / name
        if not file.exists() or file.stat().st_size != known["bytes"] or sha256(file) != known["sha256"]:
            raise CheckpointError(
                f"{file} is not the file that {path / MANIFEST} names:"
                " restore it, or roll back to another checkpoint"
            )


def verify_on_all_ranks(path: Path) -> dict[str, Any]:
    """`verify` by all ranks, each reading its share of the files: all of them return the manifest,
    or all raise one CheckpointError."""
    value, wrong = read_manifest(path), ""
    try:
        check_signature(str(path / MANIFEST), value)
        compare_files(
            path,
            {
                n: value["files"][n]
                for n in sorted(value["files"])[distributed.rank() :: distributed.world_size()]
            },
        )
    except CheckpointError as error:
        wrong = str(error)
    if found := [w for w in distributed.gather_json(wrong) if w]:
        raise CheckpointError(found[0])
    return value


def refuse_differences(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise CheckpointError for a checkpoint of another model, tokenizer, plan or strategy."""
    there, here = found.get("strategy", {}), wanted.get("strategy", {})
    for key, name in (("zero_stage", "ZeRO-{}"), ("pipeline_stages", "{} pipeline stages")):
        if there.get(key) != here.get(key):
            raise CheckpointError(
                f"{path} holds the states of {name.format(there.get(key))},"
                f" this run asks for {name.format(here.get(key))}: each cuts the optimizer's states in"
                " another way and DeepSpeed converts numbers of ranks only; go on as before"
            )
    different = [f"{k}: {found.get(k)!r} there, {v!r} here" for k, v in wanted.items() if found.get(k) != v]
    if different:
        raise CheckpointError(
            f"{path} belongs to another run ({'; '.join(different)}): name a new run, or use the old settings"
        )


def verify_stage(folder: Path, stage: str) -> dict[str, Any]:
    """The stage's record, `export/<stage>/stage.json`, after every file of the checkpoint it names
    was compared with its manifest.

    Raises CheckpointError that says what is missing or differs.
    """
    path = folder / "export" / stage / "stage.json"
    if not path.exists():
        raise CheckpointError(f"{path} does not exist: {stage} was not trained to its end, start it again")
    record: dict[str, Any] = json.loads(path.read_text())
    found = verify_checkpoint(Path(record["checkpoint"]))
    if found["step"] != record["step"] or found["stage"] != stage or not found["stage_end"]:
        raise CheckpointError(
            f"{record['checkpoint']} is step {found['step']} of {found['stage']},"
            f" {path} says it is the end of {stage} at {record['step']}"
        )
    return record


def main(argv: list[str] | None = None) -> int:
    """Print the record as one line of JSON; 1 and a sentence on stderr if something is wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m model.checkpoints.verify", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--run-dir", type=Path, required=True)
    parser.add_argument("--stage", choices=("stage1", "stage2"), required=True)
    arguments = parser.parse_args(argv)
    try:
        print(json.dumps(verify_stage(arguments.run_dir, arguments.stage), sort_keys=True))
    except (CheckpointError, OSError, ValueError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`python -m model.checkpoints.verify --run-dir DIR --stage STAGE`: is the stage trained to its
end, and is everything that says so whole?

Belongs here: what has to be true on the cluster's storage before a stage counts as a success. Does
not belong here: the format of checkpoints (checkpoint.py). The orchestrator runs it where the files
are; without torch it takes the time of reading them once.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from model.checkpoints import checkpoint


def verify_stage(folder: Path, stage: str) -> dict[str, Any]:
    """The stage's record, `export/<stage>/stage.json`, after every file of the checkpoint it names
    was compared with its manifest.

    Raises CheckpointError that says what is missing or differs.
    """
    path = folder / "export" / stage / "stage.json"
    if not path.exists():
        raise checkpoint.CheckpointError(
            f"{path} does not exist: {stage} was not trained to its end, start it again"
        )
    record: dict[str, Any] = json.loads(path.read_text())
    found = checkpoint.verify(Path(record["checkpoint"]))
    if found["step"] != record["step"] or found["stage"] != stage or not found["stage_end"]:
        raise checkpoint.CheckpointError(
            f"{record['checkpoint']} is step {found['step']} of {found['stage']}, {path} says it is the end of {stage} at {record['step']}"
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
    except (checkpoint.CheckpointError, OSError, ValueError) as error:
        print(f"verify: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

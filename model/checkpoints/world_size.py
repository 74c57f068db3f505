"""Converting a checkpoint for another number of ranks; `python -m model.checkpoints.world_size
--input_folder CHECKPOINT --output_folder FOLDER`, which takes DeepSpeed's options, does it.

Belongs here: DeepSpeed's universal format, made and deleted. Does not belong here: loading it
(model/training/engine.py), another ZeRO stage or pipeline (refused: verify.py).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from model.checkpoints.manifest import CheckpointError, read_manifest
from model.checkpoints.reading import only_data

ROOT = Path(__file__).resolve().parents[2]


def to_universal(path: Path) -> str:
    """Convert a checkpoint for another number of ranks (rank 0 alone); returns the new tag.

    Needs about the checkpoint's size once more for the parts and once for the result:
    CheckpointError if the disk lacks it.
    """
    output = path.with_name(path.name + "_universal")
    size = sum(f["bytes"] for f in read_manifest(path)["files"].values())
    free = shutil.disk_usage(path.parent).free
    if free < 3 * size:
        raise CheckpointError(
            f"{path.parent} has {free} bytes free;"
            f" converting {path.name} for another world size needs {3 * size}"
        )
    shutil.rmtree(output, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "model.checkpoints.world_size",
        "--input_folder",
        str(path.resolve()),
        "--output_folder",
        str(output.resolve()),
    ]
    scrubbed = {
        k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
    }
    done = subprocess.run(
        [*command, "--num_extract_workers", "1", "--num_merge_workers", "1"],
        capture_output=True,
        text=True,
        env=scrubbed,
        cwd=ROOT,
    )
    if done.returncode:
        raise CheckpointError(f"conversion of {path} failed: {done.stderr[-800:]}")
    return output.name


def drop_universal(path: Path) -> None:
    """Delete the conversion of a checkpoint once every rank has loaded it: the next save is of this
    number of ranks."""
    shutil.rmtree(path.with_name(path.name + "_universal"))
    (path.parent / "latest_universal").unlink(missing_ok=True)


def main() -> None:
    """DeepSpeed's conversion, which reads states as data."""
    from deepspeed.checkpoint import ds_to_universal

    arguments = ds_to_universal.parse_arguments()
    with only_data(arguments.input_folder):
        ds_to_universal.main(arguments)


if __name__ == "__main__":
    main()

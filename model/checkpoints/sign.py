"""`python -m model.checkpoints.sign CHECKPOINT ...` signs checkpoints that were saved without a key.

Belongs here: the command. Does not belong here: what a signature is (signing.py).
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from model.checkpoints.manifest import MANIFEST, CheckpointError, read_manifest, write_json
from model.checkpoints.signing import KEY, signed
from model.checkpoints.verify import compare_files


def main(argv: list[str] | None = None) -> int:
    """Sign the checkpoints whose files are as their manifests say; 1 and a sentence otherwise."""
    parser = argparse.ArgumentParser(
        prog="python -m model.checkpoints.sign",
        description=f"Sign checkpoints of yours with the key in {KEY}.",
    )
    parser.add_argument("checkpoints", type=Path, nargs="+")
    if not os.environ.get(KEY):
        parser.error(f"{KEY} is not set")
    try:
        for path in parser.parse_args(argv).checkpoints:
            value = read_manifest(path)
            compare_files(path, value["files"])
            write_json(path / MANIFEST, signed(value))
    except CheckpointError as error:
        print(f"sign: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

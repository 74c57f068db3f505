"""Signatures of manifests, where a key is set: who may not know the key cannot make a checkpoint
that is loaded. `python -m model.checkpoints.signing CHECKPOINT ...` signs checkpoints that were
saved without.

Belongs here: the signature and its check. Does not belong here: comparing files with the hashes of
the manifest, which the signature covers (verify.py).
"""

from __future__ import annotations

import argparse
import hashlib
import hmac
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import MANIFEST, CheckpointError, read_manifest, write_json

KEY = "SKYPILE_CHECKPOINT_KEY"
"""The environment variable that holds the key."""
SIGNATURE = "signature"
"""The manifest's entry."""


def _signature(value: Mapping[str, Any], key: str) -> str:
    """HMAC-SHA256 (RFC 2104) over the manifest without its signature, as compact JSON with sorted
    keys; hexadecimal."""
    rest = {k: v for k, v in value.items() if k != SIGNATURE}
    data = json.dumps(rest, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(key.encode(), data, hashlib.sha256).hexdigest()


def signed(value: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest with its signature where the key is set, else as it is."""
    key = os.environ.get(KEY, "")
    return {**value, SIGNATURE: _signature(value, key)} if key else dict(value)


def check_signature(where: str, value: Mapping[str, Any]) -> None:
    """Where the key is set: CheckpointError for a manifest that was not signed with it."""
    key = os.environ.get(KEY, "")
    if not key:
        return
    found = value.get(SIGNATURE)
    if not isinstance(found, str):
        raise CheckpointError(
            f"{where} is not signed, and {KEY} is set: sign it with `python -m model.checkpoints.signing`"
            " if it is yours"
        )
    if not hmac.compare_digest(found, _signature(value, key)):
        raise CheckpointError(f"{where} was not signed with the key of {KEY}, or was changed since")


def main(argv: list[str] | None = None) -> int:
    """Sign the checkpoints whose files are as their manifests say; 1 and a sentence otherwise."""
    from model.checkpoints.verify import compare_files

    parser = argparse.ArgumentParser(
        prog="python -m model.checkpoints.signing",
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
        print(f"signing: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Signatures of manifests, where a key is set: who may not know the key cannot make a checkpoint
that is loaded.

Belongs here: the signature and its check. Does not belong here: comparing files with the hashes of
the manifest, which the signature covers (verify.py), signing by command (sign.py).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from typing import Any

from model.checkpoints.manifest import CheckpointError

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
            f"{where} is not signed, and {KEY} is set: sign it with `python -m model.checkpoints.sign`"
            " if it is yours"
        )
    if not hmac.compare_digest(found, _signature(value, key)):
        raise CheckpointError(f"{where} was not signed with the key of {KEY}, or was changed since")

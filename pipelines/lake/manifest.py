"""What a dataset is made of: parts, schema, parameters, statistics.

Belongs here: the manifest's form. Does not belong here: files and how they are published (writer.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pipelines.lake.errors import LakeError
from pipelines.lake.hashing import canonical_json, digest

FORMAT = 1
MANIFEST = "_manifest.json"
LINEAGE = "_lineage.json"
DAMAGED = "_damaged.json"  # part to what is wrong with it: a note for the next build (damage.py)
HASH = b"logical_hash"  # key of a Parquet part's own metadata


@dataclass(frozen=True)
class Part:
    """One file of a dataset. `rows` is 0 for files that are not Parquet.

    `key` names what the part was computed from, where a stage says so (Writer.take); `stats` are
    its own then. Neither counts in the content hash.
    """

    path: str
    rows: int
    bytes: int
    hash: str
    key: str = ""
    stats: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        return {k: v for k, v in self.__dict__.items() if v not in ("", {})}


@dataclass(frozen=True)
class Manifest:
    """What a dataset is. `parameters` and `stats` are deterministic; times and hosts are in
    `_lineage.json`."""

    asset: str
    partition: str
    content_hash: str
    recompute_key: str
    schema: str
    parameters: dict[str, Any]
    inputs: dict[str, str]
    parts: tuple[Part, ...]
    stats: dict[str, Any] = field(default_factory=dict)
    format: int = FORMAT

    @property
    def rows(self) -> int:
        return sum(p.rows for p in self.parts)

    @property
    def bytes(self) -> int:
        return sum(p.bytes for p in self.parts)

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "parts": [p.to_json() for p in self.parts]}

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> Manifest:
        if data.get("format") != FORMAT:
            raise LakeError(
                f"manifest of format {data.get('format')}: this version reads {FORMAT}; rebuild the table"
            )
        return Manifest(**{**data, "parts": tuple(Part(**p) for p in data["parts"])})

    def recomputed_hash(self) -> str:
        """The content hash that schema, parameters and parts give."""
        parts = (f"{p.path}\0{p.rows}\0{p.hash}" for p in self.parts)
        return digest(self.schema, canonical_json(self.parameters), *parts)


def merge_stats(total: dict[str, Any], more: Mapping[str, Any]) -> None:
    """Add numbers key by key, recursively; other values must agree."""
    for key, value in more.items():
        if isinstance(value, Mapping):
            merge_stats(total.setdefault(key, {}), value)
        elif isinstance(value, bool) or not isinstance(value, int | float):
            if total.setdefault(key, value) != value:
                raise LakeError(f"parts disagree on {key}: {total[key]!r} and {value!r}")
        else:
            total[key] = total.get(key, 0) + value

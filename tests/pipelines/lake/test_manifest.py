"""A manifest in JSON and back, and counts that add up over parts."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.lake import LakeError
from pipelines.lake.manifest import Manifest, Part, merge_stats

COUNTS = st.dictionaries(st.sampled_from("abc"), st.integers(-9, 9), max_size=3)


def test_a_manifest_is_read_back_as_it_was_written() -> None:
    parts = (Part("a.parquet", 2, 30, "h1", "k", {"n": 2}), Part("b.json", 0, 5, "h2"))
    manifest = Manifest("t", "d", "c", "r", "x: int64", {"p": 1}, {"raw": "i"}, parts, {"n": 2})
    text = json.dumps(manifest.to_json())
    assert Manifest.from_json(json.loads(text)) == manifest
    assert (manifest.rows, manifest.bytes) == (2, 35)
    assert json.loads(text)["parts"][1] == {"path": "b.json", "rows": 0, "bytes": 5, "hash": "h2"}
    with pytest.raises(LakeError, match="manifest of format 2: this version reads 1; rebuild the table"):
        Manifest.from_json(json.loads(text) | {"format": 2})


def leaves(value: dict[str, Any], path: tuple[str, ...] = ()) -> dict[tuple[str, ...], int]:
    """Every number by its path."""
    found: dict[tuple[str, ...], int] = {}
    for key, item in value.items():
        found |= leaves(item, (*path, key)) if isinstance(item, dict) else {(*path, key): item}
    return found


@given(st.lists(st.fixed_dictionaries({"n": st.integers(0, 9), "by": COUNTS}), max_size=4), st.randoms())
def test_numbers_add_up_whatever_the_order(parts: list[dict[str, Any]], gen: Any) -> None:
    total: dict[str, Any] = {}
    for part in parts:
        merge_stats(total, part)
    keys = {path for part in parts for path in leaves(part)}
    assert leaves(total) == {path: sum(leaves(p).get(path, 0) for p in parts) for path in keys}
    gen.shuffle(parts)
    again: dict[str, Any] = {}
    for part in parts:
        merge_stats(again, part)
    assert again == total


def test_other_values_must_agree() -> None:
    total: dict[str, Any] = {}
    merge_stats(total, {"by": "host", "done": True})
    merge_stats(total, {"by": "host", "done": True})
    assert total == {"by": "host", "done": True}
    with pytest.raises(LakeError, match="parts disagree on by: 'host' and 'url'"):
        merge_stats(total, {"by": "url"})

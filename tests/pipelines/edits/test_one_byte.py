"""Bytes stand for characters, so that a match in them is a match in the text."""

from __future__ import annotations

from pipelines.edits.one_byte import in_bytes


def test_bytes_stand_for_characters_that_are_seen() -> None:
    data, places = in_bytes("１２\u200b号號é")
    assert data[:2] == b"12" and data[2] == data[3] >= 0x80 and data[4:] == b"?"
    assert places is not None and places.tolist() == [0, 1, 3, 4, 5]

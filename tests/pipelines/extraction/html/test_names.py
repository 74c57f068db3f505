"""Words of class names in groups: the table that compiled code looks them up in, by plain hashing."""

from __future__ import annotations

import numpy as np

from pipelines.extraction.html.names import (
    GROUP_BITS,
    GROUP_NAMES,
    GROUPS,
    NAME_TABLE_HASHES,
    NAME_TABLE_MASKS,
)


def fnv(word: str) -> int:
    """64-bit FNV-1a, by its published constants."""
    value = 0xCBF29CE484222325
    for byte in word.encode():
        value = (value ^ byte) * 0x100000001B3 % (1 << 64)
    return value


def groups_of(word: str) -> set[str]:
    """The groups that the table gives for a word."""
    at = int(np.searchsorted(NAME_TABLE_HASHES, np.uint64(fnv(word))))
    if at == len(NAME_TABLE_HASHES) or int(NAME_TABLE_HASHES[at]) != fnv(word):
        return set()
    return {name for bit, name in enumerate(GROUP_NAMES) if int(NAME_TABLE_MASKS[at]) >> bit & 1}


def test_every_word_is_found_with_all_its_groups_and_no_other() -> None:
    words = {word for listed in GROUPS.values() for word in listed.split()}
    for word in words:
        assert groups_of(word) == {name for name, listed in GROUPS.items() if word in listed.split()}
    assert len(NAME_TABLE_HASHES) == len(words) and (np.diff(NAME_TABLE_HASHES.astype(object)) > 0).all()
    assert groups_of("likes") == {"tools"} and groups_of("like") == {"related", "tools"}
    assert groups_of("nonsense") == set()


def test_a_word_is_plain_and_groups_fit_their_bits() -> None:
    for listed in GROUPS.values():
        words = listed.split()
        assert words and all(word == word.lower() and word.isascii() for word in words)
    assert GROUP_BITS == len(GROUP_NAMES) < 62

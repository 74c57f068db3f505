from __future__ import annotations

import numpy as np

from pipelines.extraction.html import tags


def test_every_tag_is_found_and_nothing_else() -> None:
    def kind(name: str) -> int:
        return int(tags.find(tags.TAG_HASHES, np.uint64(tags.name_hash(name))))

    assert (np.diff(tags.TAG_HASHES.astype(object)) > 0).all()  # sorted, no two alike
    assert tags.TAG_KINDS[kind("h3")] == tags.HEADING and tags.TAG_KINDS[kind("dd")] == tags.DT
    assert kind("span") == kind("") == kind("pp") == -1


def test_blocks_are_what_begins_a_line() -> None:
    assert all(tags.is_block(kind) for kind in (tags.P, tags.HEADING, tags.TD, tags.DIV, tags.HR, tags.BODY))
    assert not any(
        tags.is_block(kind)
        for kind in (tags.INLINE, tags.A, tags.BR, tags.META, tags.TITLE, tags.RAW, tags.SKIP)
    )


def test_names_are_looked_up_as_they_are_found() -> None:
    names = [*tags._TAGS, "x-card", "", "ul2", *(f"n{k}" for k in range(500))]
    for name in names:
        hashed = np.uint64(tags.name_hash(name))
        found = tags.look_up(tags.TAG_HASHES, tags.TAG_SLOTS, hashed)
        assert found == tags.find(tags.TAG_HASHES, hashed)

"""The columns of the rules: one list of names, places and meanings."""

from __future__ import annotations

import pyarrow as pa

from pipelines.signals.columns import COUNT, MEANINGS, NOT_IN, SHARE
from pipelines.signals.rules import COUNTED as SCHEMA


def test_places_are_the_order_of_the_table() -> None:
    names = SCHEMA.names[1:]
    for name, place in COUNT._asdict().items():
        assert names[place] == name and SCHEMA.field(name).type == pa.int32()
    for name, place in SHARE._asdict().items():
        assert names[len(COUNT) + place] == name and SCHEMA.field(name).type == pa.float32()


def test_every_column_has_a_meaning() -> None:
    assert [*MEANINGS] == SCHEMA.names[1:] and all(MEANINGS.values())
    assert NOT_IN.keys() <= MEANINGS.keys()


def test_orders_of_ngrams_follow_each_other() -> None:
    """The kernels write them in one loop from top_2_gram on."""
    first = SHARE.top_2_gram
    names = SHARE._fields[first : first + 9]
    assert [int(name.split("_")[1]) for name in names] == list(range(2, 11))

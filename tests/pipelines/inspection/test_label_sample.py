"""The draw: fair, equal each time, by turns of kinds, and it says what each document stands for."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engine import InProcess
from pipelines.filtering.policy import Bound, RuleSet
from pipelines.inspection.label_sample import draw, set_margins
from pipelines.lake import Lake
from tests.support.judged import CHINESE, ENGLISH, MENU, judged

GERMAN = "Der Ausschuss der Stadt traf sich am Montag, um über eine neue Brücke zu sprechen. " * 4


def texts(count: int) -> list[list[str]]:
    kinds = [ENGLISH, CHINESE, MENU, "short", GERMAN]
    return [[f"{kinds[i % 5]}{i}." for i in range(start, count, 3)] for start in range(3)]


def test_every_stratum_and_language_has_its_turn_and_unwanted_languages_are_left_out(
    lake: Lake, engine: InProcess
) -> None:
    tables = judged(lake, engine, "d", texts(60))
    decisions = {r["doc_id"]: r for r in tables.need("decisions").read().to_pylist()}
    drawn = draw(tables, 12)
    assert len(drawn) == 12 == len({d.doc_id for d in drawn})
    assert [d.doc_id for d in drawn] == sorted(d.doc_id for d in drawn)
    for d in drawn:
        decided = decisions[d.doc_id]
        stratum, language, *_ = d.cell.split("/")
        assert decided["language"] == language == d.language != "de"
        assert stratum == "border" or decided["keep"] == (stratum == "kept")
        place = tables.documents.read_part(d.part, ["doc_id"], np.array([d.row]))["doc_id"][0].as_py()
        assert place == d.doc_id
    assert {d.language for d in drawn} >= {"en", "zh"}
    assert len({d.cell.split("/")[0] for d in drawn}) > 1


def test_a_larger_draw_holds_the_smaller_and_equals_itself(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "d", texts(40))
    draws = [draw(tables, count) for count in (3, 7, 20, 1000)]
    for small, large in pairwise(draws):
        assert {d.doc_id for d in small} <= {d.doc_id for d in large}
    assert draw(tables, 20) == draws[2]
    counts = Counter(d.cell for d in draws[-1])
    assert all(d.of == counts[d.cell] for d in draws[-1])  # the whole dump was drawn


def test_documents_of_a_smaller_pool_stand_for_more(lake: Lake, engine: InProcess) -> None:
    tables = judged(lake, engine, "d", texts(60))
    wanted = sum(r["language"] != "de" for r in tables.need("decisions").read().to_pylist())
    cells = {d.cell: d.of for d in draw(tables, 1000, pool=10)}
    assert sum(cells.values()) == pytest.approx(wanted)


def bounds(**limits: float) -> RuleSet:
    return RuleSet(
        name="s",
        categories=("*",),
        languages=("*",),
        bounds={"rules/digits": Bound(source="test", **limits)},
    )


@given(st.lists(st.integers(0, 20) | st.none(), min_size=1, max_size=30), st.integers(0, 20))
def test_a_margin_is_the_share_of_documents_from_ones_own_number_to_the_bound(
    values: list[int | None], limit: int
) -> None:
    known = [v for v in values if v is not None]
    columns = {"rules/digits": pa.array(values, pa.float32())}
    for side in ("max", "min"):
        (found,) = set_margins(bounds(**{side: limit}), columns).values()
        for value, share in zip(values, found, strict=True):
            if value is None:
                assert share == np.inf
                continue
            if side == "max":
                between = [v for v in known if (limit < v <= value if value > limit else value <= v <= limit)]
            else:
                between = [v for v in known if (value <= v < limit if value < limit else limit <= v <= value)]
            assert share == pytest.approx(len(between) / len(known))


def test_a_bound_that_says_nothing_of_a_document_has_no_margin() -> None:
    rule_set = RuleSet(
        name="s",
        categories=("*",),
        languages=("*",),
        bounds={"rules/digits": Bound(source="test", max=1, least={"rules/num_lines": 8})},
    )
    columns = {"rules/digits": pa.array([0, 5, 0, 5.0]), "rules/num_lines": pa.array([9, 9, 2, 2])}
    assert list(set_margins(rule_set, columns)["rules/digits"]) == [0.5, 0.5, np.inf, np.inf]

"""Recurring blocks and contamination are cut; what is left is measured and judged again by the same
policy."""

from __future__ import annotations

import pytest

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.lake import Lake, LakeError
from pipelines.release.cuts import cut_text, merge_spans
from pipelines.tables.schemas import document_id
from tests.support.assembled import FOOTER, assemble, hit, reasons, texts
from tests.support.release_samples import make_release, prose, publish


def test_recurring_blocks_are_cut_and_documents_judged_again(lake: Lake) -> None:
    rows = [{"text": f"{prose(a)}\n{FOOTER}", "host": "one.example"} for a in ("cat", "dog")]
    rows += [{"text": f"Short.\n{FOOTER}"}, {"text": f"{prose('owl')}\n{FOOTER}", "category": "code"}]
    built = assemble(lake, make_release(lake, {"a": rows}))
    # the footer goes with its line; code is exempt
    assert texts(built["main"]) == {prose("cat") + "\n", prose("dog") + "\n", f"{prose('owl')}\n{FOOTER}"}
    assert reasons(built) == {document_id("a", "f", 2): ["recurrence/rules/num_chars", "recurrence/loss"]}
    stats = lake.current("cuts", "r").stats
    assert (stats["touched"], stats["excluded"], stats["characters_cut"]) == (3, 1, 3 * len(FOOTER))
    assert stats["hosts"]["one.example"] == 2 * len(FOOTER)  # the report's effect per host
    assert stats["reasons"] == {"recurrence/rules/num_chars": 1, "recurrence/loss": 1}


def test_contamination_can_be_cut_or_only_marked(lake: Lake) -> None:
    text = "前面的话。" + prose("cat") + "answer is seven"
    end = len(text.encode())
    found = hit(document_id("a", "f", 0), start=end - len("answer is seven"), end=end)
    rows = {"a": [{"text": text}]}
    cut = assemble(lake, make_release(lake, rows, contamination=ContaminationPolicy(benchmark="cut")), found)
    assert texts(cut["main"]) == {"前面的话。" + prose("cat")}
    marked = assemble(
        lake, make_release(lake, rows, contamination=ContaminationPolicy(benchmark="mark")), found
    )
    assert texts(marked["main"]) == {text}


def test_a_long_text_loses_what_was_found_and_stays(lake: Lake) -> None:
    rows = {"a": [{"text": "Quoted. " + prose("cat")}, {"text": prose("owl")}]}
    first, second = document_id("a", "f", 0), document_id("a", "f", 1)
    found = hit(first, end=8, in_long=True), hit(second, kind="validation", in_long=True)
    built = assemble(lake, make_release(lake, rows), *found)
    assert texts(built["main"]) == {prose("cat")}
    assert reasons(built) == {second: ["contamination/validation"]}


def test_what_contamination_leaves_too_short_is_excluded(lake: Lake) -> None:
    text = prose("cat")
    policy = ContaminationPolicy(benchmark="cut")
    release = make_release(lake, {"a": [{"text": text}]}, contamination=policy)
    built = assemble(lake, release, hit(document_id("a", "f", 0), end=110))
    assert reasons(built) == {
        document_id("a", "f", 0): ["contamination/rules/num_chars", "contamination/loss"]
    }


def test_decisions_without_a_policy_are_refused(lake: Lake) -> None:
    release = make_release(lake, {"a": [{"text": prose("cat")}]})
    tables = release.dumps["a"]
    object.__setattr__(
        tables, "decisions", publish(lake, "decisions", "a", [tables.need("decisions").read()])
    )
    with pytest.raises(LakeError, match="name no policy"):
        assemble(lake, release)


def test_spans(lake: Lake) -> None:
    assert merge_spans([(5, 9), (0, 2), (8, 12), (2, 3)]) == [(0, 3), (5, 12)]
    assert cut_text("一二三", [(3, 6)]) == "一三"
    with pytest.raises(LakeError, match="rebuild it"):
        cut_text("abc", [(1, 9)])

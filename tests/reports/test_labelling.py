"""The page of a document: blind before the answer, escaped, and loading nothing."""

from __future__ import annotations

import re
from typing import Any

import pytest

from pipelines.cards.labels import KINDS, Label
from reports.labelling import (
    HEAD_CHARACTERS,
    TAIL_CHARACTERS,
    LabelView,
    NumberLine,
    PolicyView,
    empty_page,
    kind_keys,
    page,
    pieces,
)

NUMBER = NumberLine("rules/digits", "0.4", "≤ 0.3", "MAP-CC", True, "1.2%")
POLICY = PolicyView("default, chinese", False, ("rules/digits",), (NUMBER,))


def view(**fields: Any) -> LabelView:
    values: dict[str, Any] = {
        "dump": "d",
        "labeller": "ann",
        "number": 2,
        "of": 9,
        "answered": 1,
        "title": "标题",
        "url": "https://d.invalid/",
        "language": "zh",
        "category": "webpages",
        "text": "正文",
        "label": None,
        "policy": None,
    }
    return LabelView(**(values | fields))


def label(**fields: Any) -> Label:
    values = {"dump": "d", "doc_id": "0" * 32, "url": "", "content": "0" * 32, "labeller": "ann"}
    return Label.model_validate(values | {"verdict": "drop"} | fields)


def test_what_the_policy_says_is_shown_after_the_answer_alone() -> None:
    assert "rules/digits" not in page(view(), "x") and "MAP-CC" not in page(view(), "x")
    with pytest.raises(ValueError, match="who has answered"):
        view(policy=POLICY)
    after = page(view(label=label(kind="list", why="只有链接"), policy=POLICY), "x")
    assert all(said in after for said in ("rules/digits", "≤ 0.3", "MAP-CC", "dropped", "只有链接", "1.2%"))
    assert re.search(r'class="chosen">\s*list', after) and "drop chosen" in after


def test_what_is_shown_is_escaped_and_nothing_is_loaded() -> None:
    evil = '"><script src="https://evil.example/x.js"></script><img src=//evil.example/p.png>'
    shown = page(
        view(title=evil, text=evil, url=evil, category=evil, label=label(why=evil), policy=POLICY), "n0nce"
    )
    assert "<script src" not in shown and "<img" not in shown and shown.count("<script") == 1
    assert not re.findall(r"<(?:link|iframe|object|base|form|a)\b", shown)
    assert not re.search(r"""(?:src|href|action)=|url\(|@import""", re.sub(r"&[a-z0-9#]+;[^<]*", "", shown))
    assert 'nonce="n0nce"' in shown and " on" + "click" not in shown and "style=" not in shown


def test_of_a_long_text_beginning_and_end_are_shown() -> None:
    text = "a" * HEAD_CHARACTERS + "b" * 1234 + "c" * TAIL_CHARACTERS
    assert pieces(text) == ("a" * HEAD_CHARACTERS, 1234, "c" * TAIL_CHARACTERS)
    assert "1,234 characters are left out" in page(view(text=text), "x")
    assert pieces(text[:100]) == (text[:100], 0, "")


def test_every_kind_has_a_key_of_its_own() -> None:
    keys = kind_keys()
    assert [kind for kind, *_ in keys] == list(KINDS)
    assert len({(digit, shift) for _, digit, shift in keys}) == len(keys)
    assert all(f'data-kind="{kind}"' in page(view(), "x") for kind in KINDS)


def test_a_dump_without_documents_says_so() -> None:
    assert "Nothing to label" in empty_page("d<", "x") and "d&lt;" in empty_page("d<", "x")

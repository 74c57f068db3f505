"""The page on which a person labels a document: its text, the keys, and then what the policy says.

Belongs here: what the page shows, and when. Does not belong here: choosing documents
(pipelines/inspection/label_sample.py), keeping answers (pipelines/cards/labels.py), serving
(jobs/labelling.py).

What the policy says is on the page only where the reader has answered: nobody is told before.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.cards.labels import KINDS, WHY_CHARACTERS, Label
from reports.pages import render

HEAD_CHARACTERS, TAIL_CHARACTERS = 12_000, 3_000
"""Of a long text, its beginning and end are shown."""
VERDICTS = {"keep": "k", "drop": "d", "border": "b"}
"""The key of each answer."""
DIGITS = "1234567890"


@dataclass(frozen=True)
class NumberLine:
    """A number of the document beside its bound."""

    name: str
    value: str
    limits: str
    source: str
    fails: bool
    near: str
    """Share of documents between the number and the bound, in per cent; "" where unknown."""


@dataclass(frozen=True)
class PolicyView:
    """What the policy says of the document."""

    name: str
    keep: bool
    reasons: tuple[str, ...]
    numbers: tuple[NumberLine, ...]


@dataclass(frozen=True)
class LabelView:
    """A document to be labelled, or labelled. `text` is rendered, and title and url are masked."""

    dump: str
    labeller: str
    number: int
    of: int
    answered: int
    title: str
    url: str
    language: str
    category: str
    text: str
    label: Label | None
    policy: PolicyView | None

    def __post_init__(self) -> None:
        if self.label is None and self.policy is not None:
            raise ValueError("what the policy says is shown to a reader who has answered")


def kind_keys() -> list[tuple[str, str, bool]]:
    """(kind, digit, with Shift) of each kind, in the order of the keys."""
    return [(kind, DIGITS[i % 10], i >= 10) for i, kind in enumerate(KINDS)]


def pieces(text: str) -> tuple[str, int, str]:
    """Beginning, characters that are left out, end of a text; all of a short one is beginning."""
    left = len(text) - HEAD_CHARACTERS - TAIL_CHARACTERS
    if left <= 0:
        return text, 0, ""
    return text[:HEAD_CHARACTERS], left, text[-TAIL_CHARACTERS:]


def page(view: LabelView, nonce: str) -> str:
    """The page of a document. `nonce` lets its own style and script run, and no other."""
    head, left_out, tail = pieces(view.text)
    return render(
        "labelling.html",
        view=view,
        nonce=nonce,
        head=head,
        left_out=left_out,
        tail=tail,
        verdicts=VERDICTS,
        kinds=kind_keys(),
        why_characters=WHY_CHARACTERS,
        finished=view.answered == view.of,
    )


def empty_page(dump: str, nonce: str) -> str:
    """The page of a dump that has no document to be labelled."""
    return render("labelling_empty.html", dump=dump, nonce=nonce)

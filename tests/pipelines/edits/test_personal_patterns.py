"""What is personal data and what only looks like it: labelled strings, checksums, what a form needs."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.edits.personal_data import find_personal_data
from pipelines.edits.personal_patterns import FORMS, id_card_valid, luhn_valid
from tests.support.personal_data import ID_CARD, labelled_strings


def test_labelled_strings_have_the_promised_precision_and_recall() -> None:
    """466 strings of ours by class, in both languages; a span counts when both its ends are right."""
    strings = labelled_strings()
    right = wrong = missed = 0
    for _, pieces in strings:
        wanted, at = set(), 0
        for piece, personal in pieces:
            wanted |= {(at, at + len(piece))} if personal else set()
            at += len(piece)
        text = "".join(piece for piece, _ in pieces)
        found = {(start, end) for start, end, _ in find_personal_data(text)}
        right, wrong, missed = (
            right + len(wanted & found),
            wrong + len(found - wanted),
            missed + len(wanted - found),
        )
    assert len(strings) >= 400
    assert right / (right + wrong) >= 0.98 and right / (right + missed) >= 0.95


def test_checksum() -> None:
    assert id_card_valid(ID_CARD) and id_card_valid(ID_CARD.lower())
    assert not id_card_valid("110105194912310020")
    assert luhn_valid("4111111111111111") and not luhn_valid("4111111111111112")


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.lists(st.sampled_from(["a", "b9", ".", "-", "@", "@c.de", "cn", " ", "_", "%", "x" * 40, "?"])))
def test_mail_addresses_are_found_as_their_pattern_finds_them(pieces: list[str]) -> None:
    data = bytearray("".join(pieces).encode())
    form = FORMS[0]
    assert form.kind == "email"
    assert [m.span() for m in form.matches(data)] == [m.span() for m in form.pattern.finditer(data)]

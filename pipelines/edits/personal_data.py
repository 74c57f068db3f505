"""Personal data in a text: where it stands, and the masks in its place.

Belongs here: looking through a text, the masks. Does not belong here: what personal data looks like
(personal_patterns.py), whether any is left in a rendered text (leftovers.py), notices (boilerplate.py),
how masks are put in (render.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pipelines.edits.one_byte import in_bytes
from pipelines.edits.personal_patterns import FORMS, Form, names_someone, span_of
from pipelines.edits.traces import traces_in

MASKS = {
    "email": "[EMAIL]",
    "id_card": "[ID]",
    "bank_card": "[ID]",
    "mobile": "[PHONE]",
    "phone": "[PHONE]",
    "ip": "[IP]",
    "account": "[ID]",
    "passport": "[ID]",
}  # none is found again: rendering is idempotent
_MASKED = b"\xff"  # in no pattern
# How far a mask can change what is found: matches that begin so many characters before it, or so few
# behind it; no match but a mail address is longer than the reach.
_BEFORE, _BEHIND, _REACH, _REACH_OF_MAIL = 64, 8, 96, 700


def find_personal_data(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) in characters: sorted, not overlapping; where two kinds overlap the first
    of FORMS wins.

    A mask is a boundary: what stands beside one is searched again, so that rendering is idempotent.
    Time is linear in the text: only the places where a new mask can change an answer are tried
    again.
    """
    data, places = in_bytes(text)
    # a mask takes traces away: what no text of these can hold is not looked for again
    held = traces_in(np.frombuffer(data, np.uint8))
    if not held:
        return []
    forms = [form for form in FORMS if form.needs & held == form.needs]
    new = _write(data, _everywhere(data, forms))
    taken = list(new)
    while new:
        new = _write(data, _beside(data, new, forms))
        taken += new
    if places is not None:
        taken = [(int(places[start]), int(places[end - 1]) + 1, kind) for start, end, kind in taken]
    return sorted(taken)


def _everywhere(data: bytearray, forms: list[Form]) -> Iterator[tuple[int, int, str]]:
    for form in forms:
        for m in form.matches(data):
            if names_someone(form.kind, data, m):
                yield *span_of(m), form.kind


def _beside(
    data: bytearray, masks: list[tuple[int, int, str]], forms: list[Form]
) -> Iterator[tuple[int, int, str]]:
    """What is found now because of `masks`, in the order of forms."""
    for kind, _, pattern in forms:
        reach = _REACH_OF_MAIL if kind == "email" else _REACH
        for start, end, _ in masks:
            last = end + _BEHIND
            for window in pattern.finditer(data, max(0, start - _BEFORE), last + reach):
                # the window ends where the text does not: what is found is tried again in the text
                m = pattern.match(data, window.start()) if window.start() <= last else None
                if m and names_someone(kind, data, m):
                    yield *span_of(m), kind


def _write(data: bytearray, found: Iterator[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """Writes masks over those of `found` that overlap none before them; these are returned."""
    taken = []
    for start, end, kind in list(found):
        if _MASKED not in data[start:end]:
            data[start:end] = _MASKED * (end - start)
            taken.append((start, end, kind))
    return taken


def mask(text: str) -> str:
    """A text that may be shown: a URL, a title, a message. Documents' texts are rendered
    instead."""
    pieces, position = [], 0
    for start, end, kind in find_personal_data(text):
        pieces += [text[position:start], MASKS[kind]]
        position = end
    return "".join([*pieces, text[position:]])

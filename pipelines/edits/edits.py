"""Personal data and notices as spans of a document's text, and the one way from text and spans to
what everything else reads.

Belongs here: finding e-mail addresses, Chinese mobile and identity card numbers and public IPv4
addresses; masks; rendering. Does not belong here: which lines are notices (boilerplate.py), cuts
that depend on other documents (recurrence.py, corpus.py).

Regular expressions' `\\b` takes a Han character for a letter, so that it finds no boundary in
`邮箱a@b.cn谢谢`. The boundaries here are lookarounds over ASCII. Spans depend on the document alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.edits.boilerplate import CATEGORIES, is_boilerplate
from pipelines.engine.spark import Engine
from pipelines.lake import Built, Dataset, Lake, LakeError, Writer
from pipelines.tables.schemas import EDITS

VERSION = 2
MASKS = {
    "email": "[EMAIL]",
    "id_card": "[ID]",
    "mobile": "[PHONE]",
    "ip": "[IP]",
}  # none is found again: rendering is idempotent
LINE = "line"  # the kind of a line that is taken out, with its line feed
REPLACED = {**MASKS, LINE: ""}

_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9_%+](?:[A-Za-z0-9._%+\-]{0,62}[A-Za-z0-9_%+\-])?"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9\-]{0,61}[A-Za-z0-9])?\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9])"
)
# A number that is part of a longer one, of an identifier or of a decimal is something else.
_BEFORE, _AFTER = r"(?<![A-Za-z0-9_])(?<![0-9][.\-])", r"(?![A-Za-z0-9_])(?![.\-][0-9])"
_MOBILE = re.compile(
    _BEFORE + r"(?:(?:\+|00)?86[\- ]?)?1[3-9][0-9](?:[0-9]{8}|([\- ])[0-9]{4}\1[0-9]{4})" + _AFTER
)
_ID_CARD = re.compile(
    _BEFORE
    + r"[1-9][0-9]{5}(?:18|19|20)[0-9]{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12][0-9]|3[01])[0-9]{3}[0-9Xx]"
    + _AFTER
)
_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IP = re.compile(
    r"(?<![A-Za-z0-9_.\-])" + rf"{_OCTET}(?:\.{_OCTET}){{3}}" + r"(?![A-Za-z0-9_\-])(?!\.[A-Za-z0-9])"
)
# What each holds in any case. A search that begins with a look behind tries every character; these
# skip to the next digit, so that they go first.
_HAS_ID_CARD = re.compile(r"[0-9]{17}")
_HAS_MOBILE = re.compile(r"1[3-9][0-9][0-9\- ][0-9]{4}")
_HAS_IP = re.compile(r"[0-9]\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]")

_ID_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999
_ID_CHECK = "10X98765432"


def id_card_valid(number: str) -> bool:
    """Whether the last character of an 18-character identity card number is its checksum (GB
    11643-1999)."""
    return (
        _ID_CHECK[sum(w * int(d) for w, d in zip(_ID_WEIGHTS, number[:17], strict=True)) % 11]
        == number[17].upper()
    )


def find(text: str) -> list[tuple[int, int, str]]:
    """(start, end, kind) in characters: sorted, not overlapping; where two kinds overlap the first
    of MASKS wins.

    A mask is a boundary: what stands right behind one is searched again, so that rendering is
    idempotent.
    """
    taken: list[tuple[int, int, str]] = []
    while found := _find_once(text):
        taken += found
        for start, end, _ in found:
            text = text[:start] + "]" * (end - start) + text[end:]
    return sorted(taken)


def _find_once(text: str) -> list[tuple[int, int, str]]:
    found: list[tuple[int, int, str]] = []
    if "@" in text:
        found += [(m.start(), m.end(), "email") for m in _EMAIL.finditer(text)]
    if _HAS_ID_CARD.search(text):
        found += [(m.start(), m.end(), "id_card") for m in _ID_CARD.finditer(text) if id_card_valid(m[0])]
    if _HAS_MOBILE.search(text):
        found += [(m.start(), m.end(), "mobile") for m in _MOBILE.finditer(text)]
    if _HAS_IP.search(text):
        # Private, loopback and documentation addresses name no one.
        found += [
            (m.start(), m.end(), "ip") for m in _IP.finditer(text) if ipaddress.ip_address(m[0]).is_global
        ]
    covered = bytearray(len(text)) if found else bytearray()
    taken: list[tuple[int, int, str]] = []
    for start, end, kind in found:
        if not any(covered[start:end]):
            covered[start:end] = b"\1" * (end - start)
            taken.append((start, end, kind))
    return taken


def mask(text: str) -> str:
    """A text that may be shown: a URL, a title, a message. Documents' texts are rendered
    instead."""
    pieces, position = [], 0
    for start, end, kind in find(text):
        pieces += [text[position:start], MASKS[kind]]
        position = end
    return "".join([*pieces, text[position:]])


def _lines(text: str, masks: list[tuple[int, int, str]]) -> list[tuple[int, int, str]]:
    """The masks, and the lines to take out; masks in such lines go with them.

    Lines are judged as they will read, masks in place, so that a rendered text has no line more to
    take out.
    """
    spans: list[tuple[int, int, str]] = []
    position = number = 0
    for line in text.split("\n"):
        end = position + len(line)
        inside = []
        while number < len(masks) and masks[number][0] < end:
            inside.append(masks[number])
            number += 1
        shown, at = [], position
        for start, stop, kind in inside:
            shown += [text[at:start], MASKS[kind]]
            at = stop
        if is_boilerplate("".join([*shown, text[at:end]])):
            spans.append((position, min(end + 1, len(text)), LINE))
        else:
            spans += inside
        position = end + 1
    return spans


def spans_of(text: str, category: str = "") -> list[dict[str, Any]]:
    """The spans of one text, in UTF-8 byte offsets, as rows of the column `spans` of EDITS. Lines
    go in categories that have notices."""
    found = find(text)
    if category in CATEGORIES:
        found = _lines(text, found)
    spans, position, offset = [], 0, 0
    for start, end, kind in found:
        first = offset + len(text[position:start].encode())
        offset = first + len(text[start:end].encode())
        position = end
        spans.append({"start": first, "end": offset, "kind": kind})
    return spans


def build_edits(lake: Lake, engine: Engine, documents: Dataset) -> Built:
    """Publish the spans of every document (schema EDITS), row-aligned with `documents`; stats:
    documents touched, spans by kind."""

    def write(writer: Writer) -> None:
        def work(index: int) -> None:
            path = documents.parts[index].path
            if writer.has(path):
                return
            table = documents.read_part(index, ["doc_id", "category", "text"])
            spans = [
                spans_of(t, c)
                for t, c in zip(table["text"].to_pylist(), table["category"].to_pylist(), strict=True)
            ]
            counts = Counter(s["kind"] for row in spans for s in row)
            edits = pa.table(
                [table["doc_id"].combine_chunks(), pa.array(spans, EDITS.field("spans").type)], schema=EDITS
            )
            shown = render(_flat(table["text"]), _flat(edits["spans"]))
            left = Counter(kind for text in shown.to_pylist() for _, _, kind in find(text or ""))
            stats = {
                "documents": len(spans),
                "edited_documents": sum(map(bool, spans)),
                "spans": {k: counts[k] for k in REPLACED},
                "leftovers": {k: left[k] for k in MASKS},  # looked for in the rendered texts; any is a defect
            }
            writer.write_table(path, edits, stats)

        engine.map_parts(len(documents.parts), work)

    return lake.build(
        "edits",
        documents.manifest.partition,
        version=VERSION,
        parameters={"replaced": REPLACED},
        inputs={"documents": documents},
        write=write,
    )


def render(texts: pa.Array, spans: pa.Array) -> pa.Array:
    """The texts with every span replaced by its mask, or by nothing; null texts stay null.

    `texts`: string array of length n; `spans`: list<struct<start, end, kind>> of length n, UTF-8
    byte offsets, sorted, not overlapping. Raises LakeError for spans that do not fit their text.
    """
    if len(texts) != len(spans):
        raise LakeError(
            f"{len(texts)} texts and {len(spans)} rows of spans: the tables are not aligned; rebuild edits"
        )
    touched = pc.greater(pc.fill_null(pc.list_value_length(spans), 0), 0)
    rows = pc.indices_nonzero(touched)
    if not len(rows):
        return texts
    changed = [
        None if text is None else _render_one(text.encode(), row)
        for text, row in zip(texts.take(rows).to_pylist(), spans.take(rows).to_pylist(), strict=True)
    ]
    return pc.replace_with_mask(texts, touched, pa.array(changed, texts.type))


def _render_one(data: bytes, spans: list[dict[str, Any]]) -> str:
    pieces, position = [], 0
    for span in spans:
        if not position <= span["start"] <= span["end"] <= len(data):
            raise LakeError(
                f"span {span} does not fit a text of {len(data)} bytes: the edits are of other documents; rebuild edits"
            )
        pieces += [data[position : span["start"]], REPLACED[span["kind"]].encode()]
        position = span["end"]
    return b"".join([*pieces, data[position:]]).decode()


def rendered(documents: Dataset, edits: Dataset, i: int, rows: Any = None) -> pa.Array:
    """The rendered texts of part `i`, or of `rows` of it: what everything after edits reads.
    LakeError where the tables are not aligned."""
    texts, spans = (
        documents.read_part(i, ["doc_id", "text"], rows),
        edits.read_part(i, ["doc_id", "spans"], rows),
    )
    if not texts["doc_id"].equals(spans["doc_id"]):
        raise LakeError(
            f"part {i} of {documents.path} and of {edits.path} hold different documents: rebuild edits"
        )
    return render(_flat(texts["text"]), _flat(spans["spans"]))


def _flat(column: pa.ChunkedArray) -> pa.Array:
    return pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)

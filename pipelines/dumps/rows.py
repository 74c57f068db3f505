"""A row of a JSONL or Parquet file as a document, by the fields that the card names.

Belongs here: which field is what, rows without text. Does not belong here: reading the files
(json_lines.py, parquet.py), what a text is worth.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import MAX_BODY, Record, Tally, iso_date, valid_text

MAX_SEEN = 20  # fields that are named where rows have no text
MAX_NAME = 60  # characters of such a name

Fields = Mapping[str, str]
"""What is read of a row (text, url, date, crawled, title, language, id, or a group's name), and where: a
field, or a path such as `meta.url`."""
FIELDS = {"text": "text", "url": "url", "date": "date", "title": "title", "language": "language"}
_OWN = ("text", "url", "date", "crawled")  # have a place of their own in a record


def fields_of(card: DumpCard) -> dict[str, str]:
    """What is read of a row of the card's dump, and where: `fields`, and the field that `group` names."""
    named = {name: at for name, at in card.fields.model_dump().items() if at}
    own = card.group in named or card.group == "url" or card.group.split("/")[0] == "host"
    return named if own else named | {card.group: card.group}


def value_at(row: Mapping[str, Any], path: str) -> Any:
    """The value of a field or path; None where there is none. A field of the whole name comes
    first."""
    if path in row:
        return row[path]
    value: Any = row
    for name in path.split("."):
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


def row_record(values: Mapping[str, Any], number: int, names: list[str], tally: Tally) -> Record | None:
    """The document of a row, from its values by what they are; `names` are the row's own fields, which
    are counted where it has no text."""
    tally.count("records/seen")
    try:
        return _record(values, number, names, tally)
    except MemoryError:
        raise
    except Exception as error:  # the net: it costs this row alone
        tally.lose(f"broken/{type(error).__name__}", number)
        return None


def _record(values: Mapping[str, Any], number: int, names: list[str], tally: Tally) -> Record | None:
    text, url = values.get("text"), _string(values.get("url")) or _string(values.get("id"))
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        tally.lose("broken/no_text", number, url=url)
        for name in names[:MAX_SEEN]:
            tally.count(f"fields/{valid_text(name)[:MAX_NAME]}")
        return None
    if not text.strip():
        tally.lose("skipped/empty_body", number, url=url)
        return None
    if len(text) > MAX_BODY:
        tally.count("cut/max_body")
        text = text[:MAX_BODY]
    published, crawled = (_date(values.get(name), tally) for name in ("date", "crawled"))
    others = {k: _string(v) for k, v in values.items() if k not in _OWN and v is not None}
    return Record(number, url, published, crawled, text=valid_text(text), fields=others)


def _date(value: Any, tally: Tally) -> str:
    said = _string(value)
    date = iso_date(said)
    if said and not date:
        tally.count("seen/unreadable_date")
    return date


def _string(value: Any) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    return valid_text(value) if isinstance(value, str) else "" if value is None else str(value)

"""A row of a JSONL or Parquet file as a document, by the fields that the card names.

Belongs here: which field is what, rows without text. Does not belong here: reading the files
(json_lines.py, parquet.py), what a text is worth.
"""

from __future__ import annotations

import datetime
import email.utils
import re
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any

from pipelines.cards.dump import DumpCard
from pipelines.dumps.records import MAX_BODY, Record, Tally, decoded_text, iso_date, valid_text
from pipelines.kernels.charset_decoders import decode_as

FIRST_SECOND, LAST_SECOND = 631_152_000, 4_102_444_800  # 1990 to 2100: other numbers are years, or digits
_SLASHES = re.compile(r"(\d{4})[/-](\d{1,2})[/-](\d{1,2})((?:[T ].*)?)", re.ASCII)
_RFC_5322 = re.compile(r"(?:[A-Z][a-z]{2}, {0,2})?\d{1,2} [A-Z][a-z]{2} \d{4} \d\d:\d\d")
MAX_SEEN = 40  # fields of a row that are named where it has no text
FIRST_ROWS = 10  # of a file, whose fields are named too
MAX_COUNTED = 500  # names of all kinds of a file
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


def names_in(row: Mapping[str, Any]) -> list[str]:
    """The fields of a row, and those inside of them as the paths that a card names."""
    names: list[str] = []
    for name, value in row.items():
        names.append(name)
        if isinstance(value, Mapping):
            names += [f"{name}.{inner}" for inner in value]
        if len(names) >= MAX_SEEN:
            break
    return names[:MAX_SEEN]


def row_record(
    values: Mapping[str, Any], number: int, names: Callable[[], list[str]], codec: str, tally: Tally
) -> Record | None:
    """The document of a row, from its values by what they are.

    Counted are the values that there are (found/NAME), the row's own fields (`names`) where it has no text
    (fields/FIELD), and those of the first rows of a file (columns/FIELD). `codec` decodes bytes.
    """
    tally.count("records/seen")
    if tally.counts["records/seen"] <= FIRST_ROWS:
        _count_names(names(), "columns", tally)
    for name, value in values.items():
        if value is not None:
            tally.count(f"found/{name}")
    try:
        return _record(values, number, names, codec, tally)
    except MemoryError:
        raise
    except Exception as error:  # the net: it costs this row alone
        tally.lose(f"broken/{type(error).__name__}", number)
        return None


def _count_names(names: list[str], kind: str, tally: Tally) -> None:
    """Rows whose keys are all their own do not fill the statistics."""
    for name in names:
        counted = f"{kind}/{valid_text(name)[:MAX_NAME]}"
        if counted in tally.counts or len(tally.counts) < MAX_COUNTED:
            tally.count(counted)


def _record(
    values: Mapping[str, Any], number: int, names: Callable[[], list[str]], codec: str, tally: Tally
) -> Record | None:
    text = values.get("text")
    url = _said(values, "url", codec, tally) or _said(values, "id", codec, tally)
    if isinstance(text, bytes):
        text = decoded_text(text, codec, tally)
    if not isinstance(text, str):
        tally.lose("broken/no_text" if text is None else "broken/text_type", number, url=url)
        _count_names(names(), "fields", tally)
        return None
    if not text.strip():
        tally.lose("skipped/empty_body", number, url=url)
        return None
    if len(text) > MAX_BODY:
        tally.count("cut/max_body")
        text = text[:MAX_BODY]
    published, crawled = (_date(values.get(name), codec, tally) for name in ("date", "crawled"))
    others = {k: _said(values, k, codec, tally) for k, v in values.items() if k not in _OWN and v is not None}
    return Record(number, url, published, crawled, text=valid_text(text), fields=others)


def _date(value: Any, codec: str, tally: Tally) -> str:
    """A date as text, or as seconds or thousandths of a second since 1970."""
    said = decode_as(value, codec) if isinstance(value, bytes) else value
    date = row_date(said)
    if said not in (None, "") and not date:
        tally.count("seen/unreadable_date")
    return date


def row_date(value: Any) -> str:
    """ISO 8601 of what a row gives as a date: ISO 8601, also with slashes; RFC 5322 (HTTP, RSS); a number of
    seconds, or of thousandths, since 1970. "" for what is none."""
    if isinstance(value, bool):
        return ""
    if isinstance(value, int | float):
        seconds = value / 1000 if value > LAST_SECOND else value
        if FIRST_SECOND <= seconds < LAST_SECOND:
            made = datetime.datetime.fromtimestamp(seconds, datetime.UTC)
            return made.strftime("%Y-%m-%dT%H:%M:%SZ")
        return iso_date(str(value))
    text = str(value or "").strip()
    if found := _SLASHES.fullmatch(text):
        return iso_date(f"{found[1]}-{int(found[2]):02d}-{int(found[3]):02d}{found[4]}")
    if date := iso_date(text):
        return date
    if not _RFC_5322.match(text):
        return ""
    try:
        parsed = email.utils.parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError, IndexError):
        return ""
    return parsed.isoformat(timespec="seconds").replace("+00:00", "Z")


def _said(values: Mapping[str, Any], name: str, codec: str, tally: Tally) -> str:
    """A value as text. Lists, objects and numbers that are none say nothing, and are counted."""
    value = values.get(name)
    if isinstance(value, bytes):
        value = decode_as(value, codec)
    if isinstance(value, str):
        return valid_text(value)
    if isinstance(value, bool | Mapping | list | tuple) or (isinstance(value, float) and not isfinite(value)):
        tally.count(f"seen/{name}_type")
        return ""
    return "" if value is None else str(value)

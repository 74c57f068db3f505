"""Dates as people and pages write them, and what they mean.

Belongs here: the moment that a text names, the last moment of a period, dates in cards. Does not
belong here: which documents are too late (tables/card_exclusions.py).
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator

_LONGEST = 64  # characters; a longer text is no date
_DATE = re.compile(
    r"(\d{4})(?:[-/.年]\s?(\d{1,2})(?:[-/.月]\s?(\d{1,2})日?)?月?)?年?(?:[T\s]\s?(\d.*))?", re.DOTALL
)
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:T?(\d\d)(\d\d)(\d\d)Z?)?")


def first_moment(text: str) -> datetime | None:
    """The moment at which the period begins that a date names, in UTC; None where it is no date.

    ISO 8601 and what comes near it (2023-6-1, 2023/06/01, 2023年6月1日, 20230601, 20230601120000),
    a year or a month alone, and RFC 5322 (Thu, 01 Jun 2023 12:00:00 GMT). A time without a zone is
    UTC; a time that is not readable is midnight.
    """
    found = _parse(text)
    return found[0] if found else None


def last_moment(text: str) -> datetime | None:
    """The last moment of the period (year, month, day or moment) that a date names, in UTC."""
    found = _parse(text)
    return found[1] if found else None


def _parse(text: str) -> tuple[datetime, datetime] | None:
    """(first, last moment) of a date."""
    text = text.strip()
    if not text or len(text) > _LONGEST:
        return None
    try:
        if compact := _COMPACT.fullmatch(text):
            year, month, day, hour, minute, second = (int(v or 0) for v in compact.groups())
            begins = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
            return begins, begins if compact[4] else _end_of_day(begins)
        if parts := _DATE.fullmatch(text):
            return _period(*parts.groups())
        if text[0].isalpha() or text[0].isdigit():
            moment = parsedate_to_datetime(text)
            moment = _in_utc(moment)
            return moment, moment
    except (ValueError, OverflowError, TypeError, IndexError):
        pass
    return None


def _period(year: str, month: str | None, day: str | None, clock: str | None) -> tuple[datetime, datetime]:
    begins = datetime(int(year), int(month or 1), int(day or 1), tzinfo=UTC)
    if day is None:
        months = int(year) * 12 + (int(month) if month else 12)
        after = datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC) if months < 9999 * 12 else None
        return begins, after - timedelta(microseconds=1) if after else datetime.max.replace(tzinfo=UTC)
    if clock is not None:
        try:
            moment = _in_utc(datetime.fromisoformat(f"{begins:%Y-%m-%d}T{clock.strip()}"))
        except ValueError:
            return begins, _end_of_day(begins)
        return moment, moment
    return begins, _end_of_day(begins)


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _end_of_day(begins: datetime) -> datetime:
    return begins.replace(hour=23, minute=59, second=59, microsecond=999_999)


def _written(value: Any) -> Any:
    """YAML reads an unquoted date as one, and a year as a number."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def _is_date(value: str) -> str:
    if value and first_moment(value) is None:
        raise ValueError(f"{value!r} is no date: write a year, 2023-06, 2023-06-30 or 2023-06-30T12:00:00Z")
    return value


CardDate = Annotated[str, BeforeValidator(_written), AfterValidator(_is_date)]
"""A date in a card; may be empty."""

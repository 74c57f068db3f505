"""Lines that tell of a post, as lists of posts have them: when it was written and answered, how often
it was read.

Belongs here: what such a line is, and their share. Does not belong here: lines that are a date and
nothing else (forms.py), blocks of a title and a teaser (teasers.py), thresholds
(filtering/policies/*.yaml).

A board of threads is a table, so its rows say more than its prose: a title, who began it and when, two
counts, who answered and when. Lists of articles have a line of a date and counts below each title. A
thread and an article have one such line for each post, a page of history has one date in a line.
Lines that end a sentence are none. Both languages are read alike.
"""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.signals.form_counts import CHARS

LEAST = 5  # in a text: fewer are no list
MOST_CHARS = 240  # of such a line
_STAMP = (
    r"(?:(?:19|20)\d\d ?[-/.年] ?\d{1,2} ?[-/.月] ?\d{1,2}"
    r"|\d{1,3} ?(?:秒|分钟|分鐘|小时|小時|天|周|个月|個月|年)前|半小时前|(?:刚刚|昨天|前天) ?\d{1,2}:\d\d"
    r"|\b\d{1,3} ?(?:min|minute|hour|day|week|month|year)s? ago\b"
    r"|\b(?:[Yy]esterday|[Tt]oday),? (?:at )?\d{1,2}:\d\d)"
)
_COUNT = (
    r"(?:(?:阅读|閱讀|浏览|瀏覽|评论|評論|回复|回覆|回帖|点赞|收藏|查看|点击|人气)"
    r"(?:数|量|次数)?[(:： ]{1,2}\d"
    r"|\d[\d,.]* ?(?:次|人|条|个)?(?:阅读|閱讀|浏览|瀏覽|评论|評論|回复|回覆|点赞|收藏)"
    r"|\b(?:[Rr]eplies|[Vv]iews|[Cc]omments)\b\W{0,3}\d"
    r"|\b\d[\d,.]*k? (?:[Rr]epl(?:ies|y)|[Vv]iews|[Cc]omments?)\b)"
)
_ANY = rf"{_STAMP}|{_COUNT}"
_PLACE = re.compile(rf"(?<![A-Za-z0-9/_-])(?:{_ANY})")  # not in an address
_ENDS = tuple("。！!；;.")


def is_entry(line: str) -> bool:
    """Whether a line, stripped, tells of a post: two stamps of time, or two counts, or one of each."""
    if len(line) > MOST_CHARS or line.endswith(_ENDS):
        return False
    first = _PLACE.search(line)
    return first is not None and _PLACE.search(line, first.end()) is not None


def entry_lines(texts: pa.Array) -> list[float]:
    """Share of lines that tell of a post, blank ones left out, of the first CHARS characters of each
    text; 0 for fewer than LEAST."""
    heads = pc.utf8_slice_codeunits(texts, 0, CHARS)
    places = pc.count_substring_regex(heads, _ANY).to_pylist()
    return [
        _share(text.as_py()) if num >= 2 * LEAST else 0.0 for text, num in zip(heads, places, strict=True)
    ]


def _share(text: str) -> float:
    lines = [stripped for line in text.split("\n") if (stripped := line.strip())]
    num = sum(map(is_entry, lines))
    return num / len(lines) if num >= LEAST else 0.0

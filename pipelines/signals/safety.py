"""Safety hits: words in a text and in its URL.

Belongs here: two small lists and how they are counted. Does not belong here: how many hits are too many (decisions.py).

The lists are short on purpose: they hold words of trades (pornography, gambling, escorts) that hardly occur elsewhere, so that a few hits
mean something. Words of law, medicine and news are not among them. English entries match whole words; Chinese ones match anywhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa

SCHEMA = pa.schema(
    [
        ("url_hits", pa.int32()),  # words of the lists in the URL
        ("word_hits", pa.int32()),  # words of the lists in the text
        ("word_share", pa.float32()),  # characters of those words / characters of the text, rounded to 1e-6
    ]
)

ENGLISH = (
    "porn", "porno", "pornhub", "xvideos", "xhamster", "xnxx", "redtube", "camgirl", "camgirls", "escorts", "blowjob", "cumshot", "milf",
    "milfs", "hentai", "creampie", "gangbang", "deepthroat", "casino", "casinos", "sportsbook", "slots online", "online betting",
    "free spins", "viagra", "cialis",
)  # fmt: skip
CHINESE = (
    "成人电影", "色情网", "黄色网站", "裸聊", "援交", "一夜情", "约炮", "无码av", "成人视频", "激情视频", "做爱视频", "淫荡", "口爆",
    "博彩网", "赌博网", "真人赌场", "线上娱乐城", "网上赌场", "澳门赌场", "时时彩", "北京赛车pk10", "六合彩", "老虎机", "百家乐",
    "代开发票", "办证刻章",
)  # fmt: skip

_TEXT = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, ENGLISH))})(?![a-z0-9])|{'|'.join(CHINESE)}")
# In a URL words stand without spaces; those that are part of innocent words (specialist) are left out.
_URL = re.compile("|".join(re.escape(w.replace(" ", "")) for w in ENGLISH if w not in ("escorts", "cialis", "milf")))


def measure(texts: Sequence[str], urls: Sequence[str | None]) -> pa.Table:
    """One row of SCHEMA for each text and its URL."""
    words, shares, hits = [], [], []
    for text, url in zip(texts, urls, strict=True):
        found = _TEXT.findall(text.lower())
        words.append(len(found))
        shares.append(round(sum(map(len, found)) / len(text), 6) if text else 0.0)
        hits.append(len(_URL.findall((url or "").lower())))
    return pa.table([pa.array(hits), pa.array(words), pa.array(shares)], names=SCHEMA.names).cast(SCHEMA)

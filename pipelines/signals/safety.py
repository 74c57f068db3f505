"""Safety hits: words in a text and in its URL.

Belongs here: two lists of words by trade and how they are counted. Does not belong here: how many
hits are too many (filtering/policies/).

The lists hold words of trades that advertise on the web (pornography, escorts, gambling, forged
papers, drugs without prescription) and hardly occur elsewhere, so that a few hits mean something.
They were written for this project from knowledge of those trades, not taken from a published list.
Words of law, medicine, news and sex education are not among them. English entries match whole
words. Chinese ones match anywhere, so none may stand inside other words: neither 口爆 (人口爆炸) nor 援交
(支援交通) can be one.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.tables.columns import described

SCHEMA = described(
    "signals/safety",
    [
        ("url_hits", pa.int32(), "words of the lists in the URL"),
        ("word_hits", pa.int32(), "words of the lists in the text"),
        ("word_share", pa.float32(), "characters of those words / characters of the text, rounded to 1e-6"),
    ],
)

ENGLISH = {
    "pornography": (
        "porn", "porno", "pornhub", "xvideos", "xhamster", "xnxx", "redtube", "youporn", "brazzers",
        "camgirl", "camgirls", "sex cam", "sex cams", "sexcams", "live sex", "sex tube", "hardcore sex",
        "xxx videos", "xxx movies", "adult webcams", "nude cams", "blowjob", "blowjobs", "handjob",
        "handjobs", "cumshot", "cumshots", "milf", "milfs", "hentai", "creampie", "gangbang",
        "deepthroat", "bukkake", "futanari", "upskirt",
    ),
    "escorts": (
        "escorts", "escort service", "escort services", "call girls", "incall", "outcall",
        "erotic massage",
    ),
    "gambling": (
        "casino", "casinos", "sportsbook", "sportsbooks", "slots online", "online slots",
        "online betting", "online poker", "free spins", "no deposit bonus", "judi online", "situs slot",
        "togel",
    ),
    "forgery": (
        "fake passports", "fake diplomas", "counterfeit banknotes", "cvv shop", "fullz",
    ),
    "drugs": (
        "viagra", "cialis", "levitra", "kamagra", "buy xanax", "buy tramadol", "no prescription needed",
    ),
}  # fmt: skip
CHINESE = {
    "pornography": (
        "成人电影", "成人视频", "成人小说", "成人论坛", "成人网站", "色情网", "色情片", "色情小说",
        "情色小说", "黄色网站", "黄色小说", "激情视频", "激情小说", "做爱视频", "自拍偷拍", "偷拍自拍",
        "国产自拍", "无码av", "无码高清", "高清无码", "日韩无码", "欧美无码", "裸聊", "裸体直播", "淫荡",
        "淫妻", "骚穴", "骚逼", "肉棒插", "口爆颜射",
    ),
    "escorts": (
        "援交妹", "援交女", "援助交际", "一夜情", "约炮", "外围女", "楼凤", "莞式服务", "全套按摩服务",
    ),
    "gambling": (
        "博彩网", "赌博网", "赌球网", "真人赌场", "网上赌场", "线上赌场", "在线赌场", "澳门赌场",
        "真人荷官", "线上娱乐城", "真人娱乐城", "新葡京娱乐", "金沙娱乐城", "葡京赌场", "真钱棋牌",
        "现金棋牌", "注册送彩金", "首存送彩金", "时时彩", "北京赛车pk10", "六合彩", "老虎机", "百家乐",
    ),
    "forgery": (
        "代开发票", "办证刻章", "刻章办证", "代办文凭", "代办毕业证", "办理假证", "出售假币",
    ),
    "drugs": (
        "迷情药", "催情药", "听话水", "印度神油", "壮阳药品购买",
    ),
}  # fmt: skip
# In a URL words stand without spaces; those that are part of innocent words (specialist,
# mountaincall) are left out.
INSIDE_OTHERS = (
    "escorts",
    "cialis",
    "milf",
    "milfs",
    "incall",
    "outcall",
    "togel",
    "fullz",
    "live sex",
    "situs slot",
)

_ENGLISH = sorted((w for words in ENGLISH.values() for w in words), key=len, reverse=True)
_CHINESE = sorted((w for words in CHINESE.values() for w in words), key=len, reverse=True)
_TEXT = re.compile(rf"(?<![a-z0-9])(?:{'|'.join(map(re.escape, _ENGLISH))})(?![a-z0-9])|{'|'.join(_CHINESE)}")
# Which texts can hold a word at all, found by Arrow's automaton, twenty times faster: it folds case
# as widely and asks for no borders.
_ANYWHERE = f"(?i){'|'.join(_ENGLISH + _CHINESE)}"
_URL = re.compile("|".join(re.escape(w.replace(" ", "")) for w in _ENGLISH if w not in INSIDE_OTHERS))


def measure_safety(texts: Sequence[str], urls: Sequence[str | None]) -> pa.Table:
    """One row of SCHEMA for each text and its URL."""
    words, shares = [], []
    suspected = pc.match_substring_regex(pa.array(texts, pa.large_string()), _ANYWHERE).to_pylist()
    in_url = pc.match_substring_regex(pa.array(urls, pa.large_string()), f"(?i){_URL.pattern}").to_pylist()
    hits = [
        len(_URL.findall(url.lower())) if url and look else 0 for url, look in zip(urls, in_url, strict=True)
    ]
    for text, look in zip(texts, suspected, strict=True):
        found = _TEXT.findall(text.lower()) if look else []
        words.append(len(found))
        shares.append(round(sum(map(len, found)) / len(text), 6) if text else 0.0)
    return pa.table([pa.array(hits), pa.array(words), pa.array(shares)], names=SCHEMA.names).cast(SCHEMA)

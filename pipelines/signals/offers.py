"""Phrases of pages that offer something: Chinese companies' praise of their own goods, English
promotions of stocks.

Belongs here: two lists and how they are counted. Does not belong here: how many are too many
(filtering/policies/), English shops, which a model tells by all their words (page_kinds.py), trades
that are unwanted (safety.py).

One such phrase stands in many articles; a page that holds five different ones, or more, is made of
them. So different phrases are counted, not their places, and English ones only where the text names a
market of small stocks: large companies' releases carry the notices too. The lists were written for this
project from knowledge of such pages, not taken from a published list: in Chinese the set phrases of
suppliers' pages and of shops (call us, direct from the factory, free delivery); in English the market,
what is promised of the stock, and the notices that such a page must carry.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.signals.form_counts import CHARS

LEAST = 4  # different phrases in a text: fewer say nothing

CHINESE = (
    # how to order, and whom to call
    "欢迎来电", "来电咨询", "来电洽谈", "来电订购", "来电垂询", "致电咨询", "欢迎致电", "咨询热线",
    "订购热线", "服务热线", "全国热线", "加盟热线", "招商热线", "销售热线", "免费咨询", "在线咨询",
    "在线客服", "联系客服", "欢迎咨询", "欢迎选购", "欢迎订购", "欢迎前来", "来厂参观", "莅临指导",
    "莅临参观", "洽谈业务", "洽谈合作", "新老客户", "新老顾客", "广大客户", "广大用户好评", "竭诚为您",
    "竭诚服务", "真诚为您", "期待您的",
    # what is said of the company
    "集研发", "生产、销售于一体", "销售于一体", "服务于一体", "生产厂家", "厂家直销", "厂家直供",
    "厂家批发", "实力厂家", "源头厂家", "专业生产", "专业从事", "批发零售", "质量第一", "客户至上",
    "用户至上", "顾客至上", "信誉第一", "诚信为本", "诚信经营", "互惠互利", "以质量求生存", "服务周到",
    "技术力量雄厚", "雄厚的技术", "先进的生产设备", "畅销全国", "远销", "深受广大", "深受用户",
    "深受客户", "深受消费者", "一致好评", "行业领先", "量大从优", "价格优惠", "价格合理", "价格公道",
    "价格实惠", "物美价廉", "优质的产品", "完善的售后", "售后无忧", "售后保障", "优质服务",
    "一站式服务", "上门服务", "免费上门", "终身维护", "全国联保", "免费保修", "免费安装", "送货上门",
    "品质保证", "质量保证", "正品保证", "假一赔",
    # what shops say
    "包邮", "立减", "抢购", "秒杀", "限时特价", "限时优惠", "优惠券", "立即购买", "立即下单",
    "现在下单", "点击购买", "加入购物车", "七天无理由", "无理由退换", "亲们", "送礼自用", "居家必备",
    "旅行必备", "性价比高", "性价比极高", "满减", "新品上市", "热卖", "爆款",
)  # fmt: skip
ENGLISH = (
    # the market
    "otc pink", "otc markets", "otcmkts", "otcqb", "otcqx", "otcbb", "otc bb", "pink sheets",
    "penny stock", "penny stocks", "microcap", "micro-cap", "low float", "tsx-v", "tsxv",
    # what is promised
    "undervalued", "shareholder value", "huge gains", "substantial gains", "massive gains",
    "explosive growth", "hot stock", "stock alert", "stock pick", "stock picks", "price target",
    "breakout", "early investors", "gold mine", "goldmine", "taking notice", "take notice",
    "on the radar", "do your own due diligence",
    # notices
    "forward-looking statement", "forward-looking statements", "forward looking statement",
    "forward looking statements", "safe harbor", "private securities litigation reform act",
    "section 27a", "section 21e", "differ materially", "not a solicitation", "not an offer to buy",
    "not an offer to sell", "solicitation to buy or sell", "offer to buy or sell",
    "not investment advice", "investment advice", "been compensated", "has been compensated",
    "was compensated", "paid promotion", "for informational purposes only", "not a registered",
)  # fmt: skip
_CHINESE = "|".join(CHINESE)
_MARKET = r"\bOTC|[Pp](?:ENNY|enny) [Ss](?:TOCK|tock)|[Pp](?:INK|ink) [Ss](?:HEET|heet)"
LISTS = {
    "zh": (_CHINESE, re.compile(_CHINESE)),
    "en": (_MARKET, re.compile(r"\b(?:" + "|".join(map(re.escape, ENGLISH)) + r")\b", re.IGNORECASE)),
}
"""By language: what a text must hold to be looked at (RE2), and the phrases."""


def measure_offers(
    texts: pa.Array, languages: Sequence[str], num_tokens: Sequence[int]
) -> list[float | None]:
    """Different phrases of the list of its language in the first CHARS characters of each text, for 100
    tokens of the whole; 0 below LEAST, None in a language without a list."""
    out: list[float | None] = [None] * len(texts)
    for language, (asked, _) in LISTS.items():
        rows = [k for k, code in enumerate(languages) if code == language]
        if not rows:
            continue
        chosen = pc.utf8_slice_codeunits(texts.take(pa.array(rows)), 0, CHARS)
        asks = pc.match_substring_regex(chosen, asked).to_pylist()
        for row, text, found in zip(rows, chosen, asks, strict=True):
            num = len(phrases_of(text.as_py(), language)) if found else 0
            out[row] = 100.0 * num / max(num_tokens[row], 1) if num >= LEAST else 0.0
    return out


def phrases_of(text: str, language: str) -> set[str]:
    """The different phrases of a text, in lower case."""
    return {found.group().lower() for found in LISTS[language][1].finditer(text)}

"""Short lines that say what stands below them: "Related products", "Customer reviews", 相关阅读.

Belongs here: which words belong to which cue, and which blocks give one. Does not belong here: what
a cue means for main text (the forest learns it), class names (html/names.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html.markup import character, lower
from pipelines.extraction.html.runs import is_han
from pipelines.extraction.html.tags import FNV, PRIME, find
from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.hashing64 import FNV_PRIME, FNV_START

MAX_TOKENS = 14  # words, or Han characters, that a line which gives a cue has at most

# English words as such; Han in pairs of characters
CUES: dict[str, str] = {
    "related": (
        "related recommended recommendations recommend similar like more popular trending latest recent"
        " recently viewed bought together also others next previous featured discover explore inspired"
        " 相关 推荐 热门 最新 猜你 更多 上一 下一 延伸 排行 精选 热点"
    ),
    "reviews": (
        "review reviews rating ratings rated stars star testimonials testimonial feedback verified helpful"
        " 评价 评分 点评"
    ),
    "comments": (
        "comment comments reply replies responses respond discussion discussions answers answer answered"
        " 评论 回复 留言 跟帖 回答 楼主 发表"
    ),
    "share": (
        "share tweet facebook twitter pinterest whatsapp linkedin instagram youtube tiktok email print copy"
        " link follow us bookmark embed 分享 微信 微博 扫一 关注 二维 转发 收藏 打印"
    ),
    "join": (
        "subscribe newsletter sign signup join login log register account inbox unlock updates username"
        " password membership trial 登录 注册 订阅 会员 密码 账号"
    ),
    "buy": (
        "cart bag checkout add buy price prices quantity qty shipping delivery returns return stock sale"
        " save off order orders wishlist pickup availability warranty refund payment pay store deals"
        " 购买 价格 加入 库存 优惠 促销"
    ),
    "legal": (
        "cookie cookies privacy terms rights reserved copyright policy consent disclaimer preferences"
        " 版权 声明 隐私 协议 免责 备案 许可"
    ),
    "menu": (
        "menu home categories category browse search skip navigation sitemap toggle close open back top"
        " contents sections topics 首页 导航 栏目 返回 目录 搜索 分类"
    ),
    "author": (
        "author authors by written posted published updated ago reporter editor editorial contributor"
        " minutes hours days 作者 来源 编辑 责任 记者 发布 更新 发表 浏览 阅读"
    ),
    "product": (
        "description details detail specifications specification specs features ingredients overview"
        " materials material dimensions care size sizes included weight model brand sku highlights"
        " benefits fit fabric colour color 参数 规格 详情 简介 介绍 品牌"
    ),
    "faq": "faq faqs question questions frequently asked ask q 常见 问题 提问",
    "filter": (
        "filter filters sort results showing page pages per clear refine relevance newest compare view"
        " products items load show all 筛选 排序 共有 显示"
    ),
    "tags": "tag tags tagged filed under keywords labels 标签 关键",
    "ad": "advertisement advertisements sponsored ad ads promoted partner partners sponsor 广告 推广 赞助",
    "about": (
        "about contact company careers jobs team story press partners support help center customer service"
        " services resources 关于 联系 招聘 客服 帮助"
    ),
    "source": "references reference notes footnotes citations sources bibliography external 参考 引用 注释",
    "money": "$ € £ ¥ ￥ usd eur gbp rs",
}
NAMES = tuple(CUES)
NUM_CUES = len(CUES)


def word_table(groups: Iterable[str]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Sorted hashes of the words of some groups (each in one string; uint64 [n]), and of each word the
    groups that hold it, as bits in their order (int64 [n])."""
    masks: dict[int, int] = {}
    for bit, words in enumerate(groups):
        for word in words.split():
            h = int(FNV_START)
            for char in word:
                h = (h ^ ord(char)) * int(FNV_PRIME) % (1 << 64)
            masks[h] = masks.get(h, 0) | 1 << bit
    order = sorted(masks)
    return np.array(order, np.uint64), np.array([masks[h] for h in order], np.int64)


_HASHES, _MASKS = word_table(CUES.values())


def cues(data: Array, blocks: Array, segments: Array) -> Array:
    """The cues that each block gives, as bits in the order of NAMES; int64 [n]. Arguments as
    tree.parse gives them."""
    return words_in(data, blocks, segments, _HASHES, _MASKS, MAX_TOKENS)


@kernel
def words_in(
    data: Array, blocks: Array, segments: Array, hashes: Array, masks: Array, max_tokens: int
) -> Array:
    """The groups of words, by a table as word_table gives it, that stand in each block of at most
    `max_tokens` words and Han characters; int64 [n]. The others as tree.parse gives them."""
    found = np.zeros(blocks.shape[0], np.int64)
    for i in range(blocks.shape[0]):
        if blocks[i, col.B_TOKENS] > max_tokens:
            continue
        mask, word, before = 0, FNV, 0  # `before`: the Han character before, 0 where there is none
        for s in range(blocks[i, col.B_FIRST], blocks[i, col.B_LAST]):
            at, end = segments[s, 0], segments[s, 1]
            while at < end:
                size, point = character(data, at)
                at += size
                small = lower(point)
                inside = 97 <= small <= 122 or 0xC0 <= small < 0x250
                if inside:
                    word = (word ^ np.uint64(small)) * PRIME
                if (not inside or at >= end) and word != FNV:
                    place = find(hashes, word)
                    mask |= masks[place] if place >= 0 else 0
                    word = FNV
                if is_han(point):
                    if before:
                        pair = (((FNV ^ np.uint64(before)) * PRIME) ^ np.uint64(point)) * PRIME
                        place = find(hashes, pair)
                        mask |= masks[place] if place >= 0 else 0
                    before = point
                elif not inside:
                    before = 0
                    if point == 36 or point == 0xA3 or point == 0xA5 or point == 0x20AC or point == 0xFFE5:
                        place = find(hashes, (FNV ^ np.uint64(point)) * PRIME)
                        mask |= masks[place] if place >= 0 else 0
        found[i] = mask
    return found

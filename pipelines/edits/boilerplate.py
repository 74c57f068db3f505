"""Lines of a page that are about the page: cookie and script notices, share and login bars,
copyright, pointers to other pages.

Belongs here: which lines. Does not belong here: how they are taken out (edits.py), lines that recur
over documents (release/recurring_blocks.py).

A line goes only as a whole, and only when nothing else is in it: the patterns match whole lines,
and longer lines are prose that mentions such things. C4 drops every line with `javascript` or a
policy's name, so any page about programming; these ask for the notice itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

MAX_CHARS = 160  # characters of a line that can be a notice
CATEGORIES = (
    "webpages",
    "social",
    "miscellany",
    "encyclopedia",
    "academic",
    "books",
)  # in code and exercises such lines are content

_SITE = r"(?:facebook|twitter|x|linkedin|whatsapp|email|pinterest|reddit|instagram|youtube)"
_PARTS = (
    # scripts and cookies
    r"(?:please |you (?:must|need to) |to [^.]{0,60})?(?:enable|turn on|activate) java ?script\b[^.]{0,80}",
    r"(?:this (?:site|page|website|app) )?(?:requires|needs) java ?script\b[^.]{0,60}",
    r"(?:your browser|java ?script) (?:is|has|does)[^.]{0,30}(?:disabled|not (?:enabled|support)[^.]{0,40})",
    r"(?:this (?:web)?site|we|our (?:web)?site) uses? cookies\b[^\n]{0,120}",
    r"by (?:continuing|using)[^.]{0,60}\byou (?:agree|accept|consent)[^\n]{0,80}",
    r"accept (?:all )?cookies|cookie (?:settings|preferences|policy)|manage (?:cookies|consent)",
    r"(?:请|您需要|需要)[^。]{0,12}(?:启用|开启|打开|啟用) ?java ?script[^。]{0,30}",
    # bars
    rf"(?:share|tweet|pin|email|print|save)(?: this)?(?: (?:on|via|to|with))?(?: {_SITE})?",
    rf"(?:share|like|tweet|follow)(?: us| this| me)?(?: (?:on|via|to))(?:[ ,|/]+(?:and )?{_SITE})+",
    r"(?:log ?in|sign ?in|sign ?up|register|subscribe)(?: (?:or|and|/|\|) (?:log ?in|sign ?in|sign ?up|"
    r"register|subscribe))?",
    r"(?:log ?in|sign ?in|register|sign ?up) to (?:comment|reply|post|continue)[^\n]{0,40}|leave a "
    r"(?:comment|reply)|add a comment",
    r"(?:skip to (?:main )?(?:content|navigation)|back to top|previous (?:post|article|page)|next (?:post|"
    r"article|page)|table of contents)",
    r"(?:advertisement|sponsored(?: content)?|loading\.*|continue reading|read more|click here|"
    r"click to expand)(?: below| to [^.]{0,40})?",
    r"(?:分享到|分享至|分享|收藏|点赞|举报|打印|字号|评论|回复|登录|注册|登陆)"
    r"(?:[ |/、·：:]*(?:微信|微博|朋友圈|qq空间|qq|空间|收藏|点赞|举报|打印|登录|注册|大|中|小|[0-9]+))*",
    r"(?:扫一扫|扫码|扫描|长按)[^。]{0,20}(?:二维码|关注|下载|手机[^。]{0,6}阅读)[^。]{0,20}",
    r"(?:欢迎|请)?(?:关注|订阅)[^。]{0,16}(?:公众号|微信号|公众平台)[^。]{0,24}",
    r"(?:点击|点此|戳)[^。，]{0,10}(?:查看|阅读|下载|进入|这里)[^。，]{0,16}|(?:打开|下载)[^。，]{0,10}(?:app|客户端)[^。，]{0,16}",
    r"(?:上一篇|下一篇|上一页|下一页|上一章|下一章)(?:[:： ].{0,60})?",
    r"返回(?:顶部|首页|目录|列表)|(?:展开|阅读)全文|(?:查看|加载|显示)更多",
    # rights and responsibility
    r"(?:copyright|©|\(c\)|&copy;)[ ©:]*(?:\(c\)|©)? ?(?:19|20)\d\d[^\n]{0,110}|©[^\n]{0,80}",
    r"(?:责任编辑|責任編輯|本文编辑|责编)[:： ]+[^。，,]{1,20}|(?:编辑|校对|审核)[:：] ?[\u4e00-\u9fff "
    r"]{2,8}",
    r"[(（\[【](?:责任编辑|编辑|责编)[:： ]?[^。]{1,20}[)）\]】]",
    r"(?:未经|未經)[^。]{0,16}(?:授权|许可|允许|書面)[^。]{0,20}(?:转载|轉載|使用|复制)[^。]{0,20}",
)  # fmt: skip
_WITHIN = (  # as _PARTS; found only in lines that hold a sign of theirs, as other text may stand before it
    r"[^.\n]{0,80}all rights reserved\.?[^a-z\n]{0,40}",
    r"(?:版权所有|版權所有|著作权所有)[^。，的是]{0,40}|[^。，]{0,30}(?:版权所有|版權所有)(?:[^。]{0,20}(?:转载|翻印|侵权)[^。]{0,20})?",
    r"[^。]{0,12}转载(?:请|须|时)?[^。]{0,8}(?:注明|联系|保留)[^。]{0,40}",
    r"(?:[^ 。]{0,6}icp[备证]\S{0,24}|[^ 。]{0,4}公网安备\S{0,24})(?:[ |/].{0,60})?",
)  # fmt: skip


def _pattern(parts: Sequence[str]) -> re.Pattern[str]:
    """Lines in small letters that are nothing but one of the parts. That is faster than a pattern in any
    case, which cannot tell by a first letter that a part does not begin here."""
    return re.compile(rf"[\s|>»·•\-*]*+(?:{'|'.join(parts)})[\s|>»!.。！…]*")


_LINE, _LINE_WITHIN = _pattern(_PARTS), _pattern(_WITHIN)
_BROKEN = 0.1  # share of replacement characters in a line that was decoded wrongly


def is_boilerplate(line: str) -> bool:
    """Whether a line of a page goes as a whole. Blank lines stay: they part paragraphs."""
    bare = line.strip()
    if not bare:
        return False
    if "\ufffd" in bare and bare.count("\ufffd") > _BROKEN * len(bare):
        return True
    if len(bare) > MAX_CHARS:
        return False
    small = bare.lower()
    if _LINE.fullmatch(small):
        return True
    return _has_sign(small) and _LINE_WITHIN.fullmatch(small) is not None


def _has_sign(small: str) -> bool:
    """Whether a line in small letters holds what one of _WITHIN asks for."""
    return (
        ("rights reserved" in small or "icp" in small)
        or ("权所有" in small or "權所有" in small)
        or ("转载" in small or "公网安备" in small)
    )

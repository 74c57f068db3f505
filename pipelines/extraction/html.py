"""Markup -> main text, title, date and language hint.

Belongs here: blocks, their features, and which of them are main text. Does not belong here: bytes and charsets
(charset.py), tables (stage.py).

The page becomes a list of blocks (runs of text between block-level tags). Each has features: length, share of text
in links, sentence punctuation, tag, class names of its ancestors. A block scores by these and by its neighbours';
headings stand or fall with what follows. All bounds are deterministic: bytes, nodes, depth.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

MAX_CHARS = 2_000_000  # characters of markup that are parsed; the rest is cut
MAX_NODES = 60_000  # nodes that are visited
MAX_DEPTH = 256  # nesting that is followed; below, subtrees are left out
ELEMENT, TEXT = 1, 3

SKIP = frozenset(
    [
        "script",
        "style",
        "noscript",
        "template",
        "svg",
        "math",
        "iframe",
        "object",
        "embed",
        "canvas",
        "audio",
        "video",
        "button",
        "select",
        "option",
        "textarea",
        "input",
        "head",
        "map",
        "datalist",
        "dialog",
    ]
)
BLOCKS = frozenset(
    [
        "address",
        "article",
        "aside",
        "blockquote",
        "body",
        "center",
        "dd",
        "details",
        "div",
        "dl",
        "dt",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "li",
        "main",
        "nav",
        "ol",
        "p",
        "pre",
        "section",
        "summary",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "ul",
        "caption",
        "legend",
        "hgroup",
        "menu",
    ]
)
MAX_GAP = 6  # blocks left out between two chosen ones that still belong to one run
LIGHT = 0.05  # share of the heaviest run's weight below which a run is dropped
CELLS = frozenset(("td", "th"))
MAX_CELL = 80  # characters of a table cell up to which it shares a line with its neighbours
HEADINGS = frozenset(("h1", "h2", "h3", "h4", "h5", "h6"))
FAR_TAGS = frozenset(("nav", "footer", "aside", "menu"))
_FAR = re.compile(
    r"(?:^|[\s_\-])(?:nav|navbar|navi|navigation|navheader|navfooter|menu|submenu|footer|foot|bottom|sidebar|side|aside|breadcrumbs?|crumbs?|position|share|sharing|"
    r"social|related|recommend|recommended|copyright|login|signup|register|subscribe|newsletter|advert|ads?|banner|promo|sponsor|"
    r"tags?|tagcloud|pager|pagination|pages|toc|tools?|toolbar|rss|search|popup|modal|cookie|hot|rank|ranking|toplist|links?|"
    r"friendlink|skip|hidden|print|byline|author|meta|metadata|postmeta|entry-meta|statement|disclaimer|widget|topbar|masthead|"
    r"previous|next|prevnext|prev|qrcode|reward|donate|comment-form|respond|avatar|userinfo|profile|signature|relative)(?:[\s_\-]|\d|$)",
    re.IGNORECASE,
)
_FAR_JOINED = re.compile(
    r"sidebar|breadcrumb|navbar|footer|copyright|relatednews|recommend|pagination|sharebar|userinfo|loginbox|cookie|consent|onetrust|gdpr",
    re.IGNORECASE,
)
_NEAR = re.compile(
    r"(?:^|[\s_\-])(?:article|articlebody|content|contents|main|maincontent|post|postbody|post-body|entry|story|text|body|detail|news|message|t_f|topic|reply|answer|markdown)"
    r"(?:[\s_\-]|\d|$)",
    re.IGNORECASE,
)
_STOPS = re.compile(r"[.!?;:,。！？；：，、…]")
_END = re.compile(r"[.!?:。！？：；…”」』)\]）]$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SPACES = re.compile(r"[ \t\r\n\f\v\u00a0\u3000\u200b]+")
_DATE = re.compile(r"(?:19|20)\d\d[-/年.](?:0?[1-9]|1[0-2])[-/月.](?:0?[1-9]|[12]\d|3[01])")
_CONTACT = re.compile(
    r"版权所有|备案号|ICP[备证]|京公网安备|举报电话|联系电话|联系我们|责任编辑|责编[:：]|未经授权|"
    r"转载请注明|扫一扫|二维码|点击下载|分享到|上一篇|下一篇|"
    r"all rights reserved|copyright ©|©|terms of (?:use|service)|privacy policy|cookie policy|sign in|log in|subscribe|follow us|"
    r"share this|read more|click here|contact us",
    re.IGNORECASE,
)


@dataclass(slots=True)
class Block:
    """A run of text between block-level tags, with its features."""

    text: str
    tag: str
    chars: int  # Han characters count three, as they carry about that much
    links: float  # share of the text in links, 0..1
    stops: int  # sentence punctuation
    far: int  # number of the outermost element whose name or tag says navigation, footer, sidebar; 0 for none
    near: bool  # an ancestor's name or tag says content
    root: int  # number of the nearest article or main element, 0 for none


@dataclass(slots=True)
class Page:
    """What a page gave. `text` is "" where nothing reads like main text; `cut` names bounds that were reached."""

    text: str = ""
    title: str = ""
    date: str = ""
    language: str = ""
    robots: str = ""
    cut: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Open:
    """State of the walk below one element."""

    far: int
    near: bool
    root: int
    pre: bool
    link: bool
    block: str


def extract(markup: str) -> Page:
    """The main text of a page. Never raises because of the markup."""
    from resiliparse.parse.html import HTMLTree

    page = Page()
    if len(markup) > MAX_CHARS:
        markup, page.cut = markup[:MAX_CHARS], ["chars"]
    tree = HTMLTree.parse(markup.replace("\0", ""))
    _head(tree, page)
    if tree.body is None:
        return page
    blocks = _blocks(tree.body, page)
    page.text = _text(blocks, _choose(blocks, page.title))
    return page


def _head(tree: Any, page: Page) -> None:
    page.title = _SPACES.sub(" ", tree.title or "").strip()[:300]
    root = tree.document.first_element_child if hasattr(tree.document, "first_element_child") else None
    if root is not None:
        page.language = (root.getattr("lang") or root.getattr("xml:lang") or "").strip().lower()[:16]
    if tree.head is None:
        return
    for meta in tree.head.get_elements_by_tag_name("meta"):
        name = (meta.getattr("name") or meta.getattr("property") or meta.getattr("http-equiv") or "").lower()
        value = (meta.getattr("content") or "").strip()
        if name in ("robots", "googlebot", "tdm-reservation"):
            page.robots += f" {name}={value.lower()}"
        elif name in (
            "article:published_time",
            "pubdate",
            "publishdate",
            "date",
            "dc.date",
            "dcterms.created",
            "og:release_date",
            "citation_date",
        ):
            found = _DATE.search(value)
            if found and not page.date:
                page.date = "-".join(p.zfill(2) for p in re.split(r"\D+", found[0])[:3])
        elif name == "content-language" and not page.language:
            page.language = value.lower()[:16]


def _names(node: Any) -> str:
    return f"{node.getattr('class') or ''} {node.getattr('id') or ''}".strip()


def _blocks(body: Any, page: Page) -> list[Block]:
    """The blocks in document order. One walk with an explicit stack: depth costs no recursion."""
    blocks: list[Block] = []
    pieces: list[tuple[str, bool]] = []
    roots = visited = fars = 0

    def flush(at: _Open) -> None:
        if not pieces:
            return
        if at.pre:
            text = "".join(t for t, _ in pieces).replace("\r\n", "\n").expandtabs(4).strip("\n").rstrip()
        else:
            text = "\n".join(s for s in (_SPACES.sub(" ", line).strip() for line in "".join(t for t, _ in pieces).split("\x01")) if s)
        total = sum(len(t.strip()) for t, _ in pieces)
        if text and total:
            linked = sum(len(t.strip()) for t, is_link in pieces if is_link)
            size = len(text) + 2 * len(_HAN.findall(text))
            blocks.append(Block(text, at.block, size, linked / total, len(_STOPS.findall(text)), at.far, at.near, at.root))
        pieces.clear()

    def short() -> bool:
        return sum(len(t) for t, _ in pieces) <= MAX_CELL and not any("\x01" in t for t, _ in pieces)

    state = _Open(0, False, 0, False, False, "body")
    stack: list[tuple[Any, _Open]] = []
    node = body.first_child
    while True:
        while node is None:  # up
            if not stack:
                flush(state)
                return blocks
            parent, outer = stack.pop()
            if parent.tag in BLOCKS and not (parent.tag in CELLS and short()):
                flush(state)
            state, node = outer, parent.next_sibling
        visited += 1
        if visited > MAX_NODES:
            flush(state)
            page.cut.append("nodes")
            return blocks
        kind = int(node.type)
        if kind == TEXT:
            value = node.value
            if value:
                pieces.append((value, state.link))
        elif kind == ELEMENT:
            tag = node.tag
            if tag == "br":
                pieces.append(("\n" if state.pre else "\x01", False))
            elif tag not in SKIP:
                inner = state
                if tag in BLOCKS:
                    if tag in CELLS and short():
                        pieces.append(("  ", False))  # a short cell shares its line with the next
                    else:
                        flush(state)
                    names = _names(node)
                    far, near, root = state.far, state.near, state.root
                    if tag in ("article", "main") or node.getattr("role") == "main" or node.getattr("itemprop") == "articleBody":
                        roots += 1
                        far, near, root = 0, True, roots
                    elif tag in FAR_TAGS or (names and (_FAR.search(names) or _FAR_JOINED.search(names))):
                        if not far and (tag in FAR_TAGS or not _NEAR.search(names)):
                            fars += 1
                            far = fars
                    elif names and _NEAR.search(names):
                        near = True
                    style = node.getattr("style")
                    if style and "none" in style and "display" in style:
                        node = node.next_sibling
                        continue
                    inner = _Open(far, near, root, state.pre or tag == "pre", state.link, tag)
                elif tag == "a" and node.hasattr("href"):  # an anchor without address is no link, and XHTML leaves them open
                    inner = _Open(state.far, state.near, state.root, state.pre, True, state.block)
                child = node.first_child
                if child is not None:
                    if len(stack) >= MAX_DEPTH:
                        if "depth" not in page.cut:
                            page.cut.append("depth")
                    else:
                        stack.append((node, state))
                        state, node = inner, child
                        continue
        node = node.next_sibling


def _score(b: Block) -> float:
    """How much a block by itself reads like main text, wherever it stands; above 0 it does."""
    if b.tag == "pre":
        return 1.5
    value = -1.0 + min(b.chars, 400) / 100 + min(b.stops, 6) * 0.25 - 4.0 * b.links
    if b.tag in ("p", "blockquote", "dd"):
        value += 0.6
    if b.near:
        value += 0.4
    if b.chars < 260 and _CONTACT.search(b.text):
        value -= 2.5
    return value


def _choose(blocks: list[Block], title: str = "") -> list[bool]:
    """Which blocks are main text."""
    base = [_score(b) for b in blocks]
    n = len(blocks)
    held: dict[int, float] = {}
    for b, s in zip(blocks, base, strict=True):
        held[b.far] = held.get(b.far, 0.0) + max(0.0, s) * min(b.chars, 2000)
    # an element that holds half of the page's good text is no navigation, whatever it is called
    far = {number for number, weight in held.items() if number and weight < 0.5 * sum(held.values())}
    base = [s - 2.5 if b.far in far else s for b, s in zip(blocks, base, strict=True)]
    weight = [max(0.0, s) * min(b.chars, 2000) for b, s in zip(blocks, base, strict=True)]
    total = sum(weight)
    inside: set[int] = set()
    if total:  # where article or main elements hold most of the good text, the rest of the page is outside
        by_root: dict[int, float] = {}
        for b, w in zip(blocks, weight, strict=True):
            by_root[b.root] = by_root.get(b.root, 0.0) + w
        if total - by_root.get(0, 0.0) > 0.6 * total:
            inside = {r for r in by_root if r and by_root[r] > 0.05 * total}
    keep = [False] * n
    for i, b in enumerate(blocks):
        if inside and b.root not in inside:
            continue
        around = [max(-1.5, min(2.5, base[j])) for j in (i - 2, i - 1, i + 1, i + 2) if 0 <= j < n and blocks[j].tag not in HEADINGS]
        context = sum(around) / len(around) if around else 0.0
        bonus = 0.8 if b.root else 0.0
        keep[i] = b.tag not in HEADINGS and base[i] + 0.7 * context + bonus > 0.0
    for i in range(n - 1, -1, -1):  # a heading stays with what it heads
        b = blocks[i]
        if b.tag in HEADINGS and b.links < 0.6 and b.far not in far and (not inside or b.root in inside):
            after = [j for j in range(i + 1, min(n, i + 5)) if blocks[j].tag not in HEADINGS or keep[j]][:2]
            keep[i] = any(keep[j] for j in after) or (b.tag == "h1" and len(b.text) > 3 and b.text in title and any(keep[i:]))
    return _trim(blocks, keep, weight)


def _trim(blocks: list[Block], keep: list[bool], weight: list[float]) -> list[bool]:
    """Drop runs of chosen blocks that are light and stand far from the heavy ones: teasers, notices, related pages."""
    runs: list[list[int]] = []
    for i, k in enumerate(keep):
        if k and runs and i - runs[-1][-1] <= MAX_GAP:
            runs[-1].append(i)
        elif k:
            runs.append([i])
    heavy = max((sum(weight[i] for i in run) for run in runs), default=0.0)
    kept = [False] * len(keep)
    for run in runs:
        if sum(weight[i] for i in run) >= LIGHT * heavy:
            for i in run:
                kept[i] = True
    return kept


def _text(blocks: list[Block], keep: list[bool]) -> str:
    """The chosen blocks as lines, an empty line before each heading; a short block said twice in a row is written once."""
    lines: list[str] = []
    last = ""
    for b, k in zip(blocks, keep, strict=True):
        if not k or (b.text == last and len(b.text) < 200):
            continue
        last = b.text
        if b.tag in HEADINGS and lines:
            lines.append("")
        lines.append(b.text)
    return "\n".join(lines).strip("\n")

"""UTF-8 markup -> elements and blocks of text, in one compiled pass.

Belongs here: the tokenizer, the stack of open elements, and the counts that are taken while reading. Does not belong
here: which blocks are main text (features.py, model.py), titles and dates (head.py).

A block is a run of text between the starts and ends of block-level elements, or two line breaks. The rules are those of
the HTML standard that decide where text belongs: raw text elements, void elements, end tags that are implied, comments.
Nothing recurses and nothing grows: markup of n bytes costs O(n), and elements, blocks, segments and depth are bounded.
"""

# ruff: noqa: SIM109 (compiled code compares faster one by one)
from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from pipelines.extraction.names import GROUP_BITS, NAME_TABLE_HASHES, NAME_TABLE_MASKS

Array = np.ndarray[Any, Any]

MAX_ELEMENTS = 60_000  # block-level elements that are opened; what follows is left out
MAX_BLOCKS = 20_000  # blocks that are kept; what follows is left out
MAX_SEGMENTS = 120_000  # runs of text between any two tags
MAX_DEPTH = 512  # open elements; below, tags are text borders only

# What an element does. One number a tag; the order is part of the model (features.py counts on it).
(INLINE, VOID, BR, A, SKIP, RAW, P, HEADING, LI, DT, TD, TR, TBODY, TABLE, LIST, DIV, ARTICLE, NAV, FOOTER, ASIDE, HEADER, FORM, PRE, QUOTE,
 FIGURE, SECTION, MAIN, BODY, HTML, META, TITLE, CUSTOM, DL, HR) = range(34)  # fmt: skip
_TAGS: dict[str, int] = {
    **dict.fromkeys(("area", "base", "col", "embed", "img", "input", "link", "param", "source", "track", "wbr", "keygen"), VOID),
    **dict.fromkeys(
        ("svg", "math", "template", "object", "canvas", "audio", "video", "button", "select", "map", "datalist", "dialog"), SKIP
    ),
    **dict.fromkeys(("script", "style", "noscript", "iframe", "textarea", "xmp", "noembed", "noframes"), RAW),
    **dict.fromkeys(("h1", "h2", "h3", "h4", "h5", "h6"), HEADING),
    **dict.fromkeys(("dt", "dd"), DT),
    **dict.fromkeys(("td", "th"), TD),
    **dict.fromkeys(("tbody", "thead", "tfoot"), TBODY),
    **dict.fromkeys(("ul", "ol", "menu"), LIST),
    **dict.fromkeys(("div", "center", "fieldset", "legend", "details", "summary", "hgroup", "address", "caption", "dir", "marquee"), DIV),
    **dict.fromkeys(("figure", "figcaption"), FIGURE),
    **dict.fromkeys(("pre", "listing", "plaintext"), PRE),
    **{"br": BR, "a": A, "p": P, "li": LI, "tr": TR, "table": TABLE, "article": ARTICLE, "nav": NAV, "footer": FOOTER, "aside": ASIDE},
    **{"header": HEADER, "form": FORM, "blockquote": QUOTE, "section": SECTION, "main": MAIN, "body": BODY, "html": HTML, "meta": META},
    **{"title": TITLE, "dl": DL, "hr": HR, "head": VOID},
}
_FNV, _PRIME = 0xCBF29CE484222325, 0x100000001B3


def name_hash(name: str) -> int:
    """FNV-1a of the lower-case bytes of a name: what the kernel computes while it reads."""
    h = _FNV
    for byte in name.encode():
        h = (h ^ byte) * _PRIME % (1 << 64)
    return h


def text_words(text: str) -> Array:
    """Sorted hashes of the words of a text as the kernel makes them: a Han character, or a run of letters and digits; uint64 [w]."""
    found: set[int] = set()
    word = _FNV
    for char in text + " ":
        point = ord(char)
        han = 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or point >= 0x20000
        inside = (char.isalnum() or (point >= 0x80 and not 0x2000 <= point <= 0x206F and point != 0xA0)) and not han
        if inside and not 0x3000 <= point <= 0x3003 and not 0xFF00 <= point <= 0xFF1F:
            word = (word ^ (point + 32 if 65 <= point <= 90 else point)) * _PRIME % (1 << 64)
            continue
        if word != _FNV:
            found.add(word)
            word = _FNV
        if han:
            found.add((_FNV ^ point) * _PRIME % (1 << 64))
    return np.array(sorted(found), np.uint64)


def _tables() -> tuple[Array, Array]:
    order = sorted(_TAGS, key=name_hash)
    return np.array([name_hash(t) for t in order], np.uint64), np.array([_TAGS[t] for t in order], np.int64)


TAG_HASHES, TAG_KINDS = _tables()
ATTRIBUTES = {name: np.uint64(name_hash(name)) for name in ("class", "id", "href", "style", "hidden", "role", "itemprop")}
_CLASS, _ID, _HREF, _STYLE, _HIDDEN, _ROLE, _ITEMPROP = ATTRIBUTES.values()
FNV, PRIME = np.uint64(_FNV), np.uint64(_PRIME)

# columns of `elements` (int64) and `blocks` (int64); features.py compiles them in: empty numba's cache when they change
E_PARENT, E_KIND, E_PATH, E_DEPTH, E_OWN = range(5)
(B_ELEMENT, B_FIRST, B_LAST, B_CHARS, B_LINKED, B_STOPS, B_ENDS, B_HAN, B_DIGITS, B_UPPER, B_WORDS, B_LINKS, B_CLOSED, B_HASH,
 B_TITLE, B_TOKENS, B_SPLIT) = range(17)  # fmt: skip
NUM_ELEMENT_COLUMNS, NUM_BLOCK_COLUMNS = 5, 17
S_LINK, S_BREAK, S_PRE = 1, 2, 4  # flags of a segment
C_ELEMENTS, C_BLOCKS, C_SEGMENTS, C_DEPTH, C_HTML, C_METAS = range(6)  # entries of `counts`
NUM_METAS = 64


@njit(cache=True, inline="always")
def _find(table: Array, value: np.uint64) -> int:
    low, high = 0, table.size
    while low < high:
        middle = (low + high) >> 1
        if table[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low if low < table.size and table[low] == value else -1


@njit(cache=True, inline="always")
def _lower(c: int) -> int:
    return c + 32 if 65 <= c <= 90 else c


@njit(cache=True, inline="always")
def _space(c: int) -> bool:
    return c == 32 or (9 <= c <= 13)


@njit(cache=True)
def _names(data: Array, start: int, end: int) -> tuple[int, np.uint64]:
    """Groups of the words of a class or id value (bit mask), and a hash of its words without digits.

    Words end at anything that is no letter, and where a capital follows a small letter.
    """
    mask = 0
    whole = FNV
    word = FNV
    length = 0
    before_small = False
    for i in range(start, end + 1):
        c = data[i] if i < end else 32
        small, capital = 97 <= c <= 122, 65 <= c <= 90
        if length and not (small or (capital and not before_small)):
            at = _find(NAME_TABLE_HASHES, word)
            if at >= 0:
                mask |= NAME_TABLE_MASKS[at]
            word, length = FNV, 0
        if small or capital:
            word = (word ^ np.uint64(_lower(c))) * PRIME
            whole = (whole ^ np.uint64(_lower(c))) * PRIME
            length += 1
        elif not 48 <= c <= 57:
            whole = (whole ^ np.uint64(32)) * PRIME
        before_small = small
    return mask, whole


@njit(cache=True)
def _hidden_style(data: Array, start: int, end: int) -> bool:
    """Whether a style value says display: none."""
    for i in range(start, end - 8):
        if _lower(data[i]) == 100 and _lower(data[i + 1]) == 105 and _lower(data[i + 6]) == 121:  # d i . . . . y
            j = i + 7
            while j < end and (_space(data[j]) or data[j] == 58):
                j += 1
            if j + 4 <= end and _lower(data[j]) == 110 and _lower(data[j + 1]) == 111 and _lower(data[j + 2]) == 110:
                return True
    return False


@njit(cache=True)
def _skip_raw(data: Array, at: int, name: Array) -> int:
    """Where the end tag of a raw text element starts: `name` is lower-case; the end of the data where there is none."""
    n, size = data.size, name.size
    while at < n:
        if data[at] == 60 and at + 2 + size <= n and data[at + 1] == 47:
            same = True
            for k in range(size):
                if _lower(data[at + 2 + k]) != name[k]:
                    same = False
                    break
            if same:
                return at
        at += 1
    return n


@njit(cache=True, inline="always")
def _is_block(kind: int) -> bool:
    return kind >= P and kind != META and kind != TITLE


@njit(cache=True)
def parse(data: Array, title_words: Array) -> tuple[Array, Array, Array, Array, Array]:
    """(elements, blocks, segments, metas, counts) of UTF-8 markup (uint8 [n]).

    elements int64 [e, 5], blocks int64 [b, 17]: columns above. segments int64 [s, 3]: start, end, flags. metas int64 [m]: where
    `<meta` tags start. counts int64 [6]: what was met, beyond the bounds too, and where the html tag lies (-1: nowhere).
    `title_words`: sorted hashes of the title's words (uint64), counted in each block.
    """
    n = data.size
    elements = np.zeros((1024, NUM_ELEMENT_COLUMNS), np.int64)
    blocks = np.zeros((1024, NUM_BLOCK_COLUMNS), np.int64)
    segments = np.zeros((4096, 3), np.int64)
    metas = np.zeros(NUM_METAS, np.int64)
    counts = np.zeros(6, np.int64)
    counts[C_HTML] = -1
    stack_kind = np.zeros(MAX_DEPTH, np.int64)
    stack_name = np.zeros(MAX_DEPTH, np.uint64)
    stack_element = np.zeros(MAX_DEPTH, np.int64)  # nearest block-level element
    stack_flags = np.zeros(MAX_DEPTH, np.int64)  # 1 link, 4 pre, 8 skip
    num_elements, num_blocks, num_segments, depth = 1, 0, 0, 1
    elements[0, E_PARENT] = -1
    elements[0, E_KIND] = BODY
    elements[0, E_PATH] = 1
    stack_kind[0] = BODY
    # state of the open block
    first, chars, linked, stops, ends, han, digits, upper, words, links, hashed = 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, FNV
    in_title, tokens, closed, pending_break, breaks, split = 0, 0, 0, 0, 0, 0
    word_hash, in_word = FNV, False
    last_link = False
    at = 0
    while at < n:
        # ---- text up to the next tag
        start = at
        flags = stack_flags[depth - 1]
        quiet = (flags & 8) != 0
        seen = False
        while at < n:
            c = data[at]
            if c == 60 and at + 1 < n:
                d = data[at + 1]
                if (65 <= d <= 90) or (97 <= d <= 122) or d == 47 or d == 33 or d == 63:
                    break
            if quiet:
                at += 1
                continue
            size = 1
            point = c
            if c >= 0xF0:
                size, point = 4, 0x20000
            elif c >= 0xE0 and at + 2 < n:
                size, point = 3, ((c & 15) << 12) | ((data[at + 1] & 63) << 6) | (data[at + 2] & 63)
            elif c >= 0xC0 and at + 1 < n:
                size, point = 2, ((c & 31) << 6) | (data[at + 1] & 63)
            elif c == 38:  # an entity is one character
                j = at + 1
                value, digital, hexed = 0, j < n and data[j] == 35, False
                if digital:
                    j += 1
                    if j < n and _lower(data[j]) == 120:
                        hexed = True
                        j += 1
                while j < n and j < at + 10 and ((48 <= data[j] <= 57) or (97 <= _lower(data[j]) <= 122)):
                    k = _lower(data[j])
                    if digital:
                        value = value * (16 if hexed else 10) + (k - 48 if k <= 57 else k - 87)
                    j += 1
                if j < n and data[j] == 59:
                    size = j + 1 - at
                    point = value if digital else 0x26
                    if size == 6 and _lower(data[at + 1]) == 110 and data[at + 2] == 98:  # &nbsp;
                        point = 0xA0
            if point <= 32 or point == 0xA0 or point == 0x3000 or point == 0x200B or point == 0xFEFF:
                if in_word:
                    words += 1
                    tokens += 1
                    in_title += _find(title_words, word_hash) >= 0
                    word_hash, in_word = FNV, False
                at += size
                continue
            if not seen:
                seen = True
                last_link_here = (flags & 1) != 0
                links += last_link_here and not last_link
                last_link = last_link_here
            chars += 1
            linked += flags & 1
            hashed = (hashed ^ np.uint64(point)) * PRIME
            letter = False
            closed = 0
            if point < 128:
                if 97 <= point <= 122:
                    letter = True
                elif 65 <= point <= 90:
                    letter = True
                    upper += 1
                elif 48 <= point <= 57:
                    letter = True
                    digits += 1
                elif point == 44 or point == 59:
                    stops += 1
                elif point == 46 or point == 33 or point == 63 or point == 58:
                    following = data[at + 1] if at + 1 < n else 32
                    if _space(following) or following == 60 or following == 34:
                        stops += 1
                        ends += point != 58
                    closed = 1
                elif point == 34 or point == 41:
                    closed = 1
            elif 0x3400 <= point <= 0x9FFF or 0xF900 <= point <= 0xFAFF or point >= 0x20000:
                han += 1
                tokens += 1
                in_title += _find(title_words, (FNV ^ np.uint64(point)) * PRIME) >= 0
            elif point == 0x3001 or point == 0xFF0C or point == 0xFF1A or point == 0xFF1B:
                stops += 1
            elif point == 0x3002 or point == 0xFF01 or point == 0xFF1F or point == 0x2026:
                stops += 1
                ends += 1
                closed = 1
            elif point == 0x201D or point == 0x300D or point == 0x300F or point == 0xFF09 or point == 0x2019:
                closed = 1
            elif point < 0x2000 or point > 0x206F:
                letter = True
            if letter:
                word_hash = (word_hash ^ np.uint64(_lower(point) if point < 128 else point)) * PRIME
                in_word = True
            elif in_word:
                words += 1
                tokens += 1
                in_title += _find(title_words, word_hash) >= 0
                word_hash, in_word = FNV, False
            at += size
        if at > n:
            at = n
        if not quiet and at > start:
            if num_segments < MAX_SEGMENTS:
                if num_segments == segments.shape[0]:
                    grown = np.zeros((2 * num_segments, 3), np.int64)
                    grown[:num_segments] = segments
                    segments = grown
                segments[num_segments, 0] = start
                segments[num_segments, 1] = at
                segments[num_segments, 2] = (flags & 5) | (S_BREAK if pending_break else 0)
                num_segments += 1
            counts[C_SEGMENTS] += 1
            if seen:
                breaks = 0
                pending_break = 0
        if at >= n:
            break
        # ---- a tag
        ending = False
        at += 1
        c = data[at]
        if c == 33 or c == 63:
            if c == 33 and at + 2 < n and data[at + 1] == 45 and data[at + 2] == 45:
                at += 3
                if at < n and data[at] == 62:  # <!-->
                    at += 1
                    continue
                while at < n and not (data[at] == 62 and data[at - 1] == 45 and data[at - 2] == 45):
                    at += 1
            elif c == 33 and at + 7 < n and data[at + 1] == 91 and data[at + 2] == 67:  # <![CDATA[
                while at < n and not (data[at] == 62 and data[at - 1] == 93):
                    at += 1
            else:
                while at < n and data[at] != 62:
                    at += 1
            at += 1
            continue
        tag_at = at - 1
        if c == 47:
            ending = True
            at += 1
        name_start = at
        name = FNV
        dashed = False
        while at < n and not _space(data[at]) and data[at] != 62 and data[at] != 47:
            c = _lower(data[at])
            dashed |= c == 45
            name = (name ^ np.uint64(c)) * PRIME
            at += 1
        name_end = at
        found = _find(TAG_HASHES, name)
        kind = TAG_KINDS[found] if found >= 0 else (CUSTOM if dashed else INLINE)
        # ---- attributes
        mask, path, has_href, hidden, self_closed = 0, FNV, False, False, False
        role_main = False
        while at < n and data[at] != 62:
            c = data[at]
            if _space(c):
                at += 1
                continue
            if c == 47:
                self_closed = at + 1 < n and data[at + 1] == 62
                at += 1
                continue
            key = FNV
            while at < n and not _space(data[at]) and data[at] != 61 and data[at] != 62 and data[at] != 47:
                key = (key ^ np.uint64(_lower(data[at]))) * PRIME
                at += 1
            while at < n and _space(data[at]):
                at += 1
            value_start = value_end = at
            if at < n and data[at] == 61:
                at += 1
                while at < n and _space(data[at]):
                    at += 1
                if at < n and (data[at] == 34 or data[at] == 39):
                    quote = data[at]
                    at += 1
                    value_start = at
                    while at < n and data[at] != quote:
                        at += 1
                    value_end = at
                    at += 1
                else:
                    value_start = at
                    while at < n and not _space(data[at]) and data[at] != 62:
                        at += 1
                    value_end = at
            elif key == FNV:
                at += 1  # a stray sign
            if ending:
                continue
            if key == _CLASS or key == _ID:
                found_mask, whole = _names(data, value_start, value_end)
                mask |= found_mask
                if key == _CLASS:
                    path = (path ^ whole) * PRIME
            elif key == _HREF:
                has_href = True
            elif key == _STYLE:
                hidden |= _hidden_style(data, value_start, value_end)
            elif key == _HIDDEN:
                hidden = True
            elif key == _ROLE or key == _ITEMPROP:
                found_mask, whole = _names(data, value_start, value_end)
                mask |= found_mask
                role_main |= key == _ROLE and value_end - value_start == 4 and data[value_start] == 109
        at += 1
        # ---- what the tag does
        if not ending and (kind == RAW or kind == TITLE):
            raw_start = min(at, n)
            if not self_closed:
                lowered = np.empty(name_end - name_start, np.uint8)
                for k in range(lowered.size):
                    lowered[k] = _lower(data[name_start + k])
                at = _skip_raw(data, raw_start, lowered)
            continue
        if kind == META:
            if not ending and counts[C_METAS] < NUM_METAS:
                metas[counts[C_METAS]] = tag_at
                counts[C_METAS] += 1
            continue
        if kind == HTML:
            if not ending and counts[C_HTML] < 0:
                counts[C_HTML] = tag_at
            continue
        if kind == VOID or kind == RAW or kind == TITLE:
            continue
        if kind == BODY and ending:
            continue
        breaking = kind == BR
        if breaking:
            if quiet:
                continue
            breaks += 1
            pending_break = 1
            if in_word:
                words += 1
                tokens += 1
                in_title += _find(title_words, word_hash) >= 0
                word_hash, in_word = FNV, False
            if breaks < 2 or (flags & 4):
                continue
        block_level = _is_block(kind)
        if block_level or breaking:
            # ---- the open block ends
            if in_word:
                words += 1
                tokens += 1
                in_title += _find(title_words, word_hash) >= 0
                word_hash, in_word = FNV, False
            if chars:
                counts[C_BLOCKS] += 1
                if num_blocks < MAX_BLOCKS:
                    if num_blocks == blocks.shape[0]:
                        wider = np.zeros((2 * num_blocks, NUM_BLOCK_COLUMNS), np.int64)
                        wider[:num_blocks] = blocks
                        blocks = wider
                    b = blocks[num_blocks]
                    e = stack_element[depth - 1]
                    b[B_ELEMENT], b[B_FIRST], b[B_LAST] = e, first, num_segments
                    b[B_CHARS], b[B_LINKED], b[B_STOPS], b[B_ENDS], b[B_HAN] = chars, linked, stops, ends, han
                    b[B_DIGITS], b[B_UPPER], b[B_WORDS], b[B_LINKS], b[B_CLOSED] = digits, upper, words, links, closed
                    b[B_HASH], b[B_TITLE], b[B_TOKENS], b[B_SPLIT] = np.int64(hashed), in_title, tokens, split
                    num_blocks += 1
            first = num_segments
            chars, linked, stops, ends, han, digits, upper, words, links, hashed = 0, 0, 0, 0, 0, 0, 0, 0, 0, FNV
            in_title, tokens, closed, last_link, pending_break = 0, 0, 0, False, 0
            split = 1 if breaking else 0
            breaks = 0
        if breaking or kind == HR or kind == BODY:
            continue
        if ending:
            # ---- close up to the matching element, not out of a table cell
            k = depth - 1
            table_like = kind == TD or kind == TR or kind == TBODY or kind == TABLE
            while k > 0 and stack_name[k] != name:
                if block_level and not table_like and (stack_kind[k] == TD or stack_kind[k] == TABLE):
                    k = 0
                elif not block_level and kind != SKIP and _is_block(stack_kind[k]):
                    if kind == A:  # an anchor that is closed inside an element opened after it
                        for m in range(k, depth):
                            stack_flags[m] &= ~1
                    k = 0
                else:
                    k -= 1
            if k > 0:
                depth = k
            continue
        # ---- end tags that this start tag implies
        if block_level and not quiet:
            k = depth - 1
            if kind == LI or kind == DT or kind == TD or kind == TR or kind == TBODY:
                while k > 0:
                    other = stack_kind[k]
                    if other == TABLE or other == LIST or other == DL:
                        break
                    if kind == LI and other == LI:
                        depth = k
                        break
                    if kind == DT and other == DT:
                        depth = k
                        break
                    if (kind == LI or kind == DT) and (other == TD or other == DIV or other == SECTION or other == ARTICLE):
                        break
                    if kind == TD and (other == TR or other == TBODY):
                        break
                    if kind == TR and other == TBODY:
                        break
                    if (kind == TD and other == TD) or (kind == TR and other == TR) or (kind == TBODY and other == TBODY):
                        depth = k
                        break
                    k -= 1
            k = depth - 1
            while k > 0 and not _is_block(stack_kind[k]):
                k -= 1
            if k > 0 and (stack_kind[k] == P or (kind == HEADING and stack_kind[k] == HEADING)):
                depth = k
        elif kind == A:  # an anchor closes the one that is open
            k = depth - 1
            while k > 0 and not _is_block(stack_kind[k]):
                if stack_kind[k] == A:
                    depth = k
                    break
                k -= 1
        if self_closed:
            continue
        if depth >= MAX_DEPTH:
            counts[C_DEPTH] += 1
            continue
        inherited = stack_flags[depth - 1]
        parent = stack_element[depth - 1]
        element = parent
        if block_level:
            counts[C_ELEMENTS] += 1
            if num_elements < MAX_ELEMENTS:
                if num_elements == elements.shape[0]:
                    more = np.zeros((2 * num_elements, NUM_ELEMENT_COLUMNS), np.int64)
                    more[:num_elements] = elements
                    elements = more
                element = num_elements
                row = elements[element]
                row[E_PARENT], row[E_DEPTH] = parent, elements[parent, E_DEPTH] + 1
                row[E_KIND] = MAIN if role_main else kind
                row[E_OWN] = mask
                whole_path = (np.uint64(elements[parent, E_PATH]) ^ name) * PRIME
                row[E_PATH] = np.int64((whole_path ^ path) * PRIME)
                num_elements += 1
        new_flags = inherited
        if kind == A and has_href:
            new_flags |= 1
        if kind == PRE:
            new_flags |= 4
        if kind == SKIP or hidden:
            new_flags |= 8
        stack_kind[depth] = kind
        stack_name[depth] = name
        stack_element[depth] = element
        stack_flags[depth] = new_flags
        depth += 1
    if in_word:
        words += 1
        tokens += 1
        in_title += _find(title_words, word_hash) >= 0
    if chars and num_blocks < MAX_BLOCKS:
        if num_blocks == blocks.shape[0]:
            wider = np.zeros((num_blocks + 1, NUM_BLOCK_COLUMNS), np.int64)
            wider[:num_blocks] = blocks
            blocks = wider
        b = blocks[num_blocks]
        b[B_ELEMENT], b[B_FIRST], b[B_LAST] = stack_element[depth - 1], first, num_segments
        b[B_CHARS], b[B_LINKED], b[B_STOPS], b[B_ENDS], b[B_HAN] = chars, linked, stops, ends, han
        b[B_DIGITS], b[B_UPPER], b[B_WORDS], b[B_LINKS], b[B_CLOSED] = digits, upper, words, links, closed
        b[B_HASH], b[B_TITLE], b[B_TOKENS], b[B_SPLIT] = np.int64(hashed), in_title, tokens, split
        num_blocks += 1
    return elements[:num_elements], blocks[:num_blocks], segments[:num_segments], metas[: counts[C_METAS]], counts


assert GROUP_BITS <= 62, "the groups of names are bits of one signed 64-bit number"

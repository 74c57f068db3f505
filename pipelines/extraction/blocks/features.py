"""Blocks of a page -> one row of numbers each.

Belongs here: what can be measured about a block, its ancestors, its neighbours, blocks like it, and
its page. Does not belong here: what the numbers mean for main text (model.py), no threshold. A row
depends on the page alone.
"""

from __future__ import annotations

import numpy as np

from pipelines.extraction.blocks.cues import NAMES as CUE_NAMES
from pipelines.extraction.blocks.cues import NUM_CUES
from pipelines.extraction.blocks.equal_keys import first_equal
from pipelines.extraction.blocks.hints import NAMES as HINT_NAMES
from pipelines.extraction.blocks.hints import NUM_HINTS
from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tags as tag
from pipelines.extraction.html.names import GROUP_BITS, GROUP_NAMES
from pipelines.kernels.compiled import Array, inlined, kernel

FAR = 10  # distance of an ancestor that is not there, and the highest that is looked at
LEVELS = 4  # ancestors whose text is measured: the block's own element and three above
OFFSETS = (-3, -2, -1, 1, 2, 3)  # neighbours
WINDOW = 6  # blocks on each side that an average goes over

KINDS = {
    "p": tag.P,
    "heading": tag.HEADING,
    "li": tag.LI,
    "td": tag.TD,
    "div": tag.DIV,
    "pre": tag.PRE,
    "quote": tag.QUOTE,
    "figure": tag.FIGURE,
    "dt": tag.DT,
}
IN_TAGS = {
    "article": tag.ARTICLE,
    "main": tag.MAIN,
    "nav": tag.NAV,
    "footer": tag.FOOTER,
    "aside": tag.ASIDE,
    "header": tag.HEADER,
    "form": tag.FORM,
    "list": tag.LIST,
    "li": tag.LI,
    "table": tag.TABLE,
    "quote": tag.QUOTE,
    "figure": tag.FIGURE,
    "section": tag.SECTION,
    "custom": tag.CUSTOM,
}
PAGE_GROUPS = (
    "thread",
    "post",
    "comment",
    "reply",
    "article",
    "related",
    "review",
    "product",
    "buy",
    "filter",
)
_KINDS = np.array(list(KINDS.values()))
_IN_TAGS = np.array(list(IN_TAGS.values()))
_PAGE_BITS = np.array([GROUP_NAMES.index(g) for g in PAGE_GROUPS])
_OFFSETS = np.array(OFFSETS)

NAMES: tuple[str, ...] = (
    *(
        "chars",
        "han",
        "linked",
        "stop_density",
        "end_density",
        "stops",
        "ends",
        "digits",
        "upper",
        "word_length",
        "words",
        "closed",
    ),
    *("links", "title_share", "title_words", "split", "times_on_page", "depth"),
    *(f"is_{k}" for k in KINDS),
    *(f"to_name_{g}" for g in GROUP_NAMES),
    *(f"to_tag_{k}" for k in IN_TAGS),
    *(
        f"{what}_up{i}"
        for i in range(LEVELS)
        for what in ("chars", "linked", "stop_density", "share", "blocks")
    ),
    *("score_share", "in_best", "above_best"),
    *("alike_elements", "alike_chars", "alike_share", "alike_linked", "alike_stop_density"),
    *("unit_count", "unit_chars", "unit_linked", "unit_share", "unit_stop_density", "unit_number"),
    *("position", "chars_before", "since_heading", "after_h1", "after_title", "first_of_element"),
    *(f"{what}_{o:+d}" for o in OFFSETS for what in ("chars", "linked", "stops", "heading", "same_path")),
    *("window_chars", "window_linked", "window_stop_density", "before_linked", "after_linked"),
    *(
        "page_chars",
        "page_linked",
        "page_stop_density",
        "page_blocks",
        "page_han",
        "page_h1",
        "page_p_share",
        "page_best_share",
    ),
    *(f"page_{g}" for g in PAGE_GROUPS),
    *(f"{what}_{c}" for what in ("gives", "heading_gives", "to_place_of", "page_gives") for c in CUE_NAMES),
    *HINT_NAMES,
)
NUM_FEATURES = len(NAMES)


@inlined
def _log(value: float) -> float:
    return np.log1p(max(0.0, value))


@kernel
def features(elements: Array, blocks: Array, given: Array, hints: Array) -> Array:
    """float32 [blocks, NUM_FEATURES] in the order of NAMES.

    elements and blocks as tree.parse gives them; `given` the cues of each block (cues.py; int64
    [n]), `hints` what the page says that it is (hints.py; float32 [NUM_HINTS]).
    """
    n, num_elements = blocks.shape[0], elements.shape[0]
    x = np.zeros((n, NUM_FEATURES), np.float32)
    if n == 0:
        return x
    sums = np.zeros((num_elements, 4), np.float64)  # chars, linked, stops, blocks of the subtree
    score = np.zeros(num_elements, np.float64)
    total = np.zeros(4, np.float64)
    p_chars, han_chars = 0.0, 0.0
    for i in range(n):
        b = blocks[i]
        e = b[col.B_ELEMENT]
        weight = float(
            b[col.B_CHARS] + 2 * b[col.B_HAN]
        )  # a Han character carries about as much as three letters
        linked = b[col.B_LINKED] * weight / b[col.B_CHARS]
        sums[e, 0] += weight
        sums[e, 1] += linked
        sums[e, 2] += b[col.B_STOPS]
        sums[e, 3] += 1
        total[0] += weight
        total[1] += linked
        total[2] += b[col.B_STOPS]
        total[3] += 1
        han_chars += b[col.B_HAN]
        if elements[e, col.E_KIND] == tag.P:
            p_chars += weight
        if (
            weight - linked > 60 and b[col.B_STOPS]
        ):  # readability's idea: text with commas votes for its parent and grandparent
            vote = (1.0 + b[col.B_STOPS] + min((weight - linked) / 100.0, 3.0)) * (1.0 - linked / weight)
            parent = e
            for level in range(3):
                if parent >= 0:
                    score[parent] += vote / (1 << level)
                    parent = elements[parent, col.E_PARENT]
    for e in range(num_elements - 1, 0, -1):
        parent = elements[e, col.E_PARENT]
        for k in range(4):
            sums[parent, k] += sums[e, k]
    best = 0
    for e in range(num_elements):
        if sums[e, 0]:
            score[e] *= 1.0 - sums[e, 1] / sums[e, 0]
            if score[e] > score[best]:
                best = e
    inside_best = np.zeros(num_elements, np.bool_)
    above_best = np.zeros(num_elements, np.bool_)
    inside_best[best] = True
    for e in range(1, num_elements):
        inside_best[e] |= inside_best[elements[e, col.E_PARENT]]
    up = best
    while up >= 0:
        above_best[up] = True
        up = elements[up, col.E_PARENT]
    # elements of the same path: tag and class names up to the body
    classes = first_equal(elements[:, col.E_PATH].copy())
    alike = np.zeros((num_elements, 5), np.float64)  # elements with text, chars, linked, stops, own chars
    number = np.zeros(num_elements, np.int64)
    page_names = np.zeros(_PAGE_BITS.size, np.float64)
    for e in range(num_elements):
        c = classes[e]
        if sums[e, 0]:
            number[e] = int(alike[c, 0])
            alike[c, 0] += 1
            for k in range(3):
                alike[c, k + 1] += sums[e, k]
        for k in range(_PAGE_BITS.size):
            page_names[k] += (elements[e, col.E_OWN] >> _PAGE_BITS[k]) & 1
    alike_best = 0.0
    for e in range(num_elements):
        if alike[e, 0] > 1:
            alike_best = max(alike_best, alike[e, 1] - alike[e, 2])
    times = first_equal(blocks[:, col.B_HASH].copy())
    seen = np.zeros(n, np.float64)
    for i in range(n):
        seen[times[i]] += 1
    first_h1, first_title = n, n
    for i in range(n):
        b = blocks[i]
        if b[col.B_TITLE] >= 2 and b[col.B_TITLE] * 10 >= 7 * b[col.B_TOKENS]:
            if elements[b[col.B_ELEMENT], col.E_KIND] == tag.HEADING and first_h1 == n:
                first_h1 = i
            if first_title == n:
                first_title = i
    page_log = np.array([_log(total[0]), total[1] / total[0], total[2] / total[0], _log(total[3])])
    cum = np.zeros((n + 1, 4), np.float64)
    for i in range(n):
        b = blocks[i]
        weight = float(b[col.B_CHARS] + 2 * b[col.B_HAN])
        cum[i + 1, 0] = cum[i, 0] + weight
        cum[i + 1, 1] = cum[i, 1] + b[col.B_LINKED] * weight / b[col.B_CHARS]
        cum[i + 1, 2] = cum[i, 2] + b[col.B_STOPS]
    first_block = np.full(num_elements, -1, np.int64)  # of what each element holds
    page_cues = np.zeros(NUM_CUES, np.float64)
    for i in range(n):
        up = blocks[i, col.B_ELEMENT]
        while up >= 0 and first_block[up] < 0:
            first_block[up] = i
            up = elements[up, col.E_PARENT]
        for k in range(NUM_CUES):
            page_cues[k] += (given[i] >> k) & 1
    heading_at = -1
    for i in range(n):
        b = blocks[i]
        row = x[i]
        e = b[col.B_ELEMENT]
        chars = float(b[col.B_CHARS])
        weight = chars + 2 * b[col.B_HAN]
        kind = elements[e, col.E_KIND]
        row[0] = _log(weight)
        row[1] = b[col.B_HAN] / chars
        row[2] = b[col.B_LINKED] / chars
        row[3] = b[col.B_STOPS] / weight
        row[4] = b[col.B_ENDS] / weight
        row[5] = min(b[col.B_STOPS], 20)
        row[6] = min(b[col.B_ENDS], 20)
        row[7] = b[col.B_DIGITS] / chars
        row[8] = b[col.B_UPPER] / chars
        row[9] = (chars - b[col.B_HAN]) / max(1, b[col.B_WORDS])
        row[10] = _log(b[col.B_WORDS])
        row[11] = b[col.B_CLOSED]
        row[12] = _log(b[col.B_LINKS])
        row[13] = b[col.B_TITLE] / max(1, b[col.B_TOKENS])
        row[14] = min(b[col.B_TITLE], 20)
        row[15] = b[col.B_SPLIT]
        row[16] = min(seen[times[i]], 50.0)
        row[17] = elements[e, col.E_DEPTH]
        f = 18
        for k in range(_KINDS.size):
            row[f + k] = kind == _KINDS[k]
        f += _KINDS.size
        for k in range(GROUP_BITS + _IN_TAGS.size):
            row[f + k] = FAR
        up = e
        for level in range(FAR):
            if up < 0:
                break
            own = elements[up, col.E_OWN]
            if own:
                for k in range(GROUP_BITS):
                    if (own >> k) & 1 and row[f + k] == FAR:
                        row[f + k] = level
            for k in range(_IN_TAGS.size):
                if elements[up, col.E_KIND] == _IN_TAGS[k] and row[f + GROUP_BITS + k] == FAR:
                    row[f + GROUP_BITS + k] = level
            up = elements[up, col.E_PARENT]
        f += GROUP_BITS + _IN_TAGS.size
        up = e
        for _ in range(LEVELS):
            at = max(up, 0)
            row[f] = _log(sums[at, 0])
            row[f + 1] = sums[at, 1] / max(1.0, sums[at, 0])
            row[f + 2] = sums[at, 2] / max(1.0, sums[at, 0])
            row[f + 3] = sums[at, 0] / total[0]
            row[f + 4] = _log(sums[at, 3])
            up = elements[at, col.E_PARENT]
            f += 5
        up, best_score = e, 0.0
        while up >= 0:
            best_score = max(best_score, score[up])
            up = elements[up, col.E_PARENT]
        row[f] = best_score / max(1e-9, score[best])
        row[f + 1] = inside_best[e]
        up, level = e, 0
        while not above_best[up] and level < FAR:
            up = elements[up, col.E_PARENT]
            level += 1
        row[f + 2] = level
        f += 3
        c = classes[e]
        row[f] = _log(alike[c, 0])
        row[f + 1] = _log(alike[c, 1] / max(1.0, alike[c, 0]))
        row[f + 2] = alike[c, 1] / total[0]
        row[f + 3] = alike[c, 2] / max(1.0, alike[c, 1])
        row[f + 4] = alike[c, 3] / max(1.0, alike[c, 1])
        f += 5
        # the repeated unit (post, comment, teaser) that the block lies in: the ancestors' class
        # with most text out of links
        up, unit, most = elements[e, col.E_PARENT], -1, 0.0
        for _ in range(2 * FAR):
            if up <= 0:
                break
            c = classes[up]
            if alike[c, 0] > 1 and alike[c, 1] - alike[c, 2] > 1.02 * most:
                unit, most = up, alike[c, 1] - alike[c, 2]
            up = elements[up, col.E_PARENT]
        if unit >= 0:
            c = classes[unit]
            row[f] = _log(alike[c, 0])
            row[f + 1] = _log(alike[c, 1] / alike[c, 0])
            row[f + 2] = alike[c, 2] / alike[c, 1]
            row[f + 3] = alike[c, 1] / total[0]
            row[f + 4] = alike[c, 3] / alike[c, 1]
            row[f + 5] = min(number[unit], 20)
        else:
            row[f + 5] = -1
        f += 6
        row[f] = i / n
        row[f + 1] = cum[i, 0] / total[0]
        row[f + 2] = min(i - heading_at, 30) if heading_at >= 0 else 31
        row[f + 3] = max(-20, min(20, i - first_h1)) if first_h1 < n else 0
        row[f + 4] = max(-20, min(20, i - first_title)) if first_title < n else 0
        row[f + 5] = i == 0 or blocks[i - 1, col.B_ELEMENT] != e
        f += 6
        if kind == tag.HEADING:
            heading_at = i
        for k in range(_OFFSETS.size):
            j = i + _OFFSETS[k]
            if 0 <= j < n:
                other = blocks[j]
                row[f] = _log(other[col.B_CHARS] + 2 * other[col.B_HAN])
                row[f + 1] = other[col.B_LINKED] / other[col.B_CHARS]
                row[f + 2] = min(other[col.B_STOPS], 20)
                row[f + 3] = elements[other[col.B_ELEMENT], col.E_KIND] == tag.HEADING
                row[f + 4] = elements[other[col.B_ELEMENT], col.E_PATH] == elements[e, col.E_PATH]
            else:
                row[f] = row[f + 1] = -1
            f += 5
        low, high = max(0, i - WINDOW), min(n, i + WINDOW + 1)
        size = cum[high, 0] - cum[low, 0]
        row[f] = _log(size)
        row[f + 1] = (cum[high, 1] - cum[low, 1]) / size
        row[f + 2] = (cum[high, 2] - cum[low, 2]) / size
        row[f + 3] = (cum[i, 1] - cum[low, 1]) / max(1.0, cum[i, 0] - cum[low, 0])
        row[f + 4] = (cum[high, 1] - cum[i + 1, 1]) / max(1.0, cum[high, 0] - cum[i + 1, 0])
        f += 5
        for k in range(4):
            row[f + k] = page_log[k]
        row[f + 4] = han_chars * 3 / total[0]
        row[f + 5] = first_h1 < n
        row[f + 6] = p_chars / total[0]
        row[f + 7] = alike_best / total[0]
        f += 8
        for k in range(_PAGE_BITS.size):
            row[f + k] = _log(page_names[k])
        f += _PAGE_BITS.size
        above = given[heading_at] if heading_at >= 0 else 0
        for k in range(NUM_CUES):
            row[f + k] = (given[i] >> k) & 1
            row[f + NUM_CUES + k] = (above >> k) & 1
            row[f + 2 * NUM_CUES + k] = FAR
            row[f + 3 * NUM_CUES + k] = _log(page_cues[k])
        up = e
        for level in range(FAR):  # places that begin with a line which gives a cue
            if up < 0:
                break
            mask = given[first_block[up]]
            if mask:
                for k in range(NUM_CUES):
                    if (mask >> k) & 1 and row[f + 2 * NUM_CUES + k] == FAR:
                        row[f + 2 * NUM_CUES + k] = level
            up = elements[up, col.E_PARENT]
        f += 4 * NUM_CUES
        for k in range(NUM_HINTS):
            row[f + k] = hints[k]
    return x

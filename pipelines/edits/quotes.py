"""Lines of a thread that quote an earlier post of it.

Belongs here: which lines. Does not belong here: how they are taken out (edits.py), notices
(boilerplate.py). Forums repeat the post that is answered, under a line such as `Ada said:`; a post that
is answered ten times stands eleven times in the text, and rules of repetition drop the thread. What
quotes another page stands nowhere else, and stays; so does code, which repeats itself.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from pipelines.kernels.marks import ByteMarks

LEAST_BYTES = 45
"""UTF-8 bytes of a line that is a repetition where it recurs: 45 Latin letters, 15 Han. Shorter ones
are only where they stand beside one."""
MAX_OPENING = 120  # characters of a line that introduces a quote
SIGNS = (
    *("said:", "said :", "wrote:", "wrote :", "writes:", "wrote↑", "Click to expand", "riginally posted by"),
    *("riginally Posted by", "Quote:", "发表于", "發表於", "写道", "寫道", "引用"),
)
"""What a text must hold one of to be read for quotes at all: Discourse, phpBB, XenForo, vBulletin,
Discuz."""
_SIGNS = ByteMarks(SIGNS)
_OPENING = re.compile(
    r"[^\n]{1,80}\b(?:said|wrote|writes) ?[:：↑]{1,2}[ ↑]{0,2}|(?:originally )?posted by [^\n]{1,60}"
    r"|quote:[^\n]{0,40}|(?:回复|引用) ?\d{0,4} ?[楼樓#][^\n]{0,40}"
    r"|[^\n]{1,40}(?:发表于|發表於|写道|寫道)[^\n]{0,40}",
    re.IGNORECASE,
)
_CLOSING = "click to expand"
_FENCES = ("```", "~~~")


def may_quote(text: str) -> bool:
    """Whether a text has to be read for quotes."""
    return bool(_SIGNS.held(text.encode("utf-8", "replace"))) and any(sign in text for sign in SIGNS)


def quoted_lines(lines: Sequence[str]) -> set[int]:
    """Places of the lines that quote: runs of lines that stood before, a long one among them, behind a
    line that introduces a quote or before one that closes it; and the line that introduces them."""
    seen: set[str] = set()
    found: set[int] = set()
    run: list[int] = []  # lines in a row that stood before
    opening = -1  # the line that introduces the run
    fenced = False
    for i, line in enumerate([*lines, ""]):
        bare = line.strip().lstrip("> ")
        if bare.startswith(_FENCES):
            fenced = not fenced
        if not bare and i < len(lines):
            continue
        if bare in seen and not fenced:
            run.append(i)
            continue
        closed = bare.lower().startswith(_CLOSING)
        if run and (opening >= 0 or closed) and any(len(lines[k].encode()) >= LEAST_BYTES for k in run):
            found.update(run)
            found.update([opening] if opening >= 0 else [])
        run = []
        opens = not fenced and len(bare) <= MAX_OPENING and _OPENING.fullmatch(bare) is not None
        opening = i if opens else -1
        if not fenced and not opens and not closed:
            seen.add(bare)
    return found

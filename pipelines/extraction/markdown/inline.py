"""The segments of one block -> its text in the line.

Belongs here: entities, spaces, breaks, powers and indices, marks of footnotes, characters that
nobody sees. Does not belong here: code (code.py), what a formula's markup says (formulas.py), lines of
several blocks (lines.py).
"""

from __future__ import annotations

import re
from functools import cached_property

from pipelines.extraction.html import columns as col
from pipelines.extraction.markdown.entities import unescape
from pipelines.extraction.markdown.formulas import delimited, tex_of, with_asciimath

# No text holds them: soft hyphen, zero-width space, byte order mark, marks and overrides of direction.
# Zero-width joiners stay: they change how letters join.
UNSEEN = "\u00ad\u200b\ufeff\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u2060"
_DROP = dict.fromkeys(map(ord, UNSEEN))
_HAS_UNSEEN = re.compile(f"[{UNSEEN}]")
_SCRIPTS = col.S_SUP | col.S_SUB
_SPECIAL = _SCRIPTS | col.S_FORMULA | col.S_CODE
_BREAK = "\x01"
_FOOTNOTE = re.compile(
    r"\[[^\[\]]{0,12}\]|[(（][0-9a-z]{1,2}[)）]|[*†‡§¶⁎#]+|[①-⑳]|[\[(]?(?:note|nb|注|註) ?\d{0,3}[\])]?|"
    r"n ?\d{1,3}",
    re.I,
)
_DERIVATIVE = re.compile(r"\([0-9a-z]{1,2}\)")  # as in f with (n) above it
_NUMBER = re.compile(r"[0-9]{1,3}(?:[ ,;–-]{1,2}[0-9]{1,3})*")
_ORDINAL = re.compile(r"st|nd|rd|th|er|re|e|ème|o|a|os|as|º|ª|TM|SM|®|™|℠|©|[A-Z]", re.IGNORECASE)
_MATH = re.compile(r"[-+−–±－＋]?[0-9A-Za-zα-ωΑ-Ω∞∗*′'+\-−–±=<>≤≥/.,()|^_{}\\⊥†‡⊤∘° ]{1,40}")
_WORD_BEFORE = re.compile(r"(?<![A-Za-zÀ-ž])[A-Za-zÀ-ž]++$")
_FUNCTIONS_NAMES = "sinh cosh tanh coth sech csch asin acos atan mmol grad"
_FUNCTIONS = frozenset(_FUNCTIONS_NAMES.split())
# French and Spanish abbreviations: Mlle, Mme, Dr, Sra
_ABBREVIATION = re.compile(r"lles?|mes?|gr|rs?|ra|ier|ière|ième|nde?|do|da|to", re.IGNORECASE)
# a dollar sign before an amount of money: prose follows before the next sign, or there is none
_MONEY = re.compile(
    r"(?<![\\$])\$(?=\d[\d,]*(?:\.\d+)?\s?(?:[kKmMbB]|bn)?(?:[\s,.;:!?)\]/–-]|\Z)"
    r"(?:[^$\\]*?(?:\b[a-z]{2,}\b(?!\$)|[\u3400-\u9fff])|[^$]*\Z))"
)
_ELEMENT_NAMES = (
    "H He Li Be B C N O F Ne Na Mg Al Si P S Cl Ar K Ca Sc Ti V Cr Mn Fe Co Ni Cu Zn Ga Ge As Se Br Kr "
    "Rb Sr Y Zr Nb Mo Tc Ru Rh Pd Ag Cd In Sn Sb Te I Xe Cs Ba La Ce Pr Nd Pm Sm Eu Gd Tb Dy Ho Er Tm "
    "Yb Lu Hf Ta W Re Os Ir Pt Au Hg Tl Pb Bi Po At Rn Fr Ra Ac Th Pa U Np Pu Am Cm Bk Cf"
)
_ELEMENTS = {name: number for number, name in enumerate(_ELEMENT_NAMES.split(), 1)}
_ISOTOPE = re.compile(r"[A-Z][a-z]?(?![A-Za-z])")
TAIL = 80  # characters before a power or index that say how it is written
MAX_UNIT = 3  # letters of a word up to which a number above it is a power (cm, mol), not a footnote


class Notation:
    """How a page writes formulas, looked for when it is first asked."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @cached_property
    def scripted(self) -> bool:
        """Whether TeX stands in scripts, from which MathJax 2 drew what is seen."""
        return b'type="math/' in self._data or b"type='math/" in self._data

    @cached_property
    def asciimath(self) -> bool:
        """Whether backticks hold AsciiMath."""
        return any(
            name in self._data
            for name in (b"asciimath", b"AsciiMath", b"ASCIIMath", b"AM_", b"MML_HTMLorMML-full")
        )


PLAIN = Notation(b"")


def inline_text(data: bytes, segments: list[list[int]], notation: Notation = PLAIN) -> str:
    """The text of one block from its segments (start, end, flags): entities decoded, spaces joined,
    breaks as lines, formulas between dollar signs."""
    pieces: list[str] = []
    special = 0
    for start, end, flags in segments:
        if flags & col.S_BREAK and pieces:
            pieces.append(_BREAK)
        pieces.append(data[start:end].decode("utf-8", "replace"))
        special |= flags & _SPECIAL
    if special:
        text = _with_marks(pieces, segments, notation.scripted)
    else:
        text = "".join(pieces)
        if "&" in text:
            text = unescape(text)
        if "$" in text and ("\\(" in text or "\\[" in text):
            text = _MONEY.sub(r"\\$", text)
        if "\\" in text or "[/" in text:
            text = delimited(text)
    if "`" in text and notation.asciimath:
        text = with_asciimath(text)
    if not text.isascii() and _HAS_UNSEEN.search(text):
        text = text.translate(_DROP)
    if _BREAK not in text:
        return " ".join(text.split())
    return "\n".join(line for line in (" ".join(line.split()) for line in text.split(_BREAK)) if line)


def _with_marks(pieces: list[str], segments: list[list[int]], scripted: bool) -> str:
    """The pieces as one text, formulas converted, powers and indices marked; delimiters of TeX are
    none in code."""
    done, plain = "", 0  # text from `plain` on has its delimiters yet
    script, above, linked = "", 0, False  # the open run of text above or below the line
    number = 0
    holds_formula = any(flags & col.S_FORMULA for _, _, flags in segments)
    for place, piece in enumerate(pieces):
        if piece == _BREAK:
            continue
        _, _, flags = segments[number]
        broken = bool(flags & col.S_BREAK) and number > 0
        number += 1
        kind = flags & _SCRIPTS
        if script and (kind != above or broken):
            behind = pieces[place + 1] if kind == col.S_SUB and place + 1 < len(pieces) else piece
            done, script, linked = done + _script(done[-TAIL:], script, above, linked, behind), "", False
        if broken:
            done += _BREAK
        if flags & col.S_FORMULA:
            text = tex_of(piece, scripted)
        else:
            text = unescape(piece) if "&" in piece else piece
            if "$" in text and holds_formula and not flags & col.S_CODE:
                text = _MONEY.sub(r"\\$", text)
        if flags & col.S_CODE and text and not kind:
            done = done[:plain] + delimited(done[plain:]) + text
            plain = len(done)
            continue
        if kind:
            script, above = script + text, kind
            linked |= bool(flags & col.S_LINK)
        else:
            done += text
    done += _script(done[-TAIL:], script, above, linked) if script else ""
    return done[:plain] + delimited(done[plain:])


def _is_derivative(before: str, bare: str) -> bool:
    """Whether what stands above a letter is the number of a derivative, not the mark of a footnote."""
    word = _WORD_BEFORE.search(before)
    return bool(word and len(word[0]) == 1 and _DERIVATIVE.fullmatch(bare))


def _is_mass(before: str, bare: str, behind: str) -> bool:
    """Whether a number above the line is the mass of a nucleus: a symbol of an element follows it, with
    a mass that such a nucleus can have, and no sentence has just ended (as it has before a verse)."""
    symbol = _ISOTOPE.match(behind)
    number = _ELEMENTS.get(symbol[0], 0) if symbol else 0
    if not number or not bare.isdecimal() or len(bare) > 3:
        return False
    start = before.rstrip()
    return bool(start) and start[-1] not in '.?!;"”’' and number <= int(bare) <= 3 * number


def _script(before: str, script: str, kind: int, linked: bool, behind: str = "") -> str:
    """How text above or below the line is written between what comes before and behind it: as a power
    or an index where it changes a number or formula, not at all where it marks a footnote, else as it
    is."""
    bare = " ".join(script.split())
    if not bare:
        return ""
    last = before[-1:]
    if "$" in bare:
        return script
    if kind & col.S_SUP:
        name = _WORD_BEFORE.search(before)
        marked = bare in "*#†" and not (name and len(name[0]) > MAX_UNIT)  # A*, not a word with a footnote
        of_sign = not linked and last.isalnum() and (marked or _is_derivative(before, bare))
        if _FOOTNOTE.fullmatch(bare) and not of_sign:
            return ""
        if linked and (_NUMBER.fullmatch(bare) or len(bare) <= 2):
            return ""
    elif linked and _FOOTNOTE.fullmatch(bare):
        return ""
    if kind & col.S_SUP and not linked and not last.isalnum() and _is_mass(before, bare, behind):
        return f"^{{{bare}}}"
    if not last or last.isspace() or last == _BREAK or not _MATH.fullmatch(bare):
        return script
    if not (last.isalnum() or last in ")]}′'’|∂∑∏∫" or last in "$"):
        return "" if kind & col.S_SUP and _NUMBER.fullmatch(bare) else script
    if kind & col.S_SUP:
        word = _WORD_BEFORE.search(before)
        if last.isdigit() and _ORDINAL.fullmatch(bare) and len(bare) > 1:
            return script
        if word and len(word[0]) > MAX_UNIT and word[0].lower() not in _FUNCTIONS:
            return "" if _NUMBER.fullmatch(bare) else script
        if word and len(bare) > 1 and (_ORDINAL.fullmatch(bare) or _ABBREVIATION.fullmatch(bare)):
            return script
    mark = "^" if kind & col.S_SUP else "_"
    return f"{mark}{{{bare}}}"

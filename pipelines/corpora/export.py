"""A corpus in the form in which SkyPile-150B was published: JSON lines with the one field `text`.

Belongs here: writing those files and the data card beside them. Does not belong here: which
documents are in the corpus (assembly.py).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

from pipelines.corpora.data_card import Corpus, as_markdown, data_card
from pipelines.lake import Lake, LakeError, safe_name
from pipelines.lake.atomic import replacing

FILE_BYTES = 2 << 30  # a file is ended by the document that reaches this


def export_jsonl(
    lake: Lake,
    release: str,
    out: Path,
    corpus: Corpus = "main",
    language: str = "",
    category: str = "",
    file_bytes: int = FILE_BYTES,
) -> list[Path]:
    """Write RELEASE_LANGUAGE_CATEGORY_NNNN.jsonl and README.md (the data card) into `out`; returns
    the JSON files.

    Equal corpora give equal bytes. `language`, `category`: only these (SkyPile-150B: zh,
    webpages). LakeError where nothing matches, or where `out` is not empty.
    """
    dataset = lake.current(f"skypile_{corpus}", release)
    sources: dict[tuple[str, str], list[int]] = {}
    for index, part in enumerate(dataset.parts):
        keys = dict(piece.split("=", 1) for piece in part.path.split("/")[:-1])
        if language in ("", keys["language"]) and category in ("", keys["category"]):
            sources.setdefault((keys["language"], keys["category"]), []).append(index)
    if not sources:
        raise LakeError(
            f"skypile_{corpus} of release {release} has no documents of language {language or 'any'},"
            f" category {category or 'any'}"
        )
    out.mkdir(parents=True, exist_ok=True)
    if old := sorted(p.name for p in out.iterdir()):
        raise LakeError(f"{out} already holds {old[0]}: name an empty folder")
    written: list[Path] = []
    for (code, kind), parts in sorted(sources.items()):
        texts = (text for index in parts for text in dataset.read_part(index, ["text"])["text"].to_pylist())
        written += _write(texts, out, safe_name(f"{release}_{code or 'none'}_{kind}"), file_bytes)
    (out / "README.md").write_text(as_markdown(data_card(lake, release, corpus)), encoding="utf-8")
    return written


def _write(texts: Iterator[str], out: Path, stem: str, file_bytes: int) -> list[Path]:
    """The texts in files of about `file_bytes`; each appears under its name when it is whole."""
    done: list[Path] = []
    text = next(texts, None)
    while text is not None:
        path = out / f"{stem}_{len(done):04d}.jsonl"
        with replacing(path) as file:
            while text is not None and file.tell() < file_bytes:
                file.write(json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n")
                text = next(texts, None)
        done.append(path)
    return done

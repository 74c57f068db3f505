"""Labels that `skypile label` wrote, in the form of decision-gold's.

Belongs here: from files of labels to rows of url, verdict, kind, lang and why. Does not belong here:
figures (benchmarks/decisions.py).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pipelines.cards.labels import Label, parse_labels
from pipelines.inspection.labelled import content_of


def lake_labels(
    files: Sequence[Path], decided: Mapping[str, Mapping[str, Any]], texts: Mapping[str, str]
) -> list[dict[str, Any]]:
    """The labels that count: of the text that is there, keep or drop by all who said something, in
    Chinese or English. `decided` are decisions and `texts` rendered texts by URL. Prints how many
    labels do not count."""
    urls = {row["doc_id"].hex(): url for url, row in decided.items()}
    said: dict[str, list[Label]] = {}
    left_out = 0
    for file in files:
        for label in parse_labels(file.read_bytes(), str(file)):
            url = urls.get(label.doc_id)
            if url is None or content_of(texts[url]) != label.content:
                left_out += 1
            else:
                said.setdefault(url, []).append(label)
    print(f"{left_out} labels are of another text, or of documents that are not here: they do not count")
    rows = []
    for url, labels in said.items():
        first, language = labels[0], decided[url]["language"]
        verdicts = {label.verdict for label in labels}
        if len(verdicts) == 1 and first.verdict != "border" and language in ("en", "zh"):
            rows.append(
                {"url": url, "verdict": first.verdict, "kind": first.kind, "lang": language, "why": first.why}
            )
    return rows

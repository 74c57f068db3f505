"""Scores of page kinds for the pages that benchmarks.decisions judges, by models that saw no page of
the same host.

Belongs here: leaving hosts out. Does not belong here: fitting (tools/train_page_kinds.py). The shipped
model has seen these pages; its own scores of them would flatter the policy.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from pipelines.signals.page_kinds import KINDS, LANGUAGE, LEAST_WORDS
from tools.train_page_kinds import corpus_examples, example, held_out_scores, types_of, verdicts_of


def held_out_kinds(data: Path, pages: Sequence[tuple[str, str, str]]) -> dict[str, dict[str, float]]:
    """Score of each kind by URL. `pages` are (URL, language, rendered text); those of another language
    or with too few words have none."""
    types, verdicts = types_of(data), verdicts_of(data)
    found = [
        example(
            text,
            urlsplit(url).netloc.removeprefix("www.") or url,
            types.get(url, ""),
            verdicts.get(url, ""),
            url,
        )
        for url, language, text in pages
        if language == LANGUAGE and not url.startswith("https://git-scm.com/")
    ]
    found = [e for e in found if e.counts.total() >= LEAST_WORDS]
    out: dict[str, dict[str, float]] = {e.url: {} for e in found}
    every = [*found, *(e for e in corpus_examples(data) if e.counts.total() >= LEAST_WORDS)]
    for kind in KINDS:
        for e, score in zip(every, held_out_scores(every, kind).tolist(), strict=True):
            if e.url:
                out[e.url][kind] = score
    return out

"""Which training documents hold items of benchmarks, leakage sets or the validation side.

Belongs here: matching n-grams of items in documents, spans of what was found. Does not belong here: reading item files (items.py), what
is done with a found document (corpus.py).

A token is a Han character or a run of letters or digits, after NFKC, case folding and traditional to simplified; so one n-gram of tokens
is words in English and characters in Chinese. N-grams that stand in many items (`the following statements is correct`) tell nothing and
are left out. An item is found where enough of its remaining n-grams lie within a window of a page, however long the page is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from pydantic import Field

from pipelines.documents import ID
from pipelines.items import Item, items_from_folders
from pipelines.lake import Built, Dataset, Lake, Writer, digest
from pipelines.settings import Card
from pipelines.spark import Engine
from pipelines.tables import ReleaseTables

VERSION = 1
SCHEMA = pa.schema(
    [
        ("doc_id", ID),
        ("item", pa.string()),
        ("source", pa.string()),
        ("kind", pa.string()),  # benchmark, leakage or validation
        ("start", pa.int32()),  # UTF-8 bytes of the rendered text
        ("end", pa.int32()),
    ]
)
_HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
_TOKEN = re.compile(f"[{_HAN}]|[^\\W_{_HAN}]+")
_IS_HAN = re.compile(f"[{_HAN}]")
_PRIME = 0x9E3779B97F4A7C15
Action = Literal["drop", "cut", "mark"]


class OverlapPolicy(Card):
    """What is an overlap, and what is done about it. The numbers are ours: with every tenth token edited, 5-grams keep at least half."""

    ngram: int = Field(default=5, ge=2)
    containment: float = Field(default=0.35, gt=0, le=1)  # share of an item's n-grams found within one window
    min_hits: int = Field(default=5, ge=1)  # nine words or characters in a row
    min_words: int = Field(default=14, ge=2)  # shorter items are not looked for and are counted
    min_han: int = Field(default=18, ge=2)
    common: int = Field(default=5, ge=1)  # an n-gram in more items than this is left out
    inside: float = Field(default=0.8, gt=0, le=1)  # a document of which this share lies in one item is found too
    benchmark: Action = "drop"
    leakage: Action = "drop"
    validation: Action = "drop"


def _simplified() -> Callable[[str], str] | None:
    try:
        import opencc
    except ImportError:
        return None
    convert: Callable[[str], str] = opencc.OpenCC("t2s").convert
    return convert


@lru_cache(maxsize=1 << 17)
def normal(token: str) -> str:
    """A token without width, case and script. Characters are converted one by one, so that byte offsets stay those of the text."""
    folded = unicodedata.normalize("NFKC", token).casefold()
    convert = _converter()
    return convert(folded) if convert and _IS_HAN.search(folded) else folded


@lru_cache(maxsize=1)
def _converter() -> Callable[[str], str] | None:
    return _simplified()


class _Vocabulary(dict[str, int]):
    """Number of a raw token: that of its normal form among the items' tokens, 0 where no item has it."""

    def __init__(self, known: dict[str, int]) -> None:
        super().__init__()
        self.known = known

    def __missing__(self, token: str) -> int:
        if len(self) > 1_000_000:  # bounds the memory of a long task
            self.clear()
        number = self[token] = self.known.get(normal(token), 0)
        return number


def _grams(ids: np.ndarray, n: int) -> np.ndarray:
    """Hash of each n-gram, uint64 [max(0, len - n + 1)]; 0 where a token is unknown."""
    count = len(ids) - n + 1
    if count <= 0:
        return np.zeros(0, np.uint64)
    out = np.zeros(count, np.uint64)
    known = np.ones(count, bool)
    for k in range(n):
        window = ids[k : k + count]
        out = (out ^ window) * np.uint64(_PRIME)
        out ^= out >> np.uint64(29)
        known &= window > 0
    return np.where(known, np.maximum(out, np.uint64(1)), np.uint64(0))


@dataclass(frozen=True)
class Match:
    """One item found in one text; offsets in UTF-8 bytes."""

    item: Item
    start: int
    end: int


class Index:
    """N-grams of all items, to look documents up in. Picklable; holds about 16 bytes for each n-gram of an item."""

    def __init__(self, items: Sequence[Item], policy: OverlapPolicy) -> None:
        self.policy = policy
        known: dict[str, int] = {}
        seen: set[str] = set()
        self.items: list[Item] = []
        self.tokens: list[int] = []
        self.skipped = 0
        rows: list[np.ndarray] = []
        for item in items:
            tokens = [normal(t) for t in _TOKEN.findall(item.text)]
            han = sum(1 for t in tokens if _IS_HAN.match(t))
            key = digest(*tokens)
            if len(tokens) < (policy.min_han if 2 * han > len(tokens) else policy.min_words):
                self.skipped += 1
                continue
            if key in seen:
                continue
            seen.add(key)
            ids = np.fromiter((known.setdefault(t, len(known) + 1) for t in tokens), np.uint64, len(tokens))
            rows.append(np.unique(_grams(ids, policy.ngram)))
            self.items.append(item)
            self.tokens.append(len(tokens))
        self.known = known
        grams = np.concatenate(rows) if rows else np.zeros(0, np.uint64)
        owner = np.repeat(np.arange(len(rows)), [len(r) for r in rows]) if rows else np.zeros(0, np.int64)
        _, inverse, counts = np.unique(grams, return_inverse=True, return_counts=True)
        rare = counts[inverse] <= policy.common
        grams, owner = grams[rare], owner[rare]
        order = np.argsort(grams, kind="stable")
        self.grams, self.owner = grams[order], owner[order]
        self.sizes = np.bincount(owner, minlength=len(rows))
        self._vocabulary: _Vocabulary | None = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_vocabulary": None}

    def find(self, text: str) -> list[Match]:
        """The items that `text` holds, in the items' order."""
        if self._vocabulary is None:
            self._vocabulary = _Vocabulary(self.known)
        tokens = list(_TOKEN.finditer(text))
        ids = np.fromiter(map(self._vocabulary.__getitem__, [m[0] for m in tokens]), np.uint64, len(tokens))
        grams = _grams(ids, self.policy.ngram)
        first, last = np.searchsorted(self.grams, grams, "left"), np.searchsorted(self.grams, grams, "right")
        hit = np.flatnonzero(last > first)
        if len(hit) < min(self.policy.min_hits, max(1, len(grams))):
            return []
        hits: dict[int, list[tuple[int, int]]] = {}
        for position in hit.tolist():
            for k in range(first[position], last[position]):
                hits.setdefault(int(self.owner[k]), []).append((position, int(self.grams[k])))
        found = []
        for item in sorted(hits):
            span = self._window(item, hits[item], len(grams))
            if span:
                start, end = tokens[span[0]].start(), tokens[span[1] + self.policy.ngram - 1].end()
                before = len(text[:start].encode())
                found.append(Match(self.items[item], before, before + len(text[start:end].encode())))
        return found

    def _window(self, item: int, hits: list[tuple[int, int]], length: int) -> tuple[int, int] | None:
        """First and last position of the n-grams of `item` where they lie dense enough, or None."""
        policy = self.policy
        needed = max(min(policy.min_hits, int(self.sizes[item])), int(np.ceil(policy.containment * self.sizes[item])))
        width = 2 * self.tokens[item]
        inside: dict[int, int] = {}
        best, span, left = 0, (0, 0), 0
        for position, gram in hits:
            inside[gram] = inside.get(gram, 0) + 1
            while position - hits[left][0] > width:
                inside[hits[left][1]] -= 1
                if not inside[hits[left][1]]:
                    del inside[hits[left][1]]
                left += 1
            if len(inside) > best:
                best, span = len(inside), (hits[left][0], position)
        if best >= needed:
            return span
        distinct = len({p for p, _ in hits})
        if distinct >= policy.min_hits and distinct >= policy.inside * length:
            return hits[0][0], hits[-1][0]
        return None


def validation_items(validation_sets: Dataset) -> list[Item]:
    """One item for each validation document; named by its id."""
    items = []
    for i in range(len(validation_sets.parts)):
        table = validation_sets.read_part(i, ["doc_id", "domain", "text"])
        for doc_id, domain, text in zip(*(c.to_pylist() for c in table.columns), strict=True):
            items.append(Item(doc_id.hex(), f"validation/{domain}", "validation", text))
    return items


def build_overlap(
    lake: Lake,
    engine: Engine,
    release: ReleaseTables,
    validation_sets: Dataset,
    folders: list[Path],
    policy: OverlapPolicy | None = None,
) -> Built:
    """Publish one row for each (training document that passes its own rules, item found in it); schema SCHEMA.

    `folders` hold item files (see items.py); their text counts in the recompute key. Stats: documents read and found, items by kind.
    """
    from pipelines.edits import rendered

    rules = policy or OverlapPolicy()
    items = validation_items(validation_sets) + items_from_folders(folders)
    fingerprint = digest(*(part for item in items if item.kind != "validation" for part in (item.source, item.name, item.kind, item.text)))
    places = [(name, i) for name, tables in release.dumps.items() for i in range(len(tables.documents.parts))]

    def write(writer: Writer) -> None:
        index = Index(items, rules)

        def work(number: int) -> None:
            path = f"part-{number:05d}.parquet"
            if writer.has(path):
                return
            name, i = places[number]
            tables = release.dumps[name]
            rows = tables.documents.read_part(i, ["doc_id", "side"]).to_pylist()
            keep = tables.need("decisions").read_part(i, ["keep"])["keep"].to_pylist()
            texts = rendered(tables.documents, tables.edits, i)
            out: list[dict[str, Any]] = []
            read = 0
            for row, kept, text in zip(rows, keep, texts, strict=True):
                if not kept or row["side"] != "train":
                    continue
                read += 1
                for match in index.find(text.as_py()):
                    item = match.item
                    found = {"item": item.name, "source": item.source, "kind": item.kind, "start": match.start, "end": match.end}
                    out.append({"doc_id": row["doc_id"], **found})
            by_kind: dict[str, int] = {}
            for found_row in out:
                by_kind[found_row["kind"]] = by_kind.get(found_row["kind"], 0) + 1
            stats = {"documents": read, "found_documents": len({r["doc_id"] for r in out}), "matches": by_kind}
            writer.write_table(path, pa.Table.from_pylist(out, SCHEMA), stats)

        if not places:
            writer.write_table("part-00000.parquet", SCHEMA.empty_table())
        engine.map_parts(len(places), work)

    inputs: dict[str, Dataset | str] = {**release.inputs("documents", "edits", "decisions"), "validation_sets": validation_sets}
    inputs["items"] = fingerprint
    parameters = rules.parameters() | {"simplified": _converter() is not None, "dumps": list(release.dumps)}
    return lake.build("overlap", release.card.name, version=VERSION, parameters=parameters, inputs=inputs, write=write)

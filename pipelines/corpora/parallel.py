"""Pages of a dump in English and Chinese that are translations of each other.

Belongs here: which pages are compared, the numbers of a pair, the table `parallel_pairs`, its export for
training. Does not belong here: marks of languages in addresses (language_marks.py), the alignment
(paragraph_alignment.py), from where on a pair is one (cards/parallel.py).

Two pages are compared where both name one page in English by hreflang, or where their addresses are equal
without the marks of their languages; and where their text is measured to be in the language that is said.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from pipelines.cards.parallel import ParallelBounds
from pipelines.cards.urls import normal_url
from pipelines.corpora.language_marks import BOTH, marked
from pipelines.corpora.paragraph_alignment import align, anchors, common, length, paragraphs, share, shared
from pipelines.edits.render import rendered_texts
from pipelines.engine import collect_parts
from pipelines.extraction.alternates import DEFAULT, parted
from pipelines.lake import Dataset
from pipelines.lake.atomic import replacing
from pipelines.tables.alignment import read_aligned
from pipelines.tables.columns import described
from pipelines.tables.schemas import ID
from pipelines.tables.stage import Building, OutputPart, Stage, Stats

VERSION = 2
PAIRS_PER_PART = 5000
"""Pages are spread over a dump, so that each part of pairs reads from most parts of it."""
_ALIGNED = pa.struct([("en", pa.string()), ("zh", pa.string()), ("score", pa.float32())])
PARALLEL = described(
    "parallel_pairs",
    [
        ("en_doc_id", ID, "the page in English, as in documents"),
        ("zh_doc_id", ID, "the page in Chinese"),
        ("en_url", pa.string(), "its address as recorded"),
        ("zh_url", pa.string(), "its address as recorded"),
        (
            "how",
            pa.string(),
            "where the two name their languages: hreflang, or of the address path, query, host, suffix or"
            " none, English/Chinese",
        ),
        (
            "ratio",
            pa.float32(),
            "length of the English text by that of the Chinese one, a Chinese character being as long as 3.5",
        ),
        (
            "score",
            pa.float32(),
            "share of numbers, names in Latin letters and links that both hold, 0 to 1; .5 without any",
        ),
        (
            "aligned",
            pa.float32(),
            "share of their characters that are in paragraphs with a counterpart",
        ),
        (
            "paragraphs",
            pa.list_(_ALIGNED),
            "all paragraphs of both, in order, each with its counterpart (empty where it has none) and"
            " the share of anchors that both hold",
        ),
    ],
)
_CANDIDATE = pa.schema(
    [
        ("plain", pa.binary(16)),
        ("language", pa.string()),
        ("rule", pa.string()),
        ("tag", pa.string()),
        ("left", pa.string()),
        ("doc_id", ID),
        ("url", pa.string()),
        ("part", pa.int64()),
        ("row", pa.int64()),
    ]
)
_NO_RULE = "none"
_HREFLANG = "hreflang"


class Candidate(NamedTuple):
    """A page that may be one of a pair, as a row of _CANDIDATE: hash of its address without marks, or of the
    address that it names in English; its language, rule and tag of its mark, why it is left out, where it
    lies. A page may be one by its address and one by hreflang."""

    plain: bytes
    language: str
    rule: str
    tag: str
    left: str
    doc_id: bytes
    url: str
    part: int
    row: int


def _plain_hash(plain: str) -> bytes:
    return hashlib.blake2b(plain.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def candidates(
    number: int, documents: Dataset, language: Dataset, plains: frozenset[bytes] | None = None
) -> pa.Table:
    """Pages of a part, as _CANDIDATE: those whose address has a mark, and those with hreflang; or, with
    `plains`, those without a mark whose address is among these hashes."""
    rows, measured = read_aligned(
        number, (documents, ["url", "side", "alternates"]), (language, ["language"])
    )
    found: list[Candidate] = []
    columns = (rows["doc_id"], rows["url"], rows["side"], rows["alternates"], measured["language"])
    listed = zip(*(c.to_pylist() for c in columns), strict=True)
    for row, (doc_id, url, side, alternates, code) in enumerate(listed):
        if plains is None and (named := linked(url or "", alternates or "", code or "")):
            key, tag, left = named
            left = left or ("validation" if side != "train" else "")
            at = (doc_id, url, number, row)
            found.append(Candidate(_plain_hash(key), code or "", _HREFLANG, tag, left, *at))
        mark = marked(url or "")
        if (mark.language == "") == (plains is None):
            continue
        plain = _plain_hash(mark.plain)
        if plains is not None and (plain not in plains or code not in ("en", "zh")):
            continue
        left = ""
        if mark.language == BOTH:
            left = "ambiguous"
        elif mark.language not in ("", code):
            left = "other_language"
        elif side != "train":
            left = "validation"
        rule = mark.rule or _NO_RULE
        found.append(Candidate(plain, code or "", rule, mark.tag, left, doc_id, url, number, row))
    lists: Sequence[Sequence[Any]] = list(zip(*found, strict=True)) or [()] * len(_CANDIDATE)
    return pa.table([pa.array(v, f.type) for v, f in zip(lists, _CANDIDATE, strict=True)], schema=_CANDIDATE)


def linked(url: str, column: str, measured: str) -> tuple[str, str, str] | None:
    """(what all pages of one hreflang set share, the page's own tag, why it is left out) of a page by its
    column `alternates`; None where that names no page in the other language.

    Shared is the address of the set in English: of several, that of the shortest tag; of none, that of
    x-default or, of an English page, its own.
    """
    named = [(tag, normal_url(address)) for tag, address in parted(column)]
    own = normal_url(url)
    languages = {_language_of(tag) for tag, address in named if address != own}
    if measured not in ("en", "zh") or not languages - {measured}:
        return None
    english = sorted((len(tag), tag, at) for tag, at in named if _language_of(tag) == "en")
    default = [at for tag, at in named if tag == DEFAULT]
    key = english[0][2] if english else own if measured == "en" else default[0] if default else ""
    tags = sorted((len(tag), tag) for tag, at in named if at == own and tag != DEFAULT)
    said = _language_of(tags[0][1]) if tags else measured
    if not key:
        return None
    return f"{_HREFLANG} {key}", tags[0][1] if tags else "", "" if said == measured else "other_language"


def _language_of(tag: str) -> str:
    return DEFAULT if tag == DEFAULT else "en" if tag.startswith("en") else "zh"


def chosen_pairs(pages: Sequence[Candidate]) -> tuple[list[tuple[Candidate, Candidate]], Counter[str]]:
    """(English page, Chinese page) of each address that has both, by id of the English page, and how many
    pages are in none, by reason. A function of the set of pages: their order makes no difference.

    Pairs by hreflang go before those by addresses. Of several pages of one language the marked go before the
    others, short marks (`zh`) before long ones (`zh-tw`), then the smaller id.
    """
    pairs, left = _chosen([page for page in pages if page.rule == _HREFLANG])
    paired = {page.doc_id for pair in pairs for page in pair}
    others = [page for page in pages if page.rule != _HREFLANG and page.doc_id not in paired]
    more, left_more = _chosen(others)
    pairs += more
    left |= left_more
    for pair in more:
        for page in pair:
            left.pop(page.doc_id, None)
    return sorted(pairs, key=lambda pair: pair[0].doc_id), Counter(left.values())


def _chosen(
    pages: Sequence[Candidate],
) -> tuple[list[tuple[Candidate, Candidate]], dict[bytes, str]]:
    """Pairs of pages of one kind of mark, and why the others are in none, by document."""
    left = {page.doc_id: page.left for page in pages if page.left}
    by_plain: dict[bytes, dict[str, list[Candidate]]] = {}
    for page in pages:
        if not page.left:
            by_plain.setdefault(page.plain, {"en": [], "zh": []})[page.language].append(page)
    pairs = []
    for sides in by_plain.values():
        en, zh = (
            sorted(sides[code], key=lambda p: (p.rule == _NO_RULE, len(p.tag), p.tag, p.doc_id))
            for code in ("en", "zh")
        )
        if en and zh:
            pairs.append((en[0], zh[0]))
            left |= {page.doc_id: "another_chosen" for page in (*en[1:], *zh[1:])}
        else:
            left |= {page.doc_id: "alone" for page in (*en, *zh) if page.rule != _NO_RULE}
    return pairs, left


def measured_pair(en: str, zh: str, bounds: ParallelBounds) -> dict[str, Any] | str:
    """ratio, score, aligned and paragraphs of two texts; or the bound that they fail: empty, ratio, score,
    long or aligned."""
    if not en.strip() or not zh.strip():
        return "empty"
    ratio = length(en) / length(zh)
    if not bounds.min_ratio <= ratio <= bounds.max_ratio:
        return "ratio"
    english, chinese = common(anchors(en), anchors(zh))
    score = share(shared(english, chinese), english.total() + chinese.total())
    if score < bounds.min_score:
        return "score"
    of_en, of_zh = paragraphs(en), paragraphs(zh)
    if max(len(of_en), len(of_zh)) > bounds.max_paragraphs:
        return "long"
    rows, inside, total = [], 0, 0
    for group in align(of_en, of_zh):
        one = "\n\n".join(of_en[group.en_start : group.en_stop])
        other = "\n\n".join(of_zh[group.zh_start : group.zh_stop])
        rows.append({"en": one, "zh": other, "score": group.score})
        total += len(one) + len(other)
        inside += len(one) + len(other) if one and other else 0
    aligned = inside / total
    if aligned < bounds.min_aligned:
        return "aligned"
    return {
        "ratio": round(ratio, 4),
        "score": round(score, 4),
        "aligned": round(aligned, 4),
        "paragraphs": rows,
    }


def parallel_pairs_stage(
    documents: Dataset, edits: Dataset, language: Dataset, bounds: ParallelBounds
) -> Stage:
    """Pairs of pages of a dump that are translations, schema PARALLEL, by id of the English page.

    Pages of the validation side are in no pair. Statistics: pairs, characters of both texts, pairs by
    `how`; `left_out`, pages in no pair and pairs that fail a bound, by reason.
    """

    def compute(building: Building) -> None:
        engine, count = building.engine, len(documents.parts)
        found = collect_parts(engine, count, lambda i: candidates(i, documents, language), _CANDIDATE)
        pages = _rows(found)
        if plains := frozenset(page.plain for page in pages if not page.left and page.rule != _HREFLANG):
            pages += _rows(
                collect_parts(engine, count, lambda i: candidates(i, documents, language, plains), _CANDIDATE)
            )
        pairs, left = chosen_pairs(pages)
        starts = range(0, max(1, len(pairs)), PAIRS_PER_PART)

        def rows(number: int) -> tuple[pa.Table, Stats]:
            table, stats = _measured(documents, edits, pairs[starts[number] :][:PAIRS_PER_PART], bounds)
            return table, {**stats, "left_out": dict(stats["left_out"] + (left if not number else Counter()))}

        building.write_parts([OutputPart(f"part-{i:05d}.parquet") for i in range(len(starts))], rows)

    inputs = {"documents": documents, "edits": edits, "language": language}
    parameters = bounds.parameters()
    return Stage("parallel_pairs", VERSION, compute, documents.manifest.partition, parameters, inputs)


def _rows(found: pa.Table) -> list[Candidate]:
    columns = (found[name].to_pylist() for name in _CANDIDATE.names)
    return [Candidate(*values) for values in zip(*columns, strict=True)]


def _measured(
    documents: Dataset, edits: Dataset, pairs: Sequence[tuple[Candidate, Candidate]], bounds: ParallelBounds
) -> tuple[pa.Table, dict[str, Any]]:
    """(rows of PARALLEL, statistics) of some pairs."""
    wanted: dict[int, set[int]] = {}
    for page in (page for pair in pairs for page in pair):
        wanted.setdefault(page.part, set()).add(page.row)
    texts: dict[tuple[int, int], str] = {}
    for part, numbers in sorted(wanted.items()):
        ordered = sorted(numbers)
        rendered = rendered_texts(documents, edits, part, np.array(ordered, np.int64))
        texts |= {(part, row): text or "" for row, text in zip(ordered, rendered.to_pylist(), strict=True)}
    rows, left, how, chars = [], Counter[str](), Counter[str](), 0
    for en, zh in pairs:
        en_text, zh_text = texts[en.part, en.row], texts[zh.part, zh.row]
        measured = measured_pair(en_text, zh_text, bounds)
        if isinstance(measured, str):
            left[measured] += 1
            continue
        row = {"en_doc_id": en.doc_id, "zh_doc_id": zh.doc_id, "en_url": en.url, "zh_url": zh.url}
        rows.append(row | {"how": f"{en.rule}/{zh.rule}"} | measured)
        how[rows[-1]["how"]] += 1
        chars += len(en_text) + len(zh_text)
    stats = {"pairs": len(rows), "characters": chars, "how": dict(how), "left_out": left}
    return pa.Table.from_pylist(rows, PARALLEL), stats


def training_text(rows: Sequence[dict[str, Any]], min_score: float) -> str:
    """Each English paragraph followed by its Chinese one (paper 3.1); what is equal in both, such as code,
    once; paragraphs without a counterpart of this score not at all."""
    pieces = []
    for row in rows:
        if row["en"] and row["zh"] and row["score"] >= min_score:
            pieces += [row["en"]] if row["en"] == row["zh"] else [row["en"], row["zh"]]
    return "\n\n".join(pieces)


def write_jsonl(pairs: Dataset, path: Path) -> int:
    """Write the pairs as JSON lines that a dump card of category `parallel` reads: url (of the English
    page), zh_url, text, en_doc_id and zh_doc_id (hexadecimal), score; returns how many. The file appears
    when it is whole, and equal pairs give equal bytes."""
    count, min_score = 0, pairs.manifest.parameters["min_paragraph_score"]
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        for number in range(len(pairs.parts)):
            for row in pairs.read_part(number).to_pylist():
                line = {
                    "url": row["en_url"],
                    "zh_url": row["zh_url"],
                    "text": training_text(row["paragraphs"], min_score),
                    "en_doc_id": row["en_doc_id"].hex(),
                    "zh_doc_id": row["zh_doc_id"].hex(),
                    "score": round(row["score"], 4),
                }
                file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
                count += 1
    return count

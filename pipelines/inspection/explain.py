"""What every stage said about a URL.

Belongs here: gathering one document's rows from the tables. Does not belong here: any decision.
A stage that was not run yet is named as such.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.base import card_names
from pipelines.cards.classifier import FOLDER
from pipelines.cards.urls import normal_host, normal_url
from pipelines.edits.personal_data import mask
from pipelines.extraction.left_out import left_out_of
from pipelines.filtering.policy import Policy
from pipelines.lake import Dataset, Lake, LakeError, MissingDataset
from pipelines.quality.classifier_models import classifier_names
from pipelines.tables.dates import DATE_COLUMNS
from pipelines.tables.inputs import SIGNAL_GROUPS

OUTCOMES = ("skypile_main", "skypile_stem", "validation_sets", "rejected")
"""Tables of a release one of which holds each document of its dumps."""


def explain(lake: Lake, url: str, release: str = "", dumps: tuple[str, ...] = ()) -> list[str]:
    """Lines about every document with this URL: place, edits, language, failing numbers beside
    their bounds, scores, and the release.

    `dumps`: where to look; by default those that the lake has cards for. LakeError where no dump
    has the URL.
    """
    names = dumps or tuple(card_names(lake, "cards/dumps"))
    out: list[str] = []
    for name in names:
        out += [
            f"{name}  left out: {_spoken(reason)}, at {offset} of {file}"
            for file, offset, reason in left_out_of(lake, name, url)
        ]
        documents = _current(lake, "documents", name)
        if documents is None:
            continue
        for index in range(len(documents.parts)):
            for row in _rows_with(documents, index, url):
                out += _document(lake, name, documents, index, row, release)
    if not out:
        raise LakeError(
            f"{mask(url)} is in no documents table of {', '.join(names) or 'any dump'}, nor among what they"
            " left out: no file of theirs has a page of this address"
        )
    return out


_SPOKEN = {
    "skipped/block_list": "the card's `block` covers it",
    "skipped/allow_list": "the card's `allow` does not cover it",
    "skipped/content_type": "its content type is neither HTML nor text",
    "skipped/binary": "its bytes are no text",
    "skipped/opted_out": "it opts out, and the card's `obey_opt_outs` obeys",
    "skipped/no_main_text": "it has no main text, or too little",
    "skipped/quarantined": "it takes too long to read",
    "skipped/http_status": "its HTTP status is not 200",
    "skipped/no_http_headers": "it is no HTTP response",
    "skipped/empty_body": "it is empty",
    "skipped/revisit": "the crawler found it unchanged and kept no copy here",
    "skipped/conversion_record": "it is text of a page, which a card of kind wet reads",
    "skipped/response_record": "it is a page, which a card of kind warc reads",
    "skipped/resource_record": "it is a page, which a card of kind warc reads",
    "skipped/continuation_record": "it is a further piece of a page that the crawler cut",
    "broken/header": "the headers of its record cannot be read",
    "broken/length": "its record is longer or shorter than it says",
    "broken/truncated": "its record is cut",
    "broken/compression": "its bytes do not decode",
    "broken/json": "its line is no JSON object",
    "broken/not_utf-8": "its line is not UTF-8, and the card names no other `charset`",
    "broken/text_type": "its row has a list, an object or a number for a text",
    "broken/no_text": "its row has no text under the field that the card names",
}


def _spoken(reason: str) -> str:
    return f"{reason} ({_SPOKEN[reason]})" if reason in _SPOKEN else reason


def _current(lake: Lake, asset: str, partition: str) -> Dataset | None:
    try:
        return lake.current(asset, partition)
    except MissingDataset:
        return None


def _rows_with(documents: Dataset, index: int, url: str) -> list[int]:
    """Rows whose address has the normal form of `url`. Those of its host alone are looked at."""
    wanted = normal_url(url)
    table = documents.read_part(index, ["url", "host"])
    hosts = [h for h in pc.unique(table["host"]).to_pylist() if h is not None]
    own = wanted.partition("/")[0].partition("?")[0].partition(":")[0]
    near = pa.array([h for h in hosts if not h or normal_host(h) == own], pa.string())
    rows = pc.indices_nonzero(pc.fill_null(pc.is_in(table["host"], value_set=near), True)).to_pylist()
    urls = table["url"].take(pa.array(rows, pa.int64())).to_pylist()
    return [int(row) for row, known in zip(rows, urls, strict=True) if known and normal_url(known) == wanted]


def _row(dataset: Dataset | None, index: int, row: int) -> dict[str, Any] | None:
    if dataset is None or index >= len(dataset.parts):
        return None
    table = dataset.read_part(index)
    return table.slice(row, 1).to_pylist()[0] if row < table.num_rows else None


def _document(lake: Lake, dump: str, documents: Dataset, index: int, row: int, release: str) -> list[str]:
    columns = ["doc_id", "file", "offset", *DATE_COLUMNS, "side", "category", "group"]
    metadata = documents.read_part(index, columns).slice(row, 1).to_pylist()[0]
    out = [f"{dump}  {metadata['doc_id'].hex()}"]
    out.append(
        f"  documents   {metadata['file']} at {metadata['offset']}, {metadata['category']},"
        f" side {metadata['side']}, published {metadata['published'] or 'unknown'},"
        f" crawled {metadata['crawled'] or 'unknown'}"
    )
    edits = _row(_current(lake, "edits", dump), index, row)
    if edits:
        kinds = Counter(span["kind"] for span in edits["spans"])
        out.append(f"  edits       {', '.join(f'{n} {k}' for k, n in sorted(kinds.items())) or 'none'}")
    signals = {g: _row(_current(lake, f"signals/{g}", dump), index, row) or {} for g in SIGNAL_GROUPS}
    if language := signals["language"]:
        script = "" if language["traditional"] is None else f", {language['traditional']:.0%} traditional"
        out.append(f"  language    {language['language'] or 'none'} {language['score']:.4f}{script}")
    scores = _row(_current(lake, "scores", dump), index, row)
    if scores:
        known = [f"{k} {v:.4g}" for k, v in scores.items() if k != "doc_id" and v is not None]
        out.append(f"  scores      {', '.join(known) or 'no model'}")
    said = {n: _row(_current(lake, f"{FOLDER}/{n}", dump), index, row) or {} for n in classifier_names(lake)}
    for name, values in said.items():
        known = [
            f"{k} {v if isinstance(v, str) else format(v, '.4g')}"
            for k, v in values.items()
            if k in ("label", "score") and v is not None
        ]
        if values:
            out.append(f"  {name:11} {', '.join(known) or 'no model'}")
    decisions = _current(lake, "decisions", dump)
    decided = _row(decisions, index, row)
    if decisions is not None and decided:
        where = f"kept for {decided['corpus']}" if decided["keep"] else "rejected"
        out.append(f"  decisions   {where}{', quality ' + decided['quality'] if decided['quality'] else ''}")
        policy = Policy.model_validate(decisions.manifest.parameters["policy"])
        values = {
            **{f"{g}/{k}": v for g, r in signals.items() for k, v in r.items()},
            **{f"scores/{k}": v for k, v in (scores or {}).items()},
            **{f"{FOLDER}/{n}/{k}": v for n, r in said.items() for k, v in r.items()},
        }
        out += [f"    {line}" for line in _reasons(policy, decided, values)]
    else:
        out.append("  decisions   not materialized yet")
    if release:
        out += _release(lake, release, metadata["doc_id"])
    return out


def _reasons(policy: Policy, decided: dict[str, Any], values: dict[str, Any]) -> list[str]:
    """Each failing reason with the number, its bound and the bound's source."""
    kind = decided["category"], decided["language"]
    covering = next((s for s in policy.sets if s.judges(*kind, values)), None)
    lines = []
    for reason in decided["reasons"]:
        bound = covering.bounds.get(reason) if covering else None
        if bound is None:
            lines.append(reason)
            continue
        lines.append(f"{reason} is {values[reason]:g}, wanted {bound.limits} ({bound.source})")
    return lines


def _release(lake: Lake, release: str, doc_id: bytes) -> list[str]:
    """What became of a document in a release: the corpus or set it is in, or every reason that
    keeps it out."""
    out = []
    for asset in OUTCOMES:
        dataset = _current(lake, asset, release)
        if dataset is None:
            out.append(f"  {asset:11} of release {release} is not materialized yet")
            continue
        for index in range(len(dataset.parts)):
            ids = dataset.read_part(index, ["doc_id"])["doc_id"]
            for row in pc.indices_nonzero(pc.equal(ids, pa.scalar(doc_id, ids.type))).to_pylist():
                found = _row(dataset, index, int(row)) or {}
                if asset == "rejected":
                    of = f", of {found['kept_id'].hex()}" if found.get("kept_id") else ""
                    out.append(f"  release     {release}: rejected for {', '.join(found['reasons'])}{of}")
                    out += (
                        _items_in(lake, release, doc_id)
                        if any(r.startswith("contamination/") for r in found["reasons"])
                        else []
                    )
                else:
                    domain = f", {found['domain']}" if found.get("domain") else ""
                    out.append(f"  release     {release}: in {asset}{domain}")
    return out or [f"  release     {release} does not name this dump, or was made before it"]


def _items_in(lake: Lake, release: str, doc_id: bytes) -> list[str]:
    """The items that a document of a release holds: item, source, kind, place in the rendered
    text."""
    contamination = lake.current("contamination", release)
    out = []
    for index in range(len(contamination.parts)):
        table = contamination.read_part(index)
        for row in table.filter(
            pc.equal(table["doc_id"], pa.scalar(doc_id, table.schema.field("doc_id").type))
        ).to_pylist():
            place = f"bytes {row['start']} to {row['end']}"
            out.append(f"  contamination holds {row['item']} of {row['source']} ({row['kind']}), {place}")
    return out

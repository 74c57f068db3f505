"""Releases: what a card says, what falls by card, what two releases differ in, what may be deleted.

Belongs here: the card, `fallen`, `resolve`, `diff`, `gc`. Does not belong here: the stages of a release.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, field_validator

from pipelines.lake import LINEAGE, MANIFEST, Dataset, Lake, LakeError, MissingDataset, iter_parts, safe_name
from pipelines.settings import Card
from pipelines.tables import ReleaseTables, dump_tables

TABLES = ("signals", "scores", "signatures", "decisions")


class ReleaseCard(Card):
    """What a release is made of. A dump that is not named neither blocks nor enters.

    `cutoff_date` (ISO 8601): later documents fall; those without a date stay. `tombstones`: URLs that must not be
    published again. `jaccard` and `containment` are the verified similarities from which a duplicate is removed.
    `max_cluster` (documents) and `max_source_share` (of one dump removed as duplicates) are the blocking guards.
    """

    name: str
    dumps: tuple[str, ...] = Field(min_length=1)
    policy: str = "default"
    tokenizer: str = "demo"  # the vocabulary its token shards are written with
    cutoff_date: str = Field(default="", pattern=r"^(\d{4}(-\d{2}(-\d{2}.*)?)?)?$")
    tombstones: tuple[str, ...] = ()
    validation: str = ""
    jaccard: float = Field(default=0.7, gt=0.0, le=1.0)
    containment: float = Field(default=0.95, gt=0.0, le=1.0)
    max_cluster: int = Field(default=1_000_000, gt=1)
    max_source_share: float = Field(default=1.0, gt=0.0, le=1.0)

    @field_validator("name")
    @classmethod
    def _name_is_a_path(cls, value: str) -> str:
        try:
            return safe_name(value, "release name")
        except LakeError as error:  # pydantic gathers ValueError only
            raise ValueError(str(error)) from None

    @field_validator("dumps")
    @classmethod
    def _dumps_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) != len(value):
            raise ValueError("a dump is named twice")
        return value


def fallen(card: ReleaseCard, urls: pa.Array | pa.ChunkedArray, dates: pa.Array | pa.ChunkedArray) -> pa.Array:
    """For each document "tombstone", "cutoff_date" or "": why the card alone takes it out of the release."""
    buried = pc.is_in(urls, value_set=pa.array(card.tombstones, pa.string()))
    late = np.zeros(len(urls), np.bool_)
    if card.cutoff_date:
        # a date is late when it sorts after the cut-off, read to the cut-off's own precision
        late = np.array([(d or "")[: len(card.cutoff_date)] > card.cutoff_date for d in dates.to_pylist()], np.bool_)
    reasons = pc.if_else(pc.fill_null(buried, False), "tombstone", pc.if_else(pa.array(late), "cutoff_date", ""))
    return reasons.combine_chunks() if isinstance(reasons, pa.ChunkedArray) else reasons


def resolve(lake: Lake, card: ReleaseCard, *tables: str) -> ReleaseTables:
    """The current tables of every dump that the card names; MissingDataset says what to materialize."""
    from pipelines.dumps.card import DumpCard

    dumps = {}
    for name in card.dumps:
        path = f"cards/dumps/{name}.yaml"
        if not lake.exists(path):
            raise MissingDataset(f"release {card.name} names dump {name!r}, but {lake.root}/{path} does not exist")
        dumps[name] = dump_tables(lake, DumpCard.load(lake.local(path)), *(tables or TABLES))
    return ReleaseTables(card, dumps)


# what changed between two releases


@dataclass
class Change:
    """Documents and characters, with up to `SAMPLES` (url, reason) of them."""

    documents: int = 0
    characters: int = 0
    by_reason: dict[str, int] = field(default_factory=dict)
    samples: list[tuple[str, str]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        return {**self.__dict__, "by_reason": dict(sorted(self.by_reason.items())), "samples": [list(s) for s in self.samples]}


SAMPLES = 10


def _published(lake: Lake, release: str) -> dict[bytes, tuple[str, int]]:
    """(url, characters) by document id, over both corpora of a release."""
    found: dict[bytes, tuple[str, int]] = {}
    for asset in ("skypile_main", "skypile_stem"):
        for part in iter_parts(_current(lake, asset, release), ["doc_id", "url", "text"]):
            lengths = pc.utf8_length(part.column("text")).to_pylist()
            found.update(zip(part.column("doc_id").to_pylist(), zip(part.column("url").to_pylist(), lengths, strict=True), strict=True))
    return found


def _current(lake: Lake, asset: str, release: str) -> Dataset:
    try:
        return lake.current(asset, release)
    except MissingDataset:
        raise MissingDataset(f"release {release!r} has no {asset}: build the release before comparing it") from None


def _reasons(lake: Lake, release: str, wanted: set[bytes]) -> dict[bytes, list[str]]:
    """Reasons of rejection by document id, for the `wanted` ones only."""
    found: dict[bytes, list[str]] = {}
    for part in iter_parts(_current(lake, "rejected", release), ["doc_id", "reasons"]):
        for doc, reasons in zip(part.column("doc_id").to_pylist(), part.column("reasons").to_pylist(), strict=True):
            if doc in wanted:
                found[doc] = list(reasons or ())
    return found


def diff(lake: Lake, a: str, b: str) -> dict[str, dict[str, Any]]:
    """What release `b` lost and gained against `a`: {"lost": ..., "gained": ...} of Change.

    The reason of a loss is why `b` rejects the document; of a gain, why `a` did; "not in the release" where the
    document's dump is not part of it.
    """
    first, second = _published(lake, a), _published(lake, b)
    answer = {}
    for name, here, there, rejecting in (("lost", first, second, b), ("gained", second, first, a)):
        moved = sorted(set(here) - set(there))
        reasons = _reasons(lake, rejecting, set(moved))
        change = Change()
        for doc in moved:
            url, characters = here[doc]
            why = reasons.get(doc) or ["not in the release"]
            change.documents += 1
            change.characters += characters
            for reason in why:
                change.by_reason[reason] = change.by_reason.get(reason, 0) + 1
            if len(change.samples) < SAMPLES:
                change.samples.append((url, why[0]))
        answer[name] = change.to_json()
    return answer


# what may be deleted


def _pointers(lake: Lake) -> Iterator[tuple[str, str]]:
    """(pointer file, dataset path) of every pointer."""
    for path in lake.files("pointers", recursive=True):
        yield path, str(lake.read_json(path)["path"])


def _named(value: Any) -> Iterator[str]:
    """Every string inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield str(key)
            yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def datasets(lake: Lake) -> dict[str, str]:
    """Dataset path by content hash, for everything under `tables`, published or left half."""
    found = {}
    for path in lake.files("tables", recursive=True):
        if path.endswith("/" + MANIFEST):
            folder = path.removesuffix("/" + MANIFEST)
            found[folder] = folder.rsplit("/", 1)[1]
    return found


def gc(lake: Lake, dry_run: bool = False) -> dict[str, Any]:
    """Delete datasets that nothing names: {"deleted": [...], "kept": n, "bytes": freed}.

    Named are: what a pointer names, what a file under `runs/` names by path or content hash (run.json, checkpoint
    cards), and, from each of them on, the inputs in their manifests: a release stays explainable down to its dumps.
    """
    present = datasets(lake)
    paths_of: dict[str, list[str]] = {}
    for path, content in present.items():
        paths_of.setdefault(content, []).append(path)
    waiting = [path for _, path in _pointers(lake)]
    for run_file in lake.files("runs", recursive=True):
        if run_file.endswith(".json"):
            try:
                names = set(_named(lake.read_json(run_file)))
            except ValueError as error:
                raise LakeError(
                    f"{lake.root}/{run_file} is not readable as JSON ({error}): nothing was deleted; mend or remove it"
                ) from None
            for name in sorted(names):
                waiting += paths_of.get(name, [])
                waiting += [path for path in present if path in name]
    kept: set[str] = set()
    while waiting:
        path = waiting.pop()
        if path in kept or path not in present:
            continue
        kept.add(path)
        for content in lake.open(path).manifest.inputs.values():
            waiting += paths_of.get(content, [])
        if lake.exists(f"{path}/{LINEAGE}"):
            waiting += lake.read_json(f"{path}/{LINEAGE}")["inputs"].values()
    doomed = sorted(set(present) - kept)
    freed = sum(lake.open(path).manifest.bytes for path in doomed)
    if not dry_run:
        gone = set(doomed)
        for path in lake.files("keys"):
            if lake.read_json(path)["path"] in gone:
                lake.delete(path)
        for path in doomed:
            lake.delete(f"{path}/{MANIFEST}")  # first, so that a crash leaves no dataset that lacks parts
            lake.delete(path)
    return {"deleted": doomed, "kept": len(kept), "bytes": freed}

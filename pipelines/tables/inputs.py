"""The tables of one dump and of one release, gathered under one name each.

Belongs here: plain holders that stages take as input, rows that are put together from several
tables. Does not belong here: how a table is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from pipelines.cards.classifier import FOLDER
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard
from pipelines.lake import Dataset, Lake, LakeError, MissingDataset, digest, safe_name
from pipelines.tables.alignment import read_aligned
from pipelines.tables.dates import DATE_COLUMNS
from pipelines.tables.schemas import CORPUS

RELEASE_INPUTS = ("signals", "scores", "signatures", "decisions")
SIGNAL_GROUPS = ("language", "rules", "safety", "code")
_FROM_DOCUMENTS = ["doc_id", "url", "file", "offset", "group", *DATE_COLUMNS]


@dataclass(frozen=True)
class DumpTables:
    """Row-aligned datasets of one dump; those not made yet are None."""

    card: DumpCard
    documents: Dataset
    edits: Dataset
    signals: Mapping[str, Dataset] = field(default_factory=dict)
    scores: Dataset | None = None
    classifiers: Mapping[str, Dataset] = field(default_factory=dict)
    signatures: Dataset | None = None
    decisions: Dataset | None = None

    def need(self, name: str) -> Dataset:
        """The dataset `name` (of a classifier: `classifiers/NAME`), or a LakeError that says what to
        materialize."""
        group, _, member = name.partition("/")
        dataset = self.classifiers.get(member) if group == FOLDER and member else getattr(self, name)
        if not isinstance(dataset, Dataset):
            raise LakeError(f"dump {self.card.name} has no {name} yet: materialize {name} for it first")
        return dataset


def training_inputs(dumps: Mapping[str, DumpTables]) -> dict[str, Dataset | str]:
    """Documents and edits of the dumps that a model is trained on, as inputs of its stage."""
    return {f"{kind}/{n}": getattr(d, kind) for n, d in dumps.items() for kind in ("documents", "edits")}


def part_path(dump: str, part: int) -> str:
    """Where the rows of one part of a dump lie in a table of a release: independent of the other
    dumps, so that parts can be reused."""
    return f"dump={dump}/part-{part:05d}.parquet"


def dump_tables(lake: Lake, card: DumpCard, *names: str) -> DumpTables:
    """The current documents and edits of a dump, and the tables in `names` (signals, scores,
    signatures, decisions, classifiers/NAME)."""
    current = {n: lake.current(n, card.name) for n in names if n != "signals" and "/" not in n}
    signals = (
        {g: lake.current(f"signals/{g}", card.name) for g in SIGNAL_GROUPS} if "signals" in names else {}
    )
    prefix = f"{FOLDER}/"
    classifiers = {n.removeprefix(prefix): lake.current(n, card.name) for n in names if n.startswith(prefix)}
    texts = (lake.current("documents", card.name), lake.current("edits", card.name))
    return DumpTables(card, *texts, signals, classifiers=classifiers, **current)


@dataclass(frozen=True)
class ReleasePart:
    """Part `number` of a dump, as a release reads it."""

    dump: str
    tables: DumpTables
    number: int

    @property
    def path(self) -> str:
        """Where its rows lie in tables of the release."""
        return part_path(self.dump, self.number)

    def key(self, names: tuple[str, ...], *more: str) -> str:
        """Hash of what a part of a release's table is computed from: this part of the dump's tables in
        `names`, and anything `more`."""
        hashes = (self.tables.need(n).parts[self.number].hash for n in names)
        return digest(self.dump, *names, *hashes, *more)

    def ids(self) -> pa.Array:
        """doc_id of its documents."""
        return self.tables.documents.read_part(self.number, ["doc_id"])["doc_id"].combine_chunks()

    def aligned(self, documents: Sequence[str], decisions: Sequence[str]) -> tuple[pa.Table, pa.Table]:
        """These columns of its documents and of its decisions, each with doc_id; LakeError where the
        two are not of the same documents."""
        first, second = read_aligned(
            self.number, (self.tables.documents, documents), (self.tables.need("decisions"), decisions)
        )
        return first, second


@dataclass(frozen=True)
class ReleaseTables:
    """The tables of every dump that a release names, in the card's order."""

    card: ReleaseCard
    dumps: Mapping[str, DumpTables]

    @property
    def parts(self) -> list[ReleasePart]:
        """Every part of every dump, in the card's order of dumps."""
        return [
            ReleasePart(name, tables, number)
            for name, tables in self.dumps.items()
            for number in range(len(tables.documents.parts))
        ]

    def inputs(self, *names: str) -> dict[str, Dataset]:
        """Datasets by `table/dump`, as inputs of a recompute key."""
        return {f"{n}/{d}": t.need(n) for d, t in self.dumps.items() for n in names}


def corpus_rows(part: ReleasePart, texts: pa.Array, labels: pa.Table) -> pa.Table:
    """The part in the schema CORPUS, all rows, with the given texts, and language and category of
    `labels`."""
    documents = part.tables.documents.read_part(part.number, _FROM_DOCUMENTS)
    columns = {name: documents[name] for name in _FROM_DOCUMENTS}
    columns |= {"dump": pa.array([part.dump] * len(texts), pa.string()), "text": texts}
    columns |= {"language": labels["language"], "category": labels["category"]}
    return pa.table([columns[field.name] for field in CORPUS], schema=CORPUS)


def composition(table: pa.Table, outer: str, inner: str, dump: str) -> dict[str, Any]:
    """Statistics of rows of CORPUS: documents and bytes of text, also under composition / `outer` /
    `inner` / `dump`."""
    counts = {"documents": table.num_rows, "bytes": int(pc.sum(pc.binary_length(table["text"])).as_py() or 0)}
    return {"composition": {outer: {inner: {dump: counts}}}, **counts}


def resolve(lake: Lake, card: ReleaseCard, *tables: str) -> ReleaseTables:
    """The current tables of every dump that the card names; MissingDataset says what to
    materialize."""
    dumps = {}
    for name in card.dumps:
        path = f"cards/dumps/{name}.yaml"
        if not lake.exists(path):
            raise MissingDataset(
                f"release {card.name} names dump {name!r}, but {lake.root}/{path} does not exist"
            )
        wanted = tables or (*RELEASE_INPUTS, *card.classifiers)
        dumps[name] = dump_tables(lake, DumpCard.load(lake.local(path)), *wanted)
    _same_policy(card, dumps)
    return ReleaseTables(card, dumps)


def _same_policy(card: ReleaseCard, dumps: Mapping[str, DumpTables]) -> None:
    """LakeError where the card names a policy and decisions of a dump were made under another."""
    for name, tables in dumps.items():
        if not card.policy or tables.decisions is None:
            continue
        used = tables.decisions.manifest.parameters["policy"]["name"]
        if used != card.policy:
            raise LakeError(
                f"release {card.name} names the policy {card.policy!r}, but dump {name} was decided under"
                f" {used!r}: decide it again under {card.policy!r} (cards/policy.yaml), or change the card"
            )


def part_hashes(dataset: Dataset) -> dict[str, str]:
    """Content hash of each part of a release's table, by path."""
    return {part.path: part.hash for part in dataset.parts}


def frozen(lake: Lake, asset: str, name: str) -> Dataset:
    """The dataset that a card's `validation` or `blocks` names: `RELEASE` or
    `RELEASE@CONTENT_HASH`."""
    release, _, content = name.partition("@")
    return (
        lake.open(f"tables/{asset}/{safe_name(release)}/{content}")
        if content
        else lake.current(asset, release)
    )

"""The table `split`: whether a dump is split into training and validation by group or by URL.

Belongs here: the stage that looks at the groups of all records. Does not belong here: the choice
itself and the side of a document (side.py).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from pipelines.cards.dump import DumpCard
from pipelines.dumps.raw_dump import fetched_file
from pipelines.dumps.readers import read_records
from pipelines.dumps.rows import fields_of
from pipelines.extraction.group import group_of, host_and_path
from pipelines.extraction.selection import reason_left_out
from pipelines.extraction.side import SplitBy, split_by
from pipelines.lake import Dataset
from pipelines.tables.stage import Building, Stage

VERSION = 3
_FIELDS = (
    "kind",
    "fields",
    "charset",
    "allow",
    "block",
    "group",
    "min_groups",
    "held_out",
    "validation_share",
)


def split_stage(card: DumpCard, raw_dump: Dataset) -> Stage:
    """split.json with `split_by`: group or url. Records are read up to the group that decides."""

    def compute(building: Building) -> None:
        groups = _groups(raw_dump, card, Path(building.lake.root))
        building.writer.write_json("split.json", {"split_by": split_by(groups, card)})

    return Stage(
        "split",
        VERSION,
        compute,
        partition=card.name,
        parameters={k: v for k, v in card.parameters().items() if k in _FIELDS},
        inputs={"raw_dump": raw_dump},
    )


def split_of(split: Dataset) -> SplitBy:
    """What the table says."""
    found: SplitBy = split.read_json("split.json")["split_by"]
    return found


def _groups(raw_dump: Dataset, card: DumpCard, base: Path) -> Iterator[str]:
    """The group of every record that may become a document, without reading its text."""
    for file in raw_dump.read().to_pylist():
        with fetched_file(card, file, base) as path:
            for record in read_records(path, card.kind, Counter(), fields_of(card), card.charset):
                host, folders = host_and_path(record.url)
                if not reason_left_out(record, card):
                    yield group_of(record, card, host, folders)

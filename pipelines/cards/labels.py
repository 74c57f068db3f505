"""Labels: what people said of documents of a dump, one JSON object a line in cards/labels/DUMP.jsonl.

Belongs here: the form of a label, reading the file, putting a label in and taking one out. Does not
belong here: which documents are asked about (inspection/label_sample.py), whether a label still
belongs to the text that it was given for (inspection/labelled.py).

The file is sorted and holds no time, so equal labels make equal bytes. It is written whole, under a
lock: readers see it before or after a label, and two people who label at once lose nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError, field_validator

from pipelines.cards.base import Card, CardError, CardName
from pipelines.lake import Lake, LakeError
from pipelines.lake.atomic import make_folder

FOLDER = "cards/labels"
Verdict = Literal["keep", "drop", "border"]
Kind = Literal[
    "",
    "prose",
    "technical",
    "news",
    "qa",
    "forum",
    "reference",
    "product",
    "teasers",
    "navigation",
    "boilerplate",
    "list",
    "code",
    "service",
    "spam",
    "garbled",
    "empty",
    "other",
]
KINDS: tuple[str, ...] = tuple(kind for kind in get_args(Kind) if kind)
"""What a page can be, commonest first; the empty kind says nothing."""
WHY_CHARACTERS, NAME_CHARACTERS = 300, 80


class Label(Card):
    """What one person said of one document."""

    dump: CardName
    """The dump that the document is of: the file's name."""
    doc_id: str = Field(pattern=r"^[0-9a-f]{32}$")
    """The document's id, as in `documents`, in hexadecimal digits."""
    url: str
    """Its address, personal data masked."""
    group: str = ""
    """What it is from, as in `documents`: a page's host. Figures by folds leave out whole groups."""
    content: str = Field(pattern=r"^[0-9a-f]{32}$")
    """Hash of the rendered text that was read: a label of another text does not count."""
    verdict: Verdict
    """keep: worth training on. drop: of no use, or harmful. border: a careful person could go either
    way; counts neither way."""
    kind: Kind = ""
    """What the page is."""
    why: str = Field(default="", max_length=WHY_CHARACTERS)
    """The reader's reason, in a few words of one line."""
    labeller: str = Field(min_length=1, max_length=NAME_CHARACTERS)
    """Who said it."""
    cell: str = ""
    """What the document was drawn from: kept, rejected or border, and its language and reason."""
    of: float = Field(default=0, ge=0)
    """Documents of the dump in that cell: the label stands for its share of them. 0: for itself."""

    @field_validator("why", "labeller", "url", "group", "cell")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable() or value != value.strip():
            raise ValueError("write one line, without control characters and spaces around it")
        return value

    @property
    def key(self) -> tuple[str, str]:
        """Of which a file has one label each: the document and the person."""
        return self.doc_id, self.labeller


def labels_path(dump: str) -> str:
    """Where the labels of a dump lie in the lake."""
    return f"{FOLDER}/{dump}.jsonl"


def read_labels(lake: Lake, dump: str) -> list[Label]:
    """The labels of a dump, by document and person; none where nobody labelled it. CardError as
    `parse_labels`."""
    path = labels_path(dump)
    if not lake.exists(path):
        return []
    labels = parse_labels(lake.read_bytes(path), f"{lake.root}/{path}")
    if foreign := next((label for label in labels if label.dump != dump), None):
        raise CardError(
            f"{lake.root}/{path} holds a label of the dump {foreign.dump!r}: move it to"
            f" {labels_path(foreign.dump)}"
        )
    return labels


def parse_labels(data: bytes, name: str) -> list[Label]:
    """The labels in the bytes of the file `name`, by document and person. CardError names the line
    that is no label, and two lines by which one person said two things of one document."""
    found: dict[tuple[str, str], tuple[int, Label]] = {}
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise CardError(f"{name} is not UTF-8 ({error}): restore it") from None
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            label = Label.model_validate_json(line)
        except ValidationError as error:
            said = "; ".join(f"{'.'.join(map(str, e['loc'])) or 'line'}: {e['msg']}" for e in error.errors())
            raise CardError(
                f"{name}, line {number} is no label ({said}): mend the line, or delete it if it was cut off"
            ) from None
        first, known = found.setdefault(label.key, (number, label))
        if known != label:
            raise CardError(
                f"{name}: by lines {first} and {number} {label.labeller} said two things of document"
                f" {label.doc_id}: delete one"
            )
    return [label for _, (_, label) in sorted(found.items())]


def put_label(lake: Lake, label: Label) -> None:
    """Write a label into the dump's file, in place of what this person said of the document before."""

    def change(labels: dict[tuple[str, str], Label]) -> None:
        labels[label.key] = label

    _change(lake, label.dump, change)


def withdraw_label(lake: Lake, dump: str, doc_id: str, labeller: str) -> None:
    """Take out what a person said of a document; nothing happens where there is no such label."""

    def change(labels: dict[tuple[str, str], Label]) -> None:
        labels.pop((doc_id, labeller), None)

    _change(lake, dump, change)


def _change(lake: Lake, dump: str, change: Callable[[dict[tuple[str, str], Label]], None]) -> None:
    with _locked(lake, dump):
        labels = {label.key: label for label in read_labels(lake, dump)}
        before = dict(labels)
        change(labels)
        if labels != before:
            rows = (json.dumps(labels[key].parameters(), ensure_ascii=False) for key in sorted(labels))
            lake.write_bytes(labels_path(dump), "".join(f"{row}\n" for row in rows).encode())


@contextlib.contextmanager
def _locked(lake: Lake, dump: str) -> Iterator[None]:
    """A block in which no other process or thread changes the labels of the dump."""
    if lake.is_s3:
        raise LakeError(
            f"labels are written under a lock, and {lake.root} has none: label the dump in a lake that is a"
            f" folder, and copy {labels_path(dump)} from there"
        )
    folder = Path(lake.root, FOLDER)
    make_folder(folder)
    descriptor = os.open(folder / f".{dump}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)

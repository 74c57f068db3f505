"""What stands in many independent documents is no leak; what is an item's own is one."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pyarrow as pa
import pytest

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.common_text import CommonText
from pipelines.contamination.contamination import SCHEMA, contamination_stage
from pipelines.engine import InProcess
from pipelines.lake import Lake
from pipelines.release.validation_sets import validation_sets_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from tests.support.assembled import hit
from tests.support.release_samples import make_duplicates, make_release

QUOTATION = (
    "It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of "
    "foolishness, it was the epoch of belief, it was the epoch of incredulity, it was the season of light"
)
QUESTION = (
    "Which attitude towards the French Revolution does the author of this passage express most clearly "
    "in these lines about his own century?"
)
NUMBERED = (
    "A shop sells 25 footballs on the first day and 13 more than that on the second day of its sale. How "
    "many footballs does the shop sell on both days together?"
)
POLICY = ContaminationPolicy(common_groups=4)


def words(rng: random.Random, count: int) -> str:
    return " ".join(f"w{rng.randrange(5000)}" for _ in range(count))


def leaks(lake: Lake, folder: Path, texts: list[str], hosts: list[str] | None = None) -> list[bool | None]:
    """Of each text whether it holds a leak; None where nothing was found."""
    folder.mkdir()
    questions = (f"{QUOTATION}\n{QUESTION}", NUMBERED)
    lines = "\n".join(json.dumps({"question": question}) for question in questions)
    (folder / "test.jsonl").write_text(lines)
    rows = [{"text": text} | ({"host": hosts[k]} if hosts else {}) for k, text in enumerate(texts)]
    release = make_release(lake, {"a": rows}, contamination=POLICY)
    validation = build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake))).dataset
    found = build(lake, InProcess(), contamination_stage(release, validation, [folder])).dataset
    table, common = found.read(), CommonText.of(found, POLICY)
    told = dict(zip(table["doc_id"].to_pylist(), common.leaks(table).tolist(), strict=True))
    return [told.get(document_id("a", "f", k)) for k in range(len(texts))]


def test_a_famous_quotation_is_no_leak_and_its_question_is_one(lake: Lake, tmp_path: Path) -> None:
    rng = random.Random(1)
    quoting = [f"{words(rng, 60)} {QUOTATION} {words(rng, 60)}" for _ in range(5)]
    leaked = f"{words(rng, 60)} {QUOTATION} {QUESTION}"
    asked = f"{words(rng, 60)} {QUOTATION} {QUESTION[:80]} {words(rng, 20)}"
    found = leaks(lake, tmp_path / "quiz", [*quoting, leaked, asked, words(rng, 60)])
    assert found == [False] * 5 + [True, True, None]


def test_a_quotation_in_few_documents_or_of_few_hosts_is_a_leak(lake: Lake, tmp_path: Path) -> None:
    rng = random.Random(2)
    quoting = [f"{words(rng, 60)} {QUOTATION} {words(rng, 60)}" for _ in range(6)]
    assert leaks(lake, tmp_path / "few", quoting[:3]) == [True] * 3
    hosts = ["one.example"] * 4 + ["two.example", "three.example"]
    assert leaks(lake, tmp_path / "hosts", quoting, hosts) == [True] * 6


def test_an_item_that_many_copy_whole_is_a_leak(lake: Lake, tmp_path: Path) -> None:
    rng = random.Random(3)
    copies = [f"{words(rng, 60)} {QUOTATION} {QUESTION} {words(rng, 60)}" for _ in range(6)]
    assert leaks(lake, tmp_path / "quiz", copies) == [True] * 6
    variants = [f"{words(rng, 60)} {NUMBERED.replace('25', str(30 + k))}" for k in range(6)]
    assert leaks(lake, tmp_path / "numbers", variants) == [True] * 6


@pytest.mark.parametrize("kind", ["validation", "benchmark"])
def test_what_has_no_ngrams_is_a_leak(kind: str) -> None:
    rows = [hit(document_id("a", "f", k), kind=kind, group=f"g{k}") for k in range(9)]
    table = pa.Table.from_pylist(rows, SCHEMA)
    assert CommonText.counted(table, POLICY).leaks(table).all()


def test_nothing_found_is_nothing_common() -> None:
    common = CommonText.counted(SCHEMA.empty_table(), POLICY)
    assert not len(common.grams) and not len(common.leaks(SCHEMA.empty_table()))

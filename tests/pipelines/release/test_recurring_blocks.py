from __future__ import annotations

from pathlib import Path

from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from pipelines.release.recurring_blocks import frozen_blocks_stage, recurring_blocks_stage
from pipelines.tables.inputs import frozen
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from tests.support.release_samples import make_duplicates, make_release

FOOTER = "Copyright {} by the people of this site"


def rows(count: int, host: str = "") -> list[dict[str, object]]:
    made = [
        {"text": f"Own words of page {chr(97 + k) * 5}\n{FOOTER.format(1990 + k)}\n{FOOTER.format(k)}"}
        for k in range(count)
    ]
    return [row | ({"host": host} if host else {}) for row in made]


def test_counts_once_per_document_and_host(lake: Lake) -> None:
    dumps = {"a": rows(3, "one.example"), "b": rows(2)}
    release = make_release(lake, dumps, recurrence=RecurrencePolicy(min_documents=5))
    built = build(lake, InProcess(), recurring_blocks_stage(release, make_duplicates(lake)))
    # digits count as 0 and the footer stands twice on a page: five documents, not ten
    assert [(r["documents"], r["hosts"]) for r in built.dataset.read().to_pylist()] == [(5, 3)]
    assert built.dataset.stats == {"recurring": 1, "occurrences": 5}


def test_duplicates_and_rejected_documents_do_not_count(lake: Lake) -> None:
    made = rows(4)
    made[0]["reasons"] = ["gopher/words"]
    release = make_release(lake, {"a": made}, recurrence=RecurrencePolicy(min_documents=2))
    duplicates = make_duplicates(lake, (document_id("a", "f", 1), document_id("a", "f", 2)))
    found = build(lake, InProcess(), recurring_blocks_stage(release, duplicates)).dataset.read().to_pylist()
    assert [r["documents"] for r in found] == [2]


def test_thresholds_and_recompute(lake: Lake) -> None:
    dumps = {"a": rows(4, "one.example")}
    release, duplicates = make_release(lake, dumps, recurrence=RecurrencePolicy()), make_duplicates(lake)
    assert build(lake, InProcess(), recurring_blocks_stage(release, duplicates)).dataset.manifest.rows == 0
    two_hosts = make_release(lake, dumps, recurrence=RecurrencePolicy(min_documents=2, min_hosts=2))
    first = build(lake, InProcess(), recurring_blocks_stage(two_hosts, duplicates))
    assert first.fresh and first.dataset.manifest.rows == 0
    assert not build(lake, InProcess(), recurring_blocks_stage(two_hosts, duplicates)).fresh


def test_spark_counts_the_same(tmp_path: Path, spark: Spark) -> None:
    found = []
    for name, engine in (("a", InProcess()), ("b", spark)):
        lake = Lake(tmp_path / name)
        dumps = {"a": rows(4), "b": rows(5, "one.example")}
        release = make_release(lake, dumps, recurrence=RecurrencePolicy(min_documents=2, min_hosts=2))
        found.append(build(lake, engine, recurring_blocks_stage(release, make_duplicates(lake))))
    assert found[0].dataset.manifest.rows > 0
    assert found[0].dataset.content_hash == found[1].dataset.content_hash


def test_what_the_card_takes_out_does_not_count(lake: Lake) -> None:
    policy, gone = RecurrencePolicy(min_documents=2), ("https://h0.example/a/0",)
    release = make_release(lake, {"a": rows(3)}, tombstones=gone, recurrence=policy)
    found = build(lake, InProcess(), recurring_blocks_stage(release, make_duplicates(lake))).dataset.read()
    assert found["documents"].to_pylist() == [2]


def test_a_frozen_list_of_blocks_is_taken_over(lake: Lake) -> None:
    policy = RecurrencePolicy(min_documents=2)
    first = build(
        lake,
        InProcess(),
        recurring_blocks_stage(make_release(lake, {"a": rows(3)}, recurrence=policy), make_duplicates(lake)),
    ).dataset
    later = make_release(lake, {"b": rows(9)}, name="later", blocks=f"r@{first.content_hash}")
    built = build(
        lake, InProcess(), frozen_blocks_stage(later, frozen(lake, "recurring_blocks", later.card.blocks))
    ).dataset
    assert built.manifest.partition == "later" and built.read().equals(first.read())

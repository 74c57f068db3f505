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


ANY_HOST = {"min_hosts": 1, "host_documents": 1}


def rows(count: int, host: str = "") -> list[dict[str, object]]:
    made = [
        {"text": f"Own words of page {chr(97 + k) * 5}\n{FOOTER.format(1990)}\n{FOOTER.format(1990)}"}
        for k in range(count)
    ]
    return [row | ({"host": host} if host else {}) for row in made]


def test_counts_once_per_document_and_host(lake: Lake) -> None:
    dumps = {"a": rows(3, "one.example"), "b": rows(2)}
    release = make_release(lake, dumps, recurrence=RecurrencePolicy(min_documents=5, **ANY_HOST))
    built = build(lake, InProcess(), recurring_blocks_stage(release, make_duplicates(lake)))
    # the footer stands twice on a page: five documents, not ten
    assert [(r["documents"], r["hosts"]) for r in built.dataset.read().to_pylist()] == [(5, 3)]
    assert built.dataset.stats == {"recurring": 1, "occurrences": 5}


def test_duplicates_and_rejected_documents_do_not_count(lake: Lake) -> None:
    made = rows(4)
    made[0]["reasons"] = ["gopher/words"]
    release = make_release(lake, {"a": made}, recurrence=RecurrencePolicy(min_documents=2, **ANY_HOST))
    duplicates = make_duplicates(lake, (document_id("a", "f", 1), document_id("a", "f", 2)))
    found = build(lake, InProcess(), recurring_blocks_stage(release, duplicates)).dataset.read().to_pylist()
    assert [r["documents"] for r in found] == [2]


def test_thresholds_and_recompute(lake: Lake) -> None:
    dumps = {"a": rows(4, "one.example")}
    release, duplicates = make_release(lake, dumps, recurrence=RecurrencePolicy()), make_duplicates(lake)
    assert build(lake, InProcess(), recurring_blocks_stage(release, duplicates)).dataset.manifest.rows == 0
    two_hosts = make_release(lake, dumps, recurrence=RecurrencePolicy(min_documents=2, host_documents=1))
    first = build(lake, InProcess(), recurring_blocks_stage(two_hosts, duplicates))
    assert first.fresh and first.dataset.manifest.rows == 0
    assert not build(lake, InProcess(), recurring_blocks_stage(two_hosts, duplicates)).fresh


def test_spark_counts_the_same(tmp_path: Path, spark: Spark) -> None:
    found = []
    for name, engine in (("a", InProcess()), ("b", spark)):
        lake = Lake(tmp_path / name)
        small = [site(f"h{k}.example", [["A menu.", "A step."], ["A menu."]]) for k in range(3)]
        dumps = {
            "a": rows(4) + [row for rows_of_host in small for row in rows_of_host],
            "b": rows(5, "one.example") + site("two.example", [["Read more of us."]] * 7),
        }
        limits = RecurrencePolicy(min_documents=2, host_documents=1, min_hosts=3, wide_hosts=2)
        release = make_release(lake, dumps, recurrence=limits)
        found.append(build(lake, engine, recurring_blocks_stage(release, make_duplicates(lake))))
    assert found[0].dataset.manifest.rows > 0
    assert found[0].dataset.content_hash == found[1].dataset.content_hash


def test_what_the_card_takes_out_does_not_count(lake: Lake) -> None:
    policy, gone = RecurrencePolicy(min_documents=2, **ANY_HOST), ("https://h0.example/a/0",)
    release = make_release(lake, {"a": rows(3)}, tombstones=gone, recurrence=policy)
    found = build(lake, InProcess(), recurring_blocks_stage(release, make_duplicates(lake))).dataset.read()
    assert found["documents"].to_pylist() == [2]


def test_a_frozen_list_of_blocks_is_taken_over(lake: Lake) -> None:
    policy = RecurrencePolicy(min_documents=2, **ANY_HOST)
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


def site(host: str, lines: list[list[str]]) -> list[dict[str, object]]:
    """Pages of a host, each with words of its own and these lines."""
    return [
        {"text": "\n".join([f"Own words of {host} {chr(97 + k) * 5}", *own]), "host": host}
        for k, own in enumerate(lines)
    ]


def found_hosts(lake: Lake, policy: RecurrencePolicy, *sites: list[dict[str, object]]) -> list[int]:
    """Hosts of each block that recurs."""
    release = make_release(lake, {"a": [row for rows in sites for row in rows]}, recurrence=policy)
    found = build(lake, InProcess(), recurring_blocks_stage(release, make_duplicates(lake))).dataset.read()
    return found["hosts"].to_pylist()


def test_a_line_of_few_pages_of_each_host_is_no_template(lake: Lake) -> None:
    step, menu = "Heat the oil in a pan.", "Read more of our recipes."
    pages = [[menu, step] if k < 6 else [menu] for k in range(14)]
    sites = [site(host, pages) for host in ("a.example", "b.example")]
    assert found_hosts(lake, RecurrencePolicy(), *sites) == [2]  # the menu
    assert found_hosts(lake, RecurrencePolicy(share_of_documents=0.4), *sites) == [2, 2]


def test_a_template_of_one_host_counts_where_the_card_says_so(lake: Lake) -> None:
    pages = site("a.example", [["Read more of our recipes."]] * 12)
    assert found_hosts(lake, RecurrencePolicy(), pages) == []
    assert found_hosts(lake, RecurrencePolicy(min_hosts=1), pages) == [1]


def test_what_most_hosts_hold_on_few_pages_is_no_template(lake: Lake) -> None:
    step = "Heat the oil in a pan."
    two = [site(f"{k}.example", [[step]] * 6) for k in "ab"]
    three = [site(f"{k}.example", [[step]] + [[]] * 9) for k in "cde"]
    assert found_hosts(lake, RecurrencePolicy(), *two, *three) == []
    assert found_hosts(lake, RecurrencePolicy(), *two, *three[:2]) == [4]


def test_what_a_share_of_all_hosts_hold_is_a_template(lake: Lake) -> None:
    sites = [site(f"h{k}.example", [["All rights reserved by us."]]) for k in range(12)]
    others = [site(f"o{k}.example", [[]]) for k in range(12)]
    assert found_hosts(lake, RecurrencePolicy(wide_hosts=12), *sites, *others) == [12]
    assert found_hosts(lake, RecurrencePolicy(wide_hosts=12, wide_share=0.6), *sites, *others) == []
    assert found_hosts(lake, RecurrencePolicy(), *sites, *others) == []


def test_a_line_of_many_small_hosts_is_a_template_where_their_other_pages_hold_it_too(lake: Lake) -> None:
    step, menu = "Preheat the oven to 350 degrees F.", "Your email address will not be published."
    sites = [site(f"h{k}.example", [[menu, step] if k % 2 else [menu], [menu], [menu]]) for k in range(50)]
    assert found_hosts(lake, RecurrencePolicy(), *sites) == [50]  # the step stands on one page of 25 hosts
    alone = [site(f"s{k}.example", [[step]]) for k in range(25)]
    others = [site(f"o{k}.example", [[]]) for k in range(26)]
    assert found_hosts(lake, RecurrencePolicy(), *alone, *others) == []  # one page of a host tells nothing
    assert found_hosts(lake, RecurrencePolicy(), *alone, *others[:20]) == [25]  # half of all hosts

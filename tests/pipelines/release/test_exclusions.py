"""The documents that leave a release after the first election, with every reason."""

from __future__ import annotations

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.lake import Lake
from pipelines.tables.schemas import document_id
from tests.support.assembled import FOOTER, animals, assemble, hit
from tests.support.release_samples import make_release, prose

IDS = [document_id("a", "f", k) for k in range(8)]


def excluded(lake: Lake) -> dict[bytes, list[str]]:
    """Reasons by document, as the table of release `r` has them."""
    return {row["doc_id"]: row["reasons"] for row in lake.current("exclusions", "r").read().to_pylist()}


def test_every_cause_is_named_once_and_what_stays_is_not_there(lake: Lake) -> None:
    rows = [{"text": f"{prose(a)}\n{FOOTER}"} for a in ("cat", "dog")] + [{"text": f"Short.\n{FOOTER}"}]
    rows += [{"text": prose("owl")}]
    leaked = [hit(IDS[0]), hit(IDS[0], item="j"), hit(IDS[0], kind="leakage"), hit(IDS[2], kind="leakage")]
    assemble(lake, make_release(lake, {"a": rows}), *leaked)
    assert excluded(lake) == {
        IDS[0]: ["contamination/benchmark", "contamination/leakage"],
        IDS[2]: ["contamination/leakage", "recurrence/rules/num_chars", "recurrence/loss"],
    }
    assert lake.current("exclusions", "r").stats == {"excluded": 2}


def test_what_is_only_marked_stays(lake: Lake) -> None:
    release = make_release(lake, {"a": animals({}, {})}, contamination=ContaminationPolicy(benchmark="mark"))
    assemble(lake, release, hit(IDS[0]), hit(IDS[1], kind="validation"))
    assert excluded(lake) == {IDS[1]: ["contamination/validation"]}


def test_held_out_documents_beyond_the_cards_number_leave(lake: Lake) -> None:
    rows = animals(*[{"side": "validation"}] * 4, {})
    built = assemble(lake, make_release(lake, {"a": rows}, validation_documents=3))
    chosen = set(built["validation"].dataset.read(["doc_id"])["doc_id"].to_pylist())
    assert len(chosen) == 3
    assert excluded(lake) == {d: ["release/held_out"] for d in set(IDS[:4]) - chosen}


def test_common_text_leaves_no_document_out_and_cuts_none(lake: Lake) -> None:
    policy = ContaminationPolicy(common_groups=3)
    quoted = [
        hit(IDS[k], group=f"g{k}", grams=list(range(9)), num_grams=40, form="n-grams") for k in range(3)
    ]
    in_long = hit(IDS[3], group="g3", grams=list(range(9)), num_grams=40, form="n-grams", in_long=True)
    leaked = hit(IDS[4], group="g4", grams=list(range(20)), num_grams=40, form="n-grams")
    release = make_release(lake, {"a": animals({}, {}, {}, {}, {})}, contamination=policy)
    assemble(lake, release, *quoted, in_long, leaked)
    assert excluded(lake) == {IDS[4]: ["contamination/benchmark"]}
    assert lake.current("cuts", "r").stats["touched"] == 0

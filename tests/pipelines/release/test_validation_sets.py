"""Validation sets: at most so many of a domain, frozen sets, tombstones."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from pipelines.release.validation_sets import DOMAINS, domain_of, validation_sets_stage
from pipelines.tables.schemas import document_id
from pipelines.tables.stage import build
from tests.support.assembled import animals, assemble, reasons, texts
from tests.support.release_samples import make_duplicates, make_release, prose


@pytest.mark.parametrize(
    ("language", "category", "corpus", "named", "domain"),
    [
        ("zh", "webpages", "main", "", "web-zh"),
        ("zh", "miscellany", "main", "", "web-zh"),
        ("zh", "miscellany", "main", "law", "law"),
        ("en", "books", "main", "", "books"),
        ("zh", "parallel", "main", "", "parallel"),
        ("en", "code", "main", "", "code"),
        ("en", "webpages", "stem", "law", "stem"),
    ],
)
def test_a_document_is_in_the_domain_of_its_card_its_category_or_the_web(
    language: str, category: str, corpus: str, named: str, domain: str
) -> None:
    assert domain_of(language, category, corpus, named) == domain
    assert named or domain in DOMAINS


def test_the_domain_that_a_card_names_has_a_set_and_a_limit_of_its_own(lake: Lake) -> None:
    release = make_release(
        lake, {"a": animals(*[{"side": "validation"}] * 4), "b": []}, validation_documents=2
    )
    card = release.dumps["a"].card.model_copy(update={"domain": "law"})
    named = replace(release, dumps=release.dumps | {"a": replace(release.dumps["a"], card=card)})
    built = assemble(lake, named)["validation"].dataset
    assert {row["domain"] for row in built.read(["domain"]).to_pylist()} == {"law"}
    assert list(built.stats["limits"]) == ["law"] and built.manifest.rows == 2
    assert all(part.path.startswith("domain=law/") for part in built.parts)


@pytest.mark.parametrize("name", ["Law", "law/zh", "../x", "1", "a b", "x" * 41])
def test_a_domain_that_is_no_plain_name_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="a letter first"):
        DumpCard(name="d", kind="jsonl", uris=("x",), domain=name)


def test_a_domain_has_at_most_the_cards_validation_documents(lake: Lake, spark: Spark) -> None:
    rows = animals(
        *[{"side": "validation"}] * 5,
        {"side": "validation", "language": "zh"},
        {},
        {"side": "validation", "reasons": ["c4/x"]},
    )
    rows.append({"text": prose("cat"), "side": "validation"})  # a duplicate takes no place
    more = animals(*[{"side": "validation", "text": prose(f"more {k}")} for k in range(3)])
    found = []
    for engine, most in ((InProcess(), 3), (spark, 3), (InProcess(), 8)):
        release = make_release(lake, {"a": rows, "b": more}, name=f"r{len(found)}", validation_documents=most)
        built = assemble(lake, release, engine=engine)
        chosen = set(built["validation"].dataset.read(["doc_id"])["doc_id"].to_pylist())
        found.append(
            (
                chosen,
                {d for d, why in reasons(built).items() if "release/held_out" in why},
                texts(built["main"]),
            )
        )
        assert built["validation"].dataset.stats.get("limits", {}).keys() == (
            {"web-en"} if most == 3 else set()
        )
    twins = [document_id("a", "f", 0), document_id("a", "f", 8)]
    english = sorted(
        {
            min(twins),
            *(document_id("a", "f", k) for k in range(1, 5)),
            *(document_id("b", "f", k) for k in range(3)),
        }
    )
    chinese = document_id("a", "f", 5)
    assert (
        found[0]
        == found[1]
        == ({*english[:3], chinese}, {d for d in (*english, max(twins)) if d > english[2]}, {prose("pig")})
    )
    assert found[2] == ({*english, chinese}, set(), {prose("pig")})


def test_frozen_validation_sets_are_taken_over_but_for_tombstones(lake: Lake) -> None:
    rows = animals({"side": "validation"}, {"side": "validation"}, {})
    first = assemble(lake, make_release(lake, {"a": rows}))
    new = [{"text": prose("fox"), "side": "validation"}, {"text": prose("fox") + " Yes, it is one of them."}]
    buried = "https://h0.example/a/0"
    later = make_release(
        lake,
        {"a": rows, "b": new},
        name="later",
        validation=f"r@{first['validation'].dataset.content_hash}",
        tombstones=(buried,),
    )
    built = assemble(lake, later)
    assert texts(built["validation"]) == {prose("dog")}
    # held out, but in no set: it is in no place, and does not keep its duplicate out either
    assert reasons(built)[document_id("b", "f", 0)] == ["release/held_out"]
    assert prose("fox") + " Yes, it is one of them." in texts(built["main"])


def test_tombstones_hold_on_the_validation_side(lake: Lake) -> None:
    rows = [{"text": prose(a), "side": "validation", "url": f"https://{a}.example/"} for a in ("cat", "dog")]
    release = make_release(lake, {"a": rows}, tombstones=("https://cat.example/",))
    assert texts(build(lake, InProcess(), validation_sets_stage(release, make_duplicates(lake)))) == {
        prose("dog")
    }

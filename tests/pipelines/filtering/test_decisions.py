from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
import pytest
import yaml

from pipelines.catalogue.stages import stage_of
from pipelines.engine import InProcess
from pipelines.filtering.decisions import decisions_stage
from pipelines.filtering.policy import Policy, policy_path
from pipelines.lake import Lake, LakeError, Writer
from pipelines.quality.scores import SCORES
from pipelines.tables.inputs import DumpTables
from pipelines.tables.schemas import DECISIONS
from pipelines.tables.stage import build
from tests.support.dumps import build_signals
from tests.support.labels import write_classifier
from tests.support.pages import make_dump
from tests.support.topics import topic_texts
from tests.support.unwanted_pages import (
    UNWANTED,
    WANTED,
    board,
    promotion,
    zh_board,
    zh_supplier,
    zh_teasers,
)

ENGLISH = (
    "The committee of the city met on Monday to talk about a new bridge over the river, and many people"
    " came to listen.\n"
    "Engineers said that the old bridge would have to be closed for two years while workers replace its"
    " rusty pillars.\n"
    "Shop owners fear losing customers, but most of them agree with the plan because heavy trucks shake"
    " their windows daily."
)
CHINESE = (
    "市政府周一开会讨论在河上修建一座新桥，许多市民到场旁听。工程师说，旧桥必须关闭两年，以便更换生锈的桥墩。\n"
    "附近的商店老板担心失去顾客，但大多数人同意这个计划，因为重型卡车每天都会震动他们的窗户。"
)
GERMAN = (
    "Der Ausschuss der Stadt traf sich am Montag, um über eine neue Brücke über den Fluss zu sprechen, und"
    " viele Leute kamen. " * 4
)


def with_tables(
    lake: Lake,
    engine: InProcess,
    name: str,
    texts: list[str],
    score: dict[str, Any] | list[dict[str, Any]] | None = None,
    **card: Any,
) -> tuple[Any, ...]:
    dump = make_dump(lake, engine, name, [texts], **card)
    signals = {g: b.dataset for g, b in build_signals(lake, engine, dump.documents, dump.edits).items()}
    ids = dump.documents.read(["doc_id"])["doc_id"].to_pylist()
    given = score if isinstance(score, list) else [score or {}] * len(ids)
    rows = [{"doc_id": i} | mine for i, mine in zip(ids, given, strict=True)]

    def write(writer: Writer) -> None:
        writer.write_table("part-00000.parquet", pa.Table.from_pylist(rows, SCORES))

    kinds = {"webpages": {"p30": 100.0, "p98": 200.0}, "books": {"p30": 100.0, "p98": 400.0}}
    cutoffs = {"perplexity_cutoffs": {"en": kinds}}
    return dump, signals, lake.publish("scores", name, version=1, parameters=cutoffs, write=write).dataset


def decide(
    lake: Lake, engine: InProcess, tables: tuple[Any, ...], policy: Policy | None = None
) -> list[dict[str, Any]]:
    dump: DumpTables = tables[0]
    policy = policy or Policy.load(policy_path("default"))
    table = build(lake, engine, decisions_stage(dump.documents, tables[1], tables[2], policy)).dataset.read()
    assert table.schema == DECISIONS
    return table.to_pylist()


def test_default_policy_keeps_prose_and_names_every_reason(lake: Lake, engine: InProcess) -> None:
    menu = "Home\nAbout\nContact\nHome\nAbout\nContact\nLogin"
    rows = decide(lake, engine, with_tables(lake, engine, "d", [ENGLISH, CHINESE, menu, GERMAN]))
    assert [r["keep"] for r in rows] == [True, True, False, False]
    assert rows[0]["reasons"] == [] and [r["language"] for r in rows[:2]] == ["en", "zh"]
    assert rows[1]["num_chars"] == len(CHINESE)
    assert rows[3]["reasons"] == ["language/unwanted"]
    if rows[2]["language"] == "en":
        assert {"rules/num_words", "rules/stop_words"} <= set(rows[2]["reasons"])


def test_a_bound_is_silent_below_its_least_and_a_set_judges_where_its_numbers_hold(
    lake: Lake, engine: InProcess
) -> None:
    lines = "The end of the day was near and we went to the house"
    short, long = (f"{lines}\n" * n for n in (4, 9))
    code = "Here is what the loop does.\n```\n" + "total += 1\n" * 80 + "```"
    data = {
        "name": "p",
        "stem_exercise": {"min": 0.9, "source": "test"},
        "sets": [
            {
                "name": "code",
                "categories": ["*"],
                "languages": ["en"],
                "when": {"rules/code": {"min": 0.5, "source": "test"}},
                "bounds": {"rules/num_chars": {"max": 100, "source": "test"}},
            },
            {
                "name": "prose",
                "categories": ["*"],
                "languages": ["en"],
                "bounds": {
                    "rules/terminal_lines": {"min": 0.1, "source": "test", "least": {"rules/num_lines": 8}}
                },
            },
        ],
    }
    tables = with_tables(lake, engine, "d", [short, long, code])
    rows = decide(lake, engine, tables, Policy.model_validate(data))
    assert [r["reasons"] for r in rows] == [[], ["rules/terminal_lines"], ["rules/num_chars"]]


def test_other_languages_pass_as_encyclopedia_only(lake: Lake, engine: InProcess) -> None:
    german = (
        GERMAN.split(". ")[0]
        + ". Die Ingenieure sagten, dass die alte Brücke zwei Jahre lang geschlossen bleibt. "
        + GERMAN[:250]
    )
    rows = decide(lake, engine, with_tables(lake, engine, "wiki", [german], category="encyclopedia"))
    assert rows[0]["language"] == "de" and rows[0]["keep"]


def test_code_has_its_own_rules(lake: Lake, engine: InProcess) -> None:
    code = "def add(first, second):\n    return first + second\n\n\n" * 4
    rows = decide(lake, engine, with_tables(lake, engine, "code", [code, "x" * 3000], category="code"))
    assert rows[0]["keep"] and rows[0]["language"] == "code"
    assert rows[1]["reasons"] == ["rules/max_line_length", "rules/mean_line_length", "code/unknown"]


def test_scores_choose_corpus_and_quality(lake: Lake, engine: InProcess) -> None:
    found = {
        name: decide(lake, engine, with_tables(lake, engine, name, [ENGLISH], score, **card))[0]
        for name, score, card in (
            ("head", {"perplexity": 50.0, "stem_exercise": 0.95}, {}),
            ("tail", {"perplexity": 300.0}, {}),
            ("book", {"perplexity": 300.0}, {"category": "books"}),
            ("paper", {"perplexity": 300.0}, {"category": "academic"}),
            ("none", None, {}),
        )
    }
    assert {n: r["quality"] for n, r in found.items()} == {
        "head": "head",
        "tail": "tail",
        "book": "middle",  # a document is judged against its kind
        "paper": "",  # there is no cutoff of papers
        "none": "",
    }
    assert found["head"]["corpus"] == "stem" and found["none"]["corpus"] == "main"
    assert all(r["keep"] for r in found.values())  # the tail falls where a policy and the check say so


def _dropping_the_tail() -> Policy:
    data = yaml.safe_load(policy_path("default").read_text())
    next(s for s in data["sets"] if s["name"] == "english")["drop_quality"] = ["tail"]
    return Policy.model_validate(data)


def test_a_tail_falls_only_where_other_rules_reject_more_of_it_than_of_the_rest(
    lake: Lake, engine: InProcess
) -> None:
    good, bad = ENGLISH, "Home About Contact " * 3
    policy = _dropping_the_tail()
    texts = [good] * 80 + [bad] * 40
    worse = [{"perplexity": 90.0}] * 79 + [{"perplexity": 300.0}] * 41  # one good page and all bad ones
    tables = with_tables(lake, engine, "worse", texts, worse)
    rows = decide(lake, engine, tables, policy)
    assert rows[79]["reasons"] == ["quality/tail"] and sum(r["keep"] for r in rows) == 79
    stage = decisions_stage(tables[0].documents, tables[1], tables[2], policy)
    check = stage.parameters["perplexity_check"]["english"]
    assert check["holds"] and check["dropped"] == 41 and check["dropped_rejected"] > 0.9

    backwards = [{"perplexity": 300.0}] * 80 + [{"perplexity": 90.0}] * 40
    tables = with_tables(lake, engine, "backwards", texts, backwards)
    rows = decide(lake, engine, tables, policy)
    assert sum(r["keep"] for r in rows) == 80 and rows[0]["quality"] == "tail"
    stage = decisions_stage(tables[0].documents, tables[1], tables[2], policy)
    english = next(s for s in stage.parameters["policy"]["sets"] if s["name"] == "english")
    assert not english["drop_quality"], "the policy that decided is what the table names"
    assert not stage.parameters["perplexity_check"]["english"]["holds"]


def test_a_reference_score_bounds_and_a_missing_one_does_not(lake: Lake, engine: InProcess) -> None:
    scores = [{"reference": 0.01}, {"reference": 0.5}, {}]
    rows = decide(lake, engine, with_tables(lake, engine, "r", [ENGLISH] * 3, scores))
    assert [r["reasons"] for r in rows] == [["scores/reference"], [], []]


def test_a_threshold_change_reads_no_text(
    lake: Lake, engine: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    tables = with_tables(lake, engine, "d", [ENGLISH, CHINESE])
    decide(lake, engine, tables)
    read: list[tuple[str, tuple[str, ...]]] = []
    plain = Lake.read_parquet

    def spy(self: Lake, path: str, columns: Sequence[str] | None = None, *more: Any) -> pa.Table:
        read.append((path, tuple(columns or ("everything",))))
        return plain(self, path, columns, *more)

    monkeypatch.setattr(Lake, "read_parquet", spy)
    data = yaml.safe_load(policy_path("default").read_text())
    strict = next(s for s in data["sets"] if s["name"] == "english")
    strict["bounds"]["rules/num_words"]["min"] = 5000
    dump = tables[0]
    built = build(
        lake, engine, decisions_stage(dump.documents, tables[1], tables[2], Policy.model_validate(data))
    )
    assert built.fresh and built.dataset.stats["reasons"] == {"rules/num_words": 1}
    assert read and not any({"text", "title", "everything"} & set(columns) for _, columns in read)


def topics_policy(**bounds: Any) -> Policy:
    sets = [
        {
            "name": "all",
            "categories": ["*"],
            "languages": ["*"],
            "bounds": {key: bound | {"source": "test"} for key, bound in bounds.items()},
        }
    ]
    return Policy.model_validate({"name": "p", "stem_exercise": {"min": 0.9, "source": "test"}, "sets": sets})


def test_decisions_depend_on_a_classifier_that_the_policy_bounds_and_on_no_other(
    lake: Lake, engine: InProcess
) -> None:
    dump, signals, scores = with_tables(lake, engine, "d", [*topic_texts("web", 2), *topic_texts("stem", 2)])
    write_classifier(lake, "topics")
    for table, partition in (("classifier_models/topics", "all"), ("classifiers/topics", "d")):
        build(lake, engine, stage_of(lake, table, partition))
    made = {"topics": lake.current("classifiers/topics", "d")}
    bounded = topics_policy(**{"classifiers/topics/web": {"max": 0.5}})
    stage = decisions_stage(dump.documents, signals, scores, bounded, made)
    reasons = build(lake, engine, stage).dataset.read()["reasons"].to_pylist()
    assert reasons == [["classifiers/topics/web"]] * 2 + [[]] * 2
    assert stage.inputs["classifiers/topics"] is made["topics"]
    plain = decisions_stage(dump.documents, signals, scores, topics_policy(), made)
    assert not [name for name in plain.inputs if name.startswith("classifiers/")]
    with pytest.raises(LakeError, match="bounds classifiers/topics, and no such table is there"):
        decisions_stage(dump.documents, signals, scores, bounded)
    wrong = topics_policy(**{"classifiers/topics/grade": {"min": 1}})
    with pytest.raises(
        LakeError, match="classifiers/topics/grade, and classifiers/topics has score, reference"
    ):
        decisions_stage(dump.documents, signals, scores, wrong, made)


def test_a_classifier_that_no_card_has_is_refused_by_name(lake: Lake, engine: InProcess) -> None:
    with_tables(lake, engine, "d", [ENGLISH])
    policy = topics_policy(**{"classifiers/nobody/score": {"min": 1}})
    lake.write_bytes("cards/policy.yaml", yaml.safe_dump(policy.parameters()).encode())
    with pytest.raises(LakeError, match="bounds classifiers/nobody, and no classifier has that name"):
        stage_of(lake, "decisions", "d")


def test_pages_of_every_unwanted_kind_fall_and_good_pages_that_look_like_them_stay(
    lake: Lake, engine: InProcess
) -> None:
    for wanted, kinds in ((False, UNWANTED), (True, WANTED)):
        pages = [(page.__name__, page()) for made in kinds.values() for page in made]
        rows = decide(lake, engine, with_tables(lake, engine, f"d{wanted}", [text for _, text in pages]))
        found = {name: row["reasons"] for (name, _), row in zip(pages, rows, strict=True)}
        assert {name for name, against in found.items() if (not against) != wanted} == set(), found


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (promotion, "rules/offers"),
        (zh_supplier, "rules/offers"),
        (board, "rules/entry_lines"),
        (zh_board, "rules/entry_lines"),
        (zh_teasers, "rules/entry_lines"),
    ],
)
def test_kinds_that_are_told_by_one_number_alone(
    lake: Lake, engine: InProcess, page: Callable[[], str], reason: str
) -> None:
    (row,) = decide(lake, engine, with_tables(lake, engine, "d", [page()]))
    assert row["reasons"] == [reason]


def test_a_long_chapter_may_name_unwanted_trades_where_a_page_may_not(lake: Lake, engine: InProcess) -> None:
    example = "垃圾邮件里常见的词有赌博网站和裸聊，过滤器会数它们出现的次数。"
    chapter = "\n".join(
        f"第{k}节说的是第{k * 7}个例子，它和前面的{k * 3}个不同，"
        f"因为条件概率要在看到第{k * 11}封信以后才知道。"
        for k in range(1, 300)
    )
    texts = [f"{chapter}\n{example * 3}", f"{chapter[:300]}\n{example * 3}"]
    rows = decide(lake, engine, with_tables(lake, engine, "d", texts))
    assert [("safety/word_hits" in row["reasons"]) for row in rows] == [False, True]

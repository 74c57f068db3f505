from __future__ import annotations

from pipelines.lake import Lake
from pipelines.signals import language, safety
from pipelines.signals.stage import build_signals
from pipelines.spark import InProcess
from tests.pipelines.helpers import make_dump

ENGLISH = "The committee will have to decide on the budget of the city, and that is what people expect to be done with their money."
CHINESE = "委员会将对城市的预算作出决定，这也是人们对自己的钱的期望。今天的会议在北京举行，有很多人参加了讨论。"
TRADITIONAL = "委員會將對城市的預算作出決定，這也是人們對自己的錢的期望。今天的會議在臺北舉行，有很多人參加了討論。"


def test_languages_and_scripts() -> None:
    rows = language.measure([ENGLISH, CHINESE, TRADITIONAL, "", "12 34 -- 5"]).to_pylist()
    assert [r["language"] for r in rows] == ["en", "zh", "zh", "", ""]
    assert rows[0]["traditional"] is None
    assert rows[1]["traditional"] < 0.1 and rows[2]["traditional"] > 0.9
    assert all(0 <= r["score"] <= 1 for r in rows)


def test_safety_counts_words_not_parts_of_words() -> None:
    rows = safety.measure(
        ["Best casino and porn", "specialist escortship slots", "线上娱乐城，百家乐"],
        ["http://x.invalid/freespins/porn", "http://specialist.invalid/", None],
    ).to_pylist()
    assert [(r["word_hits"], r["url_hits"]) for r in rows] == [(2, 2), (0, 0), (2, 0)]


def test_groups_are_aligned_and_see_rendered_text(lake: Lake, engine: InProcess) -> None:
    tables = make_dump(lake, engine, "d", [[ENGLISH + " Mail a.very.long.address@example.com now.", CHINESE], [TRADITIONAL]])
    built = build_signals(lake, engine, tables.documents, tables.edits)
    assert list(built) == ["language", "rules", "safety"]
    for b in built.values():
        assert b.fresh and b.dataset.read(["doc_id"]).equals(tables.documents.read(["doc_id"]))
    rules = built["rules"].dataset.read().to_pylist()
    assert [r["unit"] for r in rules] == ["words", "characters", "characters"]
    assert rules[0]["num_chars"] == len(ENGLISH) + len(" Mail [EMAIL] now.")
    assert built["language"].dataset.stats["languages"] == {"en": 1, "zh": 2}
    assert not any(b.fresh for b in build_signals(lake, engine, tables.documents, tables.edits).values())

from __future__ import annotations

import io
import itertools
import json
from pathlib import Path

import zstandard

from pipelines.engine import InProcess, Spark
from pipelines.lake import Lake
from pipelines.signals import language, safety
from tests.support.dumps import build_signals
from tests.support.pages import make_dump

ENGLISH = (
    "The committee will have to decide on the budget of the city, and that is what people expect to be "
    "done with their money."
)
CHINESE = (
    "委员会将对城市的预算作出决定，这也是人们对自己的钱的期望。今天的会议在北京举行，有很多人参加了讨论。"
)
TRADITIONAL = (
    "委員會將對城市的預算作出決定，這也是人們對自己的錢的期望。今天的會議在臺北舉行，有很多人參加了討論。"
)


def test_languages_and_scripts() -> None:
    rows = language.measure_language([ENGLISH, CHINESE, TRADITIONAL, "", "12 34 -- 5"]).to_pylist()
    assert [r["language"] for r in rows] == ["en", "zh", "zh", "", ""]
    assert rows[0]["traditional"] is None
    assert rows[1]["traditional"] < 0.1 and rows[2]["traditional"] > 0.9
    assert all(0 <= r["score"] <= 1 for r in rows)


def test_safety_counts_words_not_parts_of_words() -> None:
    rows = safety.measure_safety(
        ["Best casino and porn", "specialist escortship slots", "线上娱乐城，百家乐"],
        ["http://x.invalid/freespins/porn", "http://specialist.invalid/", None],
    ).to_pylist()
    assert [(r["word_hits"], r["url_hits"]) for r in rows] == [(2, 2), (0, 0), (2, 0)]


def test_safety_finds_every_entry_and_no_innocent_text() -> None:
    entries = [w for words in (*safety.ENGLISH.values(), *safety.CHINESE.values()) for w in words]
    assert len(set(entries)) == len(entries)
    assert all(
        r["word_hits"] >= 1
        for r in safety.measure_safety([f"x {w} y" for w in entries], [None] * len(entries)).to_pylist()
    )
    innocent = [
        "人口爆炸与人口爆发式增长", "支援交通建设，增援交战部队", "出口爆满，出口交易",
        "其中出现的室内射击比赛",
        "specialists of the mountain call",
        "性教育课程讲避孕与艾滋病预防", "法院判决一起网络诈骗案",
        "She plays online with friends and got a free coupon",
    ]  # fmt: skip
    urls = [
        "http://x.invalid/specialist",
        "http://x.invalid/mountaincall",
        "http://x.invalid/protogel",
        *[None] * 5,
    ]
    assert [(r["word_hits"], r["url_hits"]) for r in safety.measure_safety(innocent, urls).to_pylist()] == [
        (0, 0)
    ] * len(innocent)


def test_groups_are_aligned_and_see_rendered_text(lake: Lake, engine: InProcess) -> None:
    tables = make_dump(
        lake, engine, "d", [[ENGLISH + " Mail a.very.long.address@example.com now.", CHINESE], [TRADITIONAL]]
    )
    built = build_signals(lake, engine, tables.documents, tables.edits)
    assert list(built) == ["language", "rules", "safety", "code"]
    for b in built.values():
        assert b.fresh and b.dataset.read(["doc_id"]).equals(tables.documents.read(["doc_id"]))
    rules = built["rules"].dataset.read().to_pylist()
    assert [r["unit"] for r in rules] == ["words", "characters", "characters"]
    assert rules[0]["num_chars"] == len(ENGLISH) + len(" Mail [EMAIL] now.")
    assert built["language"].dataset.stats["languages"] == {"en": 1, "zh": 2}
    assert not any(b.fresh for b in build_signals(lake, engine, tables.documents, tables.edits).values())


def test_traditional_and_simplified_are_told_apart_on_real_text(shared_data: Path) -> None:
    import opencc

    with open(shared_data / "corpus/encyclopedia/cmrc2018-wiki-zh.jsonl.zst", "rb") as file:
        lines = io.TextIOWrapper(zstandard.ZstdDecompressor().stream_reader(file), encoding="utf-8")
        texts = [json.loads(line)["text"] for line in itertools.islice(lines, 100)]
    simplified = language.measure_language(texts).to_pylist()
    traditional = language.measure_language([opencc.OpenCC("s2t").convert(t) for t in texts]).to_pylist()
    assert (
        sum(r["traditional"] < 0.1 for r in simplified) >= 95
        and sum(r["traditional"] > 0.9 for r in traditional) >= 98
    )
    assert sum(r["language"] == "zh" for r in traditional) >= 98


def test_width_variants_have_one_language() -> None:
    wide = CHINESE.replace("，", ",")
    assert language.measure_language([wide]).to_pylist() == language.measure_language([CHINESE]).to_pylist()


def test_spark_measures_as_this_process_does(
    lake: Lake, engine: InProcess, spark: Spark, tmp_path: Path
) -> None:
    parts = [[ENGLISH, CHINESE, "", ENGLISH * 40], [TRADITIONAL, "a\n\na\n\na"]]
    here = make_dump(lake, engine, "d", parts)
    other = Lake(tmp_path / "other")
    there = make_dump(other, engine, "d", parts)
    mine = build_signals(lake, engine, here.documents, here.edits)
    theirs = build_signals(other, spark, there.documents, there.edits)
    assert {g: b.dataset.content_hash for g, b in mine.items()} == {
        g: b.dataset.content_hash for g, b in theirs.items()
    }

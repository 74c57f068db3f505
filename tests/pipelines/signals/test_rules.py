from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from pipelines.signals.rules import SCHEMA, ends_sentence, measure, measure_one

TEXT_ZH = "他说：“今天很好。”\n中国人民的生活在改善，是的。\n（见第２章。）\n一共有12人参加会议，讨论了3个问题。"


def oracle(words: list[str], text: str) -> list[float]:
    """Gopher's repetition as datatrove computes it (its filters' code, over lists of words)."""
    out = []
    for n in (2, 3, 4):
        grams = [" ".join(words[i : i + n]) for i in range(len(words) - n + 1)]
        top = Counter(grams).most_common(1)
        out.append(len(top[0][0]) * top[0][1] / len(text) if top else 0.0)
    for n in range(5, 11):
        seen, i, chars = set(), 0, 0
        while i < len(words) - n + 1:
            gram = tuple(words[i : i + n])
            if gram in seen:
                chars += sum(map(len, gram))
                i += n
            else:
                seen.add(gram)
                i += 1
        out.append(chars / len(text))
    return out


def test_repetition_equals_the_oracle() -> None:
    rng = random.Random(3)
    names = [n for n in SCHEMA.names if n.endswith("_gram")]
    for _ in range(300):
        words = rng.choices(["a", "bb", "ccc", "the", "x1", "。"], k=rng.randint(1, 120))
        text = " ".join(words)
        row = measure_one(text, "words")
        for name, expected in zip(names, oracle(words, text), strict=True):
            assert row[name] == pytest.approx(min(expected, 1.0)), name


def test_english_counts_by_hand() -> None:
    row = measure_one("# The cat sat.\n- to be ...\n\nthe the cat sat\nthe the cat sat", "words")
    assert (row["num_tokens"], row["num_lines"], row["stop_words"]) == (16, 4, 3)
    assert row["hash_ratio"] == 1 / 16 and row["ellipsis_ratio"] == 1 / 16
    assert row["bullet_lines"] == 0.25 and row["ellipsis_lines"] == 0.25
    assert row["duplicate_lines"] == 0.25 and row["terminal_lines"] == 0.5
    assert row["alphabetic_tokens"] == 13 / 16


@pytest.mark.parametrize("line", ["他说：“好。”", "见上文（三）。", "“真的吗？”）", "结束。」", "好……", "行！』 "])
def test_closing_marks_after_a_full_stop_end_a_chinese_line(line: str) -> None:
    assert ends_sentence(line, "characters")


@pytest.mark.parametrize("line", ["首页", "联系我们（电话）", "“标题”", "", "”"])
def test_titles_end_no_sentence(line: str) -> None:
    assert not ends_sentence(line, "characters")


def test_shares_lie_in_the_unit_interval() -> None:
    rng = random.Random(5)
    shares = [n for n in SCHEMA.names if n.endswith(("_gram", "_lines", "_chars")) and n not in ("num_lines", "num_chars")]
    for _ in range(300):
        text = "".join(rng.choices(["哈", "哈哈", "的", "。", "\n", " ", "a", "ab1 ", "，", "１"], k=rng.randint(0, 60)))
        for unit in ("words", "characters"):
            row = measure_one(text, unit)
            for name in [*shares, "han", "digits", "unique_tokens", "alphanumeric"]:
                assert 0 <= row[name] <= 1, (name, text)


def test_width_and_punctuation_variants_measure_the_same() -> None:
    wide = TEXT_ZH.translate({**{c: c + 0xFEE0 for c in range(0x30, 0x3A)}, ord(","): "，"})
    narrow = TEXT_ZH.replace("，", ",").replace("：", ":").replace("（", "(").replace("）", ")").replace("２", "2")
    assert measure([wide], ["zh"]).to_pylist() == measure([narrow], ["zh"]).to_pylist() == measure([TEXT_ZH], ["zh"]).to_pylist()


def test_chinese_shares_have_no_phantom_spaces() -> None:
    # 10 characters, the 2-gram 中国 three times: 6 of 10.
    assert measure_one("中国中国中国甲乙丙丁", "characters")["top_2_gram"] == pytest.approx(0.6)
    assert measure_one("中国。中国，中国甲乙丙丁", "characters")["top_2_gram"] == pytest.approx(0.6)


def test_empty_text_has_a_row() -> None:
    rows = measure(["", "   \n"], ["en", "zh"]).to_pylist()
    assert all(r["num_tokens"] == 0 for r in rows)
    assert not any(re.search("nan|inf", str(v)) for r in rows for v in r.values())

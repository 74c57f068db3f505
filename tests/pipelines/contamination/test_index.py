"""Items are found in texts: long ones by their n-grams, short ones whole; other text is not."""

from __future__ import annotations

import pickle
import random

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.cards.contamination import ContaminationPolicy
from pipelines.contamination.benchmark_items import BenchmarkItem
from pipelines.contamination.index import Index
from pipelines.contamination.reference import PlainIndex

ENGLISH = (
    "Janet sells sixteen duck eggs every morning at the farmers market and keeps three for her own "
    "breakfast, how much does she earn?"
)
CHINESE = (
    "小明每天早上在農貿市場賣出十六個鴨蛋，自己留下三個當作早餐，其餘的全部賣給鄰居，請問他一天能賺多少錢？"
)
SIMPLIFIED = (
    "小明每天早上在农贸市场卖出十六个鸭蛋，自己留下三个当作早餐，其余的全部卖给邻居，请问他一天能赚多少钱？"
)
SHORT = "Which planet has the most moons? Mars Saturn Venus"  # nine words


def words(rng: random.Random, count: int) -> str:
    return " ".join(word(rng.randrange(5000)) for _ in range(count))


def word(number: int) -> str:
    """One token: a run of letters."""
    return "w" + "".join(chr(97 + int(digit)) for digit in str(number))


def index(*items: str, **policy: object) -> Index:
    return Index(
        [BenchmarkItem(str(k), "s", "benchmark", text) for k, text in enumerate(items)],
        ContaminationPolicy.model_validate(policy),
    )


def test_found_verbatim_in_a_long_page_with_byte_spans() -> None:
    rng = random.Random(1)
    page = f"{words(rng, 4000)} 中文。{ENGLISH} {words(rng, 4000)}"
    (match,) = index(ENGLISH, words(rng, 40)).find(page)
    assert page.encode()[match.start : match.end].decode() == ENGLISH.rstrip("?")


def test_width_case_and_script_do_not_matter() -> None:
    wide = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in ENGLISH.upper())
    assert [m.item.name for m in index(ENGLISH).find(f"x {wide} y")] == ["0"]
    pytest.importorskip("opencc")
    assert [m.item.name for m in index(CHINESE).find(f"題目。{SIMPLIFIED}完")] == ["0"]


def test_a_tenth_of_the_tokens_edited_is_still_found() -> None:
    rng = random.Random(2)
    items = [words(rng, rng.randrange(20, 60)) for _ in range(300)]
    lookup, found = index(*items), 0
    for k, item in enumerate(items):
        tokens = item.split()
        for place in rng.sample(range(len(tokens)), len(tokens) // 10):
            tokens[place] = "edited"
        found += str(k) in [
            m.item.name for m in lookup.find(f"{words(rng, 200)} {' '.join(tokens)} {words(rng, 200)}")
        ]
    assert found >= 0.95 * len(items)


def test_common_phrases_and_scattered_pieces_are_not_found() -> None:
    rng = random.Random(3)
    phrase = "which of the following statements about this passage is the most likely to be correct"
    items = [f"{phrase} {words(rng, 20)}" for _ in range(20)]
    assert index(*items).find(f"{words(rng, 50)} {phrase} {words(rng, 50)}") == []
    tokens = ENGLISH.split()
    pieces = [" ".join(tokens[k : k + 6]) for k in range(0, len(tokens) - 5, 6)]
    assert index(ENGLISH).find(" ".join(f"{piece} {words(rng, 400)}" for piece in pieces)) == []


def test_a_short_document_inside_a_long_item_is_found() -> None:
    long = words(random.Random(4), 2000)
    assert [m.item.name for m in index(long).find(" ".join(long.split()[700:760]))] == ["0"]
    assert index(long).find("nothing of it at all") == [] == index(long).find("")


def test_short_and_equal_items_and_pickling() -> None:
    lookup = index("too short", ENGLISH, ENGLISH.upper())
    assert (lookup.skipped, len(lookup.items)) == (1, 1)
    assert [m.item.name for m in pickle.loads(pickle.dumps(lookup)).find(ENGLISH)] == ["1"]


def names(found: Index, text: str) -> list[str]:
    return [m.item.name for m in found.find(text)]


def test_a_short_item_is_found_whole_and_only_whole() -> None:
    rng, lookup = random.Random(6), index(SHORT, ENGLISH)
    page = f"{words(rng, 50)} {SHORT.upper()} {words(rng, 50)}"
    (match,) = lookup.find(page)
    assert page.encode()[match.start : match.end].decode() == SHORT.upper()
    assert names(lookup, SHORT) == ["0"]
    assert names(lookup, f"x {SHORT.replace('planet', 'star')}") == []  # nine tokens: no edit is allowed
    assert names(lookup, "Which planet has the most moons? Saturn has, of course, not Mars, not Venus") == []


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(10, 13), st.sampled_from(["replace", "insert", "delete"]))
def test_a_short_item_with_one_edit_is_found_wherever_the_edit_is(seed: int, size: int, how: str) -> None:
    rng = random.Random(seed)
    tokens = [f"t{chr(97 + k)}x" for k in range(size)]
    lookup = index(" ".join(tokens), " ".join(f"o{t}" for t in tokens))
    place = rng.randrange(1, size - 1)
    tokens[place : place + (how != "insert")] = [] if how == "delete" else ["edited"]
    assert names(lookup, f"{words(rng, 20)} {' '.join(tokens)} {words(rng, 20)}") == ["0"]
    other = rng.choice([k for k in range(1, len(tokens) - 1) if abs(k - place) > 1])
    tokens[other] = "again"
    assert (
        names(lookup, f"{words(rng, 20)} {' '.join(tokens)} {words(rng, 20)}") == []
    )  # two edits are more than a tenth


def test_an_item_with_many_variants_is_found_whole() -> None:
    # each letter makes another item, so no n-gram is one item's own; they differ in less than a
    # tenth of their tokens
    question = (
        "Toby has {} apples and buys some more of them at the market, how many apples does Toby have now?"
    )
    lookup = index(*(question.format(n) for n in "abcdefghij"))
    assert names(lookup, f"before {question.format('d')} after") == list("0123456789")
    assert (
        names(
            lookup,
            "Toby has d apples and buys some more of them, and nobody asks how many apples does Toby have "
            "now?",
        )
        == []
    )


NUMBERED = (
    "Toby has 12 apples and buys 7 more of them at the old market, then he gives 3 to his sister. How "
    "many apples does Toby have now?"
)


def test_other_numbers_and_names_are_found_by_the_skeleton() -> None:
    rng, lookup = random.Random(7), index(NUMBERED, words(random.Random(8), 40))
    variant = NUMBERED.replace("Toby", "Yara").replace("12", "431").replace("7", "56").replace(" 3 ", " 90 ")
    page = f"{words(rng, 300)}. {variant} {words(rng, 300)}"
    (match,) = lookup.find(page)
    assert match.item.name == "0"
    assert page.encode()[match.start : match.end].decode() in variant
    longer = variant.replace("sister.", "sister. On the next day 2 of them are eaten by a large bird.")
    assert names(lookup, f"{words(rng, 300)} {longer}") == ["0"]
    assert names(lookup, "Toby has apples. They were sold at the old market by his sister.") == []


def test_n_grams_in_several_places_tell_more_than_a_phrase() -> None:
    item = (
        "The keeper of a lighthouse burns 4 litres of oil in a clear night and 9 litres of oil in a foggy "
        "night. How many litres are left of 300 when there were 5 foggy nights and 12 clear nights?"
    )
    lookup = index(item, words(random.Random(8), 40))
    variant = (
        "The keeper of a castle burns 3 jars of oil in a clear night and 7 jars of oil in a frosty night. "
        "How many jars are left of 90 when there were 6 frosty nights and 2 clear nights?"
    )
    (match,) = lookup.find(f"{words(random.Random(3), 300)}. {variant}")
    assert match.form == "skeleton"
    phrase = "They sat by the fire and burnt oil in a clear night and oil in a foggy place."
    assert names(lookup, f"{words(random.Random(3), 300)}. {phrase}") == []


def test_commands_of_tex_are_no_words_of_a_skeleton() -> None:
    lines = r"\left\{\begin{aligned} \frac{%s}{3} + \sqrt{%s} &= \theta \\ %s"
    lines += r" &\leq \frac{\theta}{5} \end{aligned}\right."
    item, other = lines % (4, 5, 6), lines % ("x", "y", "z")
    assert names(index(f"Let 3 be a root. {item}"), f"We write {other} for this.") == []


def test_a_chinese_item_of_formulas_is_chinese() -> None:
    formula = "$" + "+".join(rf"\frac{{x_{k}^{{{k}}}}}{{y_{k}}}" for k in range(1, 12)) + "$"
    item = f"设随机变量相互独立且服从参数为3的泊松分布，记样本均值为{formula}，求样本方差与统计量的数学期望。"
    assert names(index(item), item.replace("3的", "8的").replace("+", "-")) == ["0"]
    assert (
        names(index(item), "这些到达次数相互独立且服从参数为某常数的泊松分布，因此间隔服从指数分布。") == []
    )


def test_chinese_items_are_found_with_other_numbers() -> None:
    item = "某商店第1天卖出25个足球，第2天卖出的足球比第1天多13个，问两天一共卖出多少个足球？"
    assert names(index(item), item.replace("25", "960").replace("13", "78")) == ["0"]


def test_validation_documents_and_items_without_a_number_have_no_skeleton() -> None:
    plain = NUMBERED.replace("12", "some").replace("7", "a few").replace(" 3 ", " many ")
    items = [BenchmarkItem("a", "s", "validation", NUMBERED), BenchmarkItem("b", "s", "benchmark", plain)]
    assert not len(Index(items, ContaminationPolicy())._bones.grams)


@pytest.mark.parametrize(
    ("item", "variant"),
    [
        (
            "If $3 r=18$, what is the value of $6 r+3$ ?\n(A)6\n(B)27\n(C)36\n(D)39",
            "If $7 r=420$, what is the value of $11 r+2.5$ ?\n(A)1\n(B)2\n(C)3,000\n(D)1/2",
        ),
        (
            "Suppose that $h(x)=f^{-1}(x)$. If $h(2)=10$ and $h(1)=2$, what is $f(f(10))$?",
            "Suppose that $h(x)=f^{-1}(x)$. If $h(7)=3.5$ and $h(40)=9$, what is $f(f(12))$?",
        ),
    ],
)
def test_a_formula_with_other_numbers_is_found_by_its_shape(item: str, variant: str) -> None:
    rng, lookup = random.Random(9), index(item, words(random.Random(8), 40))
    assert lookup.shaped.tolist() == [0]
    page = f"{words(rng, 300)}. {variant} {words(rng, 300)}"
    (match,) = lookup.find(page)
    assert match.item.name == "0"
    assert page.encode()[match.start : match.end].decode() == variant.rstrip("$)?")


def test_a_list_of_numbered_options_is_no_shape() -> None:
    item = "[5 + ? × 19 - 15 - 7]/[13 × 13 - 156] = 6\n(A)4\n(B)4.5\n(C)5\n(D)5.5\n(E)6.5"
    assert index(item).find("Round to 2 figures: (a) 711.0 (b) 0.239 (c) 90743 (d) 134.2 (e) 0.05") == []


def test_an_item_that_is_found_often_is_named_once() -> None:
    (match,) = index(NUMBERED).find(f"{NUMBERED} {NUMBERED.replace('12', '5')} {NUMBERED}")
    assert match.item.name == "0"


PIECES = st.sampled_from(
    [
        "a",
        "B",
        "１",
        "7",
        " ",
        ". ",
        "，",
        "\n",
        "發",
        "发",
        "中",
        "か",
        "ß",
        "𠀀",
        "😀",
        "\u0301",
        "ab cd ",
        "甲乙丙丁",
        "12 ef gh Ij ",
    ]
)
TEXTS = st.lists(PIECES, min_size=8, max_size=60).map("".join)
RARE = st.integers(0, 400).map(lambda k: (str(k) if k % 7 == 0 else word(k)) + " ")
LONG = st.lists(RARE, min_size=8, max_size=40).map("".join)


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.one_of(TEXTS, LONG), min_size=1, max_size=6),
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 200), st.integers(1, 200)), max_size=6),
    st.lists(st.one_of(TEXTS, LONG), max_size=4),
    st.integers(1, 5),
)
def test_the_same_items_and_spans_as_by_a_plain_reading(
    items: list[str], cuts: list[tuple[int, int, int]], noise: list[str], common: int
) -> None:
    policy = ContaminationPolicy(common=common)
    pieces = [items[which % len(items)][start : start + size] for which, start, size in cuts]
    texts = [
        "".join(x + y for x, y in zip([*pieces, *noise], [*noise, *pieces], strict=False)),
        *pieces,
        " ".join(items),
        "",
    ]
    lookup = Index([BenchmarkItem(str(k), "s", "benchmark", text) for k, text in enumerate(items)], policy)
    found = [(row, int(m.item.name), m.start, m.end) for row, m in lookup.find_all(pa.array(texts))]
    plain = PlainIndex(items, policy)
    assert [i.name for i in lookup.items] == [str(k) for k in plain.items]
    assert found == [(row, *match) for row, text in enumerate(texts) for match in plain.find(text)]

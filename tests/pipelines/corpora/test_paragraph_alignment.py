"""The alignment is the cheapest there is, and covers every paragraph."""

from __future__ import annotations

import math
from collections import Counter
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.corpora.paragraph_alignment import (
    ANCHOR_COST,
    CONSTANTS,
    KIND_COST,
    PRIORS,
    SHAPES,
    VARIANCE,
    Group,
    align,
    anchors,
    arrays,
    common,
    length,
    paragraphs,
    share,
    shared,
)

PIECES = st.sampled_from(
    [
        "The adapter reads 42 rows from the table before it stops.",
        "Call `load_model` with 3 arguments and wait for the answer of the server.",
        "Nothing else is needed here.",
        "```\nload_model(1, 2)\n```",
        "适配器在停止之前从表中读取 42 行。",
        "用 3 个参数调用 `load_model`，然后等待服务器的回答。",
        "此外不需要任何东西。",
    ]
)
LISTS = st.lists(PIECES, max_size=5)


def length_cost(one: float, other: float) -> float:
    """Cost of two lengths, by the normal distribution."""
    tail = math.erfc(abs(other - one) / math.sqrt(2 * VARIANCE * max(one, 1.0)))
    return float(min(CONSTANTS[3], -math.log(tail)) if tail > 0 else CONSTANTS[3])


def cheapest_by_trying_all(en: list[str], zh: list[str]) -> float:
    """The cost of the cheapest alignment, by the definition: every way to cut both lists."""
    chars_a, chars_b, num_a, num_b, hits, code_a, code_b = arrays(en, zh)

    @cache
    def best(i: int, j: int) -> float:
        if i == len(en) and j == len(zh):
            return 0.0
        costs = []
        for (p, q), prior in zip(SHAPES.tolist(), PRIORS.tolist(), strict=True):
            if i + p <= len(en) and j + q <= len(zh):
                costs.append(prior + group(i, i + p, j, j + q) + best(i + p, j + q))
        return float(min(costs))

    def group(i: int, p: int, j: int, q: int) -> float:
        if i == p or j == q:
            return 0.0
        cost = length_cost(chars_a[i:p].sum(), chars_b[j:q].sum())
        total = num_a[i:p].sum() + num_b[j:q].sum()
        if total:
            cost += ANCHOR_COST * (1 - min(1, 2 * hits[i:p, j:q].sum() / total))
        mixed = any(a != b for a in code_a[i:p] for b in code_b[j:q])
        return float(cost + (KIND_COST if mixed else 0))

    return best(0, 0)


def cost_of(groups: list[Group], en: list[str], zh: list[str]) -> float:
    """The cost of one alignment: of each group alone, its prior among it."""
    shapes = {tuple(shape): prior for shape, prior in zip(SHAPES.tolist(), PRIORS.tolist(), strict=True)}
    known = Counter(a for p in zh for a in anchors(p))
    total = 0.0
    for g in groups:
        a, b = en[g.en_start : g.en_stop], zh[g.zh_start : g.zh_stop]
        total += shapes[len(a), len(b)]
        if not a or not b:
            continue
        total += length_cost(sum(map(length, a)), sum(map(length, b)))
        of_a = [common(anchors(p), known)[0] for p in a]
        of_b = [anchors(p) for p in b]
        num = sum(c.total() for c in of_a + of_b)
        if num:
            hits = sum(shared(x, y) for x in of_a for y in of_b)
            total += ANCHOR_COST * (1 - min(1, 2 * hits / num))
        if any(p.startswith("```") != q.startswith("```") for p in a for q in b):
            total += KIND_COST
    return total


@settings(max_examples=150, deadline=None)
@given(LISTS, LISTS)
def test_no_alignment_is_cheaper(en: list[str], zh: list[str]) -> None:
    assert math.isclose(cost_of(align(en, zh), en, zh), cheapest_by_trying_all(en, zh), abs_tol=1e-4)


@settings(max_examples=100, deadline=None)
@given(LISTS, LISTS)
def test_every_paragraph_is_in_one_group_in_order(en: list[str], zh: list[str]) -> None:
    groups = align(en, zh)
    assert [i for g in groups for i in range(g.en_start, g.en_stop)] == list(range(len(en)))
    assert [j for g in groups for j in range(g.zh_start, g.zh_stop)] == list(range(len(zh)))
    assert all(0 <= g.score <= 1 for g in groups)


def test_a_left_out_paragraph_and_a_split_one_are_seen() -> None:
    long_en = "The adapter reads 42 rows from the table before it stops."
    second = "Call `load_model` with 3 arguments and wait for the answer of the server, please."
    en = ["Introduction", long_en, second, "```\nload_model(1, 2)\n```"]
    zh = ["简介", "适配器在停止之前从表中读取 42 行。", "```\nload_model(1, 2)\n```"]
    found = [(g.en_start, g.en_stop, g.zh_start, g.zh_stop) for g in align(en, zh)]
    assert found == [(0, 1, 0, 1), (1, 2, 1, 2), (2, 3, 2, 2), (3, 4, 2, 3)]
    en = [f"{long_en} {second}"]
    zh = ["适配器在停止之前从表中读取 42 行。", "用 3 个参数调用 `load_model`，然后等待服务器的回答。"]
    assert [g[:4] for g in align(en, zh)] == [(0, 1, 0, 2)]


def test_fenced_code_is_one_paragraph() -> None:
    text = "One\ntwo\n\n\nthree\n```py\na\n\nb\n```\nfour\n\n~~~\nopen\n\nto the end"
    assert paragraphs(text) == ["One\ntwo", "three", "```py\na\n\nb\n```", "four", "~~~\nopen\n\nto the end"]
    assert paragraphs("") == paragraphs("\n \n") == []


@given(st.text(alphabet="ab`~ \n"))
def test_paragraphs_keep_every_sign(text: str) -> None:
    assert "".join("\n".join(paragraphs(text)).split()) == "".join(text.split())


def test_anchors_are_what_a_translation_leaves() -> None:
    assert anchors("调用 Load_model 3,000 次，见[这里](/a/b.md)") == {
        "load_model": 1,
        "3000": 1,
        "/a/b.md": 1,
    }
    english, chinese = common(anchors("Call load_model 5 times"), anchors("调用 load_model"))
    assert english == {"load_model": 1, "5": 1} and shared(english, chinese) == 1
    assert share(0, 0) == 0.5 and share(5, 10) > 0.9 and share(0, 10) < 0.1


def test_what_is_equal_in_both_is_as_long_in_both() -> None:
    assert length("abc 12") == 6 and length("备份 a") == 9
    code = "static void copy(const char *from, char *to) { while (*to++ = *from++); }\n" * 30
    found = align(["One more thing.", code], ["还有一件事。", code])
    assert [g[:4] for g in found] == [(0, 1, 0, 1), (1, 2, 1, 2)]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pipelines.cards.dump import DumpCard
from pipelines.extraction.side import side, split_by

GROUPS = st.lists(st.sampled_from([f"g{k}" for k in range(8)]), max_size=40)


def card(share: float, name: str = "a", **fields: object) -> DumpCard:
    return DumpCard.model_validate(
        {"name": name, "kind": "warc", "uris": ["x"], "validation_share": share, **fields}
    )


def test_share_is_about_right_and_nested() -> None:
    groups = [f"host{i}.example" for i in range(20_000)]
    small = {g for g in groups if side(g, "", card(0.02), "group") == "validation"}
    large = {g for g in groups if side(g, "", card(0.10), "group") == "validation"}
    assert small < large and 300 < len(small) < 500 and 1800 < len(large) < 2200


def test_pages_of_one_source_are_split_in_about_the_share() -> None:
    pages = [f"https://one.example/{i}" for i in range(20_000)]
    small = {p for p in pages if side("one.example", p, card(0.02), "url") == "validation"}
    large = {p for p in pages if side("one.example", p, card(0.10), "url") == "validation"}
    assert small < large and 300 < len(small) < 500 and 1800 < len(large) < 2200


def test_one_page_is_on_one_side_under_every_form_of_its_address() -> None:
    forms = ("https://one.example/{}", "http://www.one.example/{}/", "HTTPS://One.Example/{}#top")
    for i in range(300):
        assert len({side("one.example", form.format(i), card(0.3), "url") for form in forms}) == 1


def test_the_dump_has_no_influence_but_held_out_has() -> None:
    groups = [f"h{i}" for i in range(500)]
    for by in ("group", "url"):
        assert [side(g, g, card(0.1), by) for g in groups] == [
            side(g, g, card(0.1, name="b", date="2024"), by) for g in groups
        ]
        assert {side(g, g, card(0.0, held_out=True), by) for g in groups} == {"validation"}
        assert {side(g, g, card(0.0), by) for g in groups} == {"train"}


@given(GROUPS, st.integers(0, 9), st.randoms())
def test_a_dump_is_split_by_url_below_its_number_of_groups_in_any_order(
    groups: list[str], bound: int, rng
) -> None:  # type: ignore[no-untyped-def]
    found = split_by(groups, card(0.1, min_groups=bound))
    assert (found == "url") == (len(set(groups)) < bound)
    rng.shuffle(groups)
    assert split_by(groups * 2, card(0.1, min_groups=bound)) == found


def test_no_more_groups_are_read_than_are_needed_and_none_where_nothing_is_split() -> None:
    endless = (f"g{k}" for k in iter(int, 1) for _ in range(3))
    assert split_by((f"{k}" for k, _ in enumerate(endless)), card(0.1, min_groups=50)) == "group"
    assert split_by(endless, card(0.1, held_out=True)) == split_by(endless, card(0.0)) == "group"
    assert split_by([], card(0.1, group="url")) == "group"

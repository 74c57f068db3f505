"""How a card is read, and what its errors say."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from pydantic import ValidationError

from jobs.commands.cards import card
from pipelines.cards.base import Card, CardError, CardName, card_names, misnamed_cards
from pipelines.cards.checks import CheckBounds
from pipelines.cards.dump import DumpCard
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.lake import Lake


class Example(Card):
    """A card of two fields."""

    named_by_file = True
    name: CardName = "x"
    """Its name."""
    size: int = 1
    """How many."""


def test_a_card_is_frozen_and_plain(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("size: 3\n")
    card = Example.load(path)
    assert card.parameters() == {"name": "x", "size": 3}
    assert {name: field.description for name, field in Example.model_fields.items()} == {
        "name": "Its name.",
        "size": "How many.",
    }
    with pytest.raises(ValidationError, match="frozen"):
        card.size = 4  # type: ignore[misc]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("size: [", "x.yaml: not readable as YAML"),
        ("- size", "x.yaml: expected a mapping with the keys name, size"),
        ("name: y\n", "x.yaml says `name: y`.*write `name: x` into it, or rename the file to y.yaml"),
        ("size: .nan\n", "x.yaml: size: nan is no finite number"),
        ("sizes: {a: [1, -.inf]}\n", r"x.yaml: sizes\.a\.1: -inf is no finite number"),
        ("size: many\nweight: 2\n", "x.yaml: size: .*; weight: Extra inputs are not permitted"),
    ],
)
def test_errors_name_the_file_and_every_key(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(CardError, match=message):
        Example.load(path)


def test_a_card_that_is_not_there_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(CardError, match="no such file; write a Example there"):
        Example.load(tmp_path / "none.yaml")
    with pytest.raises(CardError, match=r"write a ReleaseCard there.*`skypile card release` makes one"):
        ReleaseCard.load(tmp_path / "none.yaml")


def test_the_commands_that_write_cards_are_there() -> None:
    for kind in (DumpCard, ReleaseCard, TokenizerConfig):
        assert kind.written_by.removeprefix("skypile card ") in card.commands


@pytest.mark.parametrize(
    "name", ["a/b", " a", "..", "", "a\\b", "a\nb", "a\u2028b", "a\x00", ".a", "#a", "a~", "a...b"]
)
def test_a_name_is_one_plain_file_name(name: str) -> None:
    with pytest.raises(ValidationError):
        Example(name=name)


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_not_finite_is_refused_without_a_file_too(value: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        CheckBounds(**dict.fromkeys(CheckBounds.model_fields, value))


def test_a_file_whose_name_no_card_may_have_is_no_card(lake: Lake) -> None:
    for name in ("good", "good.yaml~", "a\nb", ".hidden", "#good#"):
        lake.write_bytes(f"cards/dumps/{name}.yaml", b"name: good\n")
    assert card_names(lake, "cards/dumps") == ["good"]


def test_a_lake_has_a_card_of_its_own_or_the_defaults(lake: Lake) -> None:
    assert Example.of_lake(lake, "cards/example.yaml") == Example()
    lake.write_bytes("cards/example.yaml", b"name: example\nsize: 9\n")
    assert Example.of_lake(lake, "cards/example.yaml").size == 9


def test_a_file_that_cannot_be_a_card_by_its_name_is_named(tmp_path: Path) -> None:
    lake = Lake(tmp_path)
    for name in ("good", "a,b", "#x#", "old~", ".hidden"):
        lake.write_bytes(f"cards/dumps/{name}.yaml", b"x: 1")
    assert card_names(lake, "cards/dumps") == ["good"]
    (fault,) = misnamed_cards(lake, "cards/dumps")
    assert fault == "cards/dumps/a,b.yaml is not read as a card: 'a,b': use a name without ,"

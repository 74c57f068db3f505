"""Every field of every card is read by the code: a key that nobody reads promises what it does not do."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from pydantic import BaseModel

from model.network.config import ModelConfig
from model.plan.card import Phase, RunCard, Schedule
from model.plan.mixture import StemShare
from model.training.spikes import SpikePolicy
from pipelines.cards.checks import CheckBounds
from pipelines.cards.contamination import ContaminationPolicy
from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.recurrence import RecurrencePolicy
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.filtering.policy import Bound, Policy, RuleSet

ROOT = Path(__file__).resolve().parents[3]
HELD_AS: dict[type[BaseModel], set[str]] = {
    DumpCard: {"card"},
    ReleaseCard: {"card"},
    RunCard: {"card", "settings", "self", "run_card"},
    Phase: {"phase", "p"},
    Schedule: {"self"},
    StemShare: {"self", "stem"},
    ModelConfig: {"config", "self"},
    SpikePolicy: {"policy"},
    CheckBounds: {"bounds"},
    ContaminationPolicy: {"policy", "rules"},
    MinHashParameters: {"parameters"},
    RecurrencePolicy: {"limits", "rules", "recurrence"},
    TokenizerConfig: {"config", "wanted", "card"},
    Policy: {"policy"},
    RuleSet: {"rule_set", "s", "self"},
    Bound: {"bound"},
}
"""The names under which code holds a card of each kind."""
FOR_PEOPLE = {(RuleSet, "name"), (Policy, "name"), (MinHashParameters, "ngram")}
"""Fields that a reader of the card needs, or that fix what the compiled code does."""


@cache
def reads() -> frozenset[tuple[str, str]]:
    """(holder, attribute) of every attribute that the code reads: `self.card.kind` gives (card, kind)."""
    return frozenset(
        pair
        for folder in ("pipelines", "model", "assets", "jobs", "reports")
        for path in (ROOT / folder).rglob("*.py")
        for pair in _pairs(ast.parse(path.read_text(encoding="utf-8")))
    )


def _pairs(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            held = node.value.func if isinstance(node.value, ast.Call) else node.value
            if isinstance(held, ast.Name):
                yield held.id, node.attr
            elif isinstance(held, ast.Attribute):
                yield held.attr, node.attr


@pytest.mark.parametrize("card", HELD_AS, ids=lambda card: card.__name__)
def test_every_field_is_read(card: type[BaseModel]) -> None:
    unread = [
        field
        for field in card.model_fields
        if (card, field) not in FOR_PEOPLE and not any((held, field) in reads() for held in HELD_AS[card])
    ]
    assert not unread, f"{card.__name__}: nothing reads {', '.join(unread)}"


def test_a_field_that_nobody_reads_is_found() -> None:
    assert ("card", "languages") not in reads() and ("card", "licence") in reads()

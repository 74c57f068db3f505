"""The cards that the documentation shows are accepted by the code."""

from __future__ import annotations

import pytest
import yaml
from pydantic import BaseModel

from model.plan.card import RunCard
from model.training.strategy import Strategy
from pipelines.cards.checks import CheckBounds
from pipelines.cards.classifier import ClassifierCard
from pipelines.cards.dump import DumpCard
from pipelines.cards.minhash import MinHashParameters
from pipelines.cards.parallel import ParallelBounds
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import TokenizerConfig
from pipelines.filtering.policy import Policy
from tests.support.docs import fences, page

EXAMPLES: dict[str, type[BaseModel]] = {
    "cards/dumps/": DumpCard,
    "cards/releases/": ReleaseCard,
    "cards/runs/": RunCard,
    "cards/tokenizers/": TokenizerConfig,
    "cards/policy.yaml": Policy,
    "cards/checks.yaml": CheckBounds,
    "cards/minhash.yaml": MinHashParameters,
    "cards/parallel.yaml": ParallelBounds,
    "cards/classifiers/": ClassifierCard,
}


@pytest.mark.parametrize("heading", EXAMPLES)
def test_the_cards_of_the_documentation_are_accepted(heading: str) -> None:
    examples = [f for f in fences(page("cards.md"), "yaml") if heading in f.heading]
    assert examples
    for example in examples:
        accepted = EXAMPLES[heading].model_validate(yaml.safe_load(example.text))
        if isinstance(accepted, RunCard):
            run = accepted
            Strategy.parse(run.deepspeed, run.global_batch, run.micro_batch, run.world_size)


def test_every_example_has_its_card() -> None:
    headings = {f.heading for f in fences(page("cards.md"), "yaml")}
    assert len(headings) == len(EXAMPLES)

"""The form of a filtering policy: what is refused, and which one a lake has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.cards.base import CardError
from pipelines.filtering.policy import Policy, RuleSet, current_policy, policy_path, wanted_columns
from pipelines.lake import Lake


def test_a_set_covers_what_it_names_or_everything() -> None:
    named = RuleSet(name="s", categories=("books",), languages=("en",), bounds={})
    assert named.covers("books", "en") and not named.covers("books", "zh") and not named.covers("code", "en")
    assert named.model_copy(update={"languages": ("*",)}).covers("books", "zh")


def test_only_the_columns_that_a_bound_names_are_wanted() -> None:
    wanted = wanted_columns(Policy.load(policy_path("fineweb")))
    named = {key for s in Policy.load(policy_path("fineweb")).sets for key in s.bounds}
    assert {f"{group}/{column}" for group, columns in wanted.items() for column in columns} - named == {
        "language/language",
        "rules/num_chars",
        "scores/perplexity",
        "scores/stem_exercise",
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda p: p.update(extra=1), "extra"),
        (
            lambda p: p["sets"][0]["bounds"].update({"rules/nonsense": {"min": 1, "source": "x"}}),
            "rules/nonsense",
        ),
        (lambda p: p["sets"][0]["bounds"].update({"rules/num_chars": {"min": 1}}), "source"),
        (
            lambda p: p["sets"][0]["bounds"].update({"rules/num_chars": {"min": 2, "max": 1, "source": "x"}}),
            "nothing would pass",
        ),
        (lambda p: p["sets"][0].update(categories=["webpage"]), "webpage"),
    ],
)
def test_wrong_policies_are_refused_by_name(tmp_path: Path, change: Any, message: str) -> None:
    data = yaml.safe_load(policy_path("default").read_text())
    change(data)
    path = tmp_path / "policy.yaml"
    path.write_text(yaml.safe_dump(data))
    with pytest.raises(CardError, match=message):
        Policy.load(path)


def test_a_policy_on_the_lake_takes_the_place_of_the_default(lake: Lake) -> None:
    assert current_policy(lake) == Policy.load(policy_path("default"))
    lake.write_bytes("cards/policy.yaml", policy_path("fineweb").read_bytes())
    assert current_policy(lake).name == "fineweb"


def test_every_policy_that_comes_with_the_project_loads() -> None:
    for path in policy_path("default").parent.glob("*.yaml"):
        assert Policy.load(path).name == path.stem

from __future__ import annotations

import pytest

from pipelines.filtering.policy import Policy, policy_path
from pipelines.filtering.tail import LEAST, PARTS, GroupCounts, checked, sample_of


def test_a_difference_that_chance_gives_does_not_hold() -> None:
    assert GroupCounts(100, 60, 1000, 300).holds
    assert not GroupCounts(100, 33, 1000, 300).holds, "three points of a hundred documents are chance"
    assert not GroupCounts(1000, 300, 1000, 600).holds, "the tail is better than the rest"
    assert not GroupCounts(LEAST - 1, LEAST - 1, 1000, 0).holds, "too few to say"
    assert not GroupCounts(100, 100, 100, 100).holds and not GroupCounts(100, 0, 100, 0).holds


@pytest.mark.parametrize("parts", [0, 1, 5, PARTS, 1000])
def test_the_sample_reaches_over_all_parts(parts: int) -> None:
    numbers = sample_of(parts)
    assert len(numbers) == min(parts, PARTS) and len(set(numbers)) == len(numbers)
    assert not parts or (numbers[0] == 0 and numbers[-1] == parts - 1)


def test_a_group_of_which_nothing_is_known_is_not_dropped() -> None:
    policy = Policy.load(policy_path("default"))
    first = policy.sets[0].model_copy(update={"drop_quality": ("tail",)})
    policy = policy.model_copy(update={"sets": (first, *policy.sets[1:])})
    assert not checked(policy, {}).sets[0].drop_quality
    assert checked(policy, {first.name: GroupCounts(100, 90, 100, 10)}) == policy

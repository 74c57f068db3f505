from __future__ import annotations

import pytest

from experiments.two_stages.config import CONFIG, TwoStages
from experiments.two_stages.trainings import Training, trainings
from model.plan.phases import STEM_RAMP


@pytest.fixture(scope="module")
def arms() -> dict[str, Training]:
    return trainings(TwoStages.load(CONFIG), seed=2)


def test_every_arm_of_stage_2_goes_on_from_the_stage_1_of_its_seed(arms: dict[str, Training]) -> None:
    assert next(iter(arms)) == "stage1"
    second = {n: t for n, t in arms.items() if t.forks}
    assert set(second) == {"share-000", "share-010", "share-020", "share-040", "share-100", "ramp"}
    assert all(t.stage == "stage2" and t.card.seed == 2 for t in second.values())
    assert second["ramp"].card.phases[-1].stem == STEM_RAMP


def test_one_stage_reads_as_much_stem_as_the_ramp_at_the_same_rates(arms: dict[str, Training]) -> None:
    one, ramp = arms["one-stage"].card, arms["ramp"].card
    assert [p.schedule for p in one.phases] == [p.schedule for p in ramp.phases]
    assert {p.stage for p in one.phases} == {"stage1"} and len({p.stem for p in one.phases}) == 1
    spread = one.phases[0].stem.start * sum(p.tokens for p in one.phases)
    assert spread == pytest.approx(0.2 * ramp.phases[-1].tokens)  # the ramp's mean share is a fifth

"""Bounds of spikes and preflight: frozen, unknown keys refused, every field described."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from model.plan.base import Config
from model.plan.limits import PreflightLimits, SpikePolicy


@pytest.mark.parametrize("limits", [SpikePolicy, PreflightLimits])
def test_bounds_are_checked_and_described(limits: type[Config]) -> None:
    assert all(field.description for field in limits.model_fields.values())
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        limits.model_validate({"windows": 3})
    with pytest.raises(ValidationError, match="frozen"):
        setattr(limits(), next(iter(limits.model_fields)), 1)


def test_a_run_goes_back_after_fewer_spikes_than_it_looks_at() -> None:
    policy = SpikePolicy()
    assert policy.limit <= policy.within <= policy.window and policy.minimum <= policy.window

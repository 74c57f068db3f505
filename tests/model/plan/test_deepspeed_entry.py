"""The keys of the `deepspeed` entry are those of the installed DeepSpeed."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from pydantic import ValidationError

from model.plan import deepspeed_entry as ours
from model.training.strategy import DEFAULTS, FROM_PLAN, OURS


def names(model: Any) -> set[str]:
    """Of a pydantic model of DeepSpeed's, as its JSON has them."""
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_nested_key_is_one_of_deepspeeds() -> None:
    from deepspeed.comm.config import CommsLoggerConfig
    from deepspeed.profiling.config import DeepSpeedFlopsProfilerConfig
    from deepspeed.runtime.precision_config import DeepSpeedBF16Config
    from deepspeed.runtime.zero import offload_config
    from deepspeed.runtime.zero.config import DeepSpeedZeroConfig

    zero = set(ours.ZeroOptimization.model_fields)
    assert zero <= names(DeepSpeedZeroConfig)
    assert set(ours.OffloadOptimizer.model_fields) <= names(
        offload_config.DeepSpeedZeroOffloadOptimizerConfig
    )
    assert set(ours.OffloadParam.model_fields) <= names(offload_config.DeepSpeedZeroOffloadParamConfig)
    assert set(ours.Precision.model_fields) <= names(DeepSpeedBF16Config)
    assert set(ours.CommsLogger.model_fields) <= names(CommsLoggerConfig)
    profiler = inspect.getsource(DeepSpeedFlopsProfilerConfig).lower()
    assert all(name in profiler for name in ours.FlopsProfiler.model_fields)


def test_every_key_of_the_entry_is_deepspeeds_or_ours() -> None:
    import deepspeed.runtime.constants as constants

    known = {v for k, v in vars(constants).items() if k.isupper() and isinstance(v, str)}
    known |= {"zero_optimization", "bf16", "fp16", "flops_profiler", "comms_logger", *OURS}
    fields = set(ours.DeepSpeedEntry.model_fields)
    assert fields <= known
    assert set(OURS) <= fields and not fields & set(FROM_PLAN)


def test_defaults_that_the_entry_states_are_those_of_the_strategy() -> None:
    entry = ours.DeepSpeedEntry().model_dump(mode="json")
    assert entry["zero_optimization"]["stage"] == DEFAULTS["zero_optimization"]["stage"]
    for key in ("bf16", "communication_data_type", "steps_per_print", "wall_clock_breakdown"):
        assert entry[key] == DEFAULTS[key]


def test_only_what_was_set_is_kept() -> None:
    assert ours.checked_entry({}) == {}
    given = {"zero_optimization": {"stage": 3, "offload_param": {"device": "cpu"}}, "pipeline_stages": "2"}
    assert ours.checked_entry(given) == given | {"pipeline_stages": 2}
    with pytest.raises(ValidationError):
        ours.checked_entry({"compile_blocks": 1})

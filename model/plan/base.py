"""The base of what a person sets of a run: typed, frozen, unknown keys refused.

Belongs here: how a card or a run file is checked, what its errors say, and the error of the whole
room. Does not belong here: any field. No torch.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.lake import LakeError


class PlanError(LakeError):
    """A plan that cannot be trained as asked: names the source, phase or number and what would be
    allowed."""


class Config(BaseModel):
    """A frozen model; the docstring below a field is its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


def sentence(error: ValidationError) -> str:
    """Every wrong key of a failed check and what is wrong with it, in one line."""
    return "; ".join(
        f"{'.'.join(str(p) for p in e['loc']) or 'card'}: "
        + ("unknown key" if e["type"] == "extra_forbidden" else e["msg"])
        for e in error.errors()
    )

"""The base of what a person sets of a run: typed, frozen, unknown keys refused.

Belongs here: how a card or a run file is checked, what its errors say, and the error of the whole
room. Does not belong here: any field. No torch.
"""

from __future__ import annotations

import re
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from pipelines.lake import LakeError


class PlanError(LakeError):
    """A plan that cannot be trained as asked: names the source, phase or number and what would be
    allowed."""


class Config(BaseModel):
    """A frozen model; the docstring below a field is its description."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False)


class _Loader(yaml.SafeLoader):
    """YAML 1.2 in two things: `1e-5` is a number, and a key may stand once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [k.value for k, _ in node.value if isinstance(k, yaml.ScalarNode) and k.value != "<<"]
        if twice := sorted({k for k in keys if keys.count(k) > 1}):
            raise yaml.constructor.ConstructorError(
                None, None, f"{', '.join(twice)} stands more than once", node.start_mark
            )
        return super().construct_mapping(node, deep)


_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\.\d+|\d+(\.\d*)?)[eE][-+]?\d+$"), list("-+.0123456789")
)


def read_yaml(text: str) -> Any:
    """What a YAML text says. yaml.YAMLError where it cannot be read, or has a key twice."""
    return yaml.load(text, _Loader)  # a SafeLoader


def sentence(error: ValidationError) -> str:
    """Every wrong key of a failed check and what is wrong with it, in one line."""
    return "; ".join(
        f"{'.'.join(str(p) for p in e['loc']) or 'card'}: "
        + ("unknown key" if e["type"] == "extra_forbidden" else e["msg"])
        for e in error.errors()
    )

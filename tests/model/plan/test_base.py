"""What is said of a card that fails its checks."""

from __future__ import annotations

import pytest
from pydantic import ValidationError, model_validator

from model.plan.base import Config, sentence


class Inner(Config):
    """A section."""

    size: int = 1
    """How many."""


class Outer(Config):
    """A card."""

    inner: Inner = Inner()
    """Its section."""

    @model_validator(mode="after")
    def _small(self) -> Outer:
        if self.inner.size > 9:
            raise ValueError("too large")
        return self


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"inner": {"size": "x"}, "other": 1}, r"^inner\.size: Input should be .*; other: unknown key$"),
        ({"inner": {"sizes": 1}}, r"^inner\.sizes: unknown key$"),
        ({"inner": {"size": 10}}, r"^card: Value error, too large$"),
    ],
)
def test_every_wrong_key_is_named_in_one_line(value: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(value)
    line = sentence(caught.value)
    assert "\n" not in line
    with pytest.raises(ValueError, match=said):
        raise ValueError(line)

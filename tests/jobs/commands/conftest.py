"""Commands as a person calls them, in this process, on the lake of the test."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import CliRunner

from jobs.cli import cli
from pipelines.lake import Lake


@pytest.fixture
def run(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What a command tells; it must succeed."""
    monkeypatch.setenv("SKYPILE_LAKE", lake.root)

    def call(*arguments: str) -> str:
        result = CliRunner().invoke(cli, list(arguments), catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return call

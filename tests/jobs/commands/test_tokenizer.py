"""`skypile tokenizer build`: what it asks of the graph, and what it tells."""

from __future__ import annotations

import contextlib
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from jobs.cli import cli
from pipelines.lake import Lake, Writer

Asked = list[tuple[Any, ...]]


@pytest.fixture
def asked(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> Asked:
    """Every execution that is asked for; none is done. The lake has vocabularies `mine` and `other`."""
    calls: Asked = []

    def execute(_: object, *arguments: Any, config: dict[str, Any]) -> None:
        calls.append((*arguments, {asset: value["config"] for asset, value in config["ops"].items()}))

    partitions = SimpleNamespace(add_dynamic_partitions=lambda *names: calls.append(names))
    monkeypatch.setenv("SKYPILE_LAKE", lake.root)
    monkeypatch.setattr("jobs.runner.execute", execute)
    monkeypatch.setattr("jobs.runner.open_instance", lambda: contextlib.nullcontext(partitions))
    lake.write_bytes("cards/releases/r.yaml", b"name: r\ndumps: [d]\ntokenizer: mine\n")

    def vocabulary(writer: Writer) -> None:
        writer.write_bytes("tokenizer.json", writer.partition.encode(), {"vocab_size": len(writer.partition)})

    for name in ("mine", "other"):
        lake.publish("tokenizer", name, version=1, write=vocabulary)
    return calls


@pytest.mark.parametrize(("arguments", "name"), [([], "mine"), (["--tokenizer", "other"], "other")])
def test_the_card_names_the_vocabulary_unless_another_is_named(
    asked: Asked, arguments: list[str], name: str
) -> None:
    result = CliRunner().invoke(
        cli, ["tokenizer", "build", "--release", "r", *arguments], catch_exceptions=False
    )
    request = {"tokenizer": arguments[-1] if arguments else ""}
    assets = ["tokenizer", "tokenizer_report"]
    assert asked == [("release", ["r"]), ("release", "r", assets, dict.fromkeys(assets, request))]
    assert f"tokenizer {name}: {len(name)} pieces, " in result.output


def test_the_report_may_be_left_out(asked: Asked) -> None:
    CliRunner().invoke(cli, ["tokenizer", "build", "--release", "r", "--no-report"], catch_exceptions=False)
    assert asked[1][2] == ["tokenizer"]

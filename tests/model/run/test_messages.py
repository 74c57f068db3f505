"""What is said to Dagster, and how it gets there through S3."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from model.run.messages import ChunkChannel, Reporter, reporter
from pipelines.lake import Lake


class Listener:
    """A Pipes context that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.results: list[dict[str, Any]] = []

    def report_custom_message(self, message: dict[str, Any]) -> None:
        self.messages.append(message)

    def report_asset_materialization(self, **values: Any) -> None:
        self.results.append(values)


def test_steps_and_validations_are_events() -> None:
    listener = Listener()
    said = Reporter(listener)
    names = (
        "step",
        "phase",
        "tokens",
        "loss",
        "learning_rate",
        "gradient_norm",
        "tokens_per_second",
        "loss_by_source",
    )
    said.step(dict.fromkeys(names, 1) | {"host": "not said"})
    said.validation([{"domain": "web-en", "loss": 2.0}, {"domain": "web-zh", "loss": 3.0}])
    assert listener.messages[0] == {"event": "step"} | dict.fromkeys(names, 1)
    assert [m["domain"] for m in listener.messages[1:]] == ["web-en", "web-zh"]
    assert {m["event"] for m in listener.messages[1:]} == {"validation"}


def test_a_result_has_no_empty_values_and_marks_json() -> None:
    listener = Listener()
    Reporter(listener).materialized({"loss": 2.5, "shares": {"a": 1}, "none": None}, "v1")
    assert listener.results == [
        {"metadata": {"loss": 2.5, "shares": {"type": "json", "raw_value": {"a": 1}}}, "data_version": "v1"}
    ]


def test_without_dagster_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["train.py"])
    with reporter(0) as said:
        said.event("anything")
    assert said.context is None
    monkeypatch.setattr("sys.argv", ["train.py", "--dagster-pipes-context=x"])
    with reporter(1) as other:
        assert other.context is None


def test_chunks_hold_every_message_once_and_what_failed_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailbox = Lake(tmp_path)
    channel = ChunkChannel(mailbox, interval=3600.0)
    channel.write_message({"n": 1})
    channel.write_message({"n": 2})
    channel.flush()
    channel.flush()  # nothing is queued: no chunk
    plain = Lake.write_bytes

    def refused(self: Lake, path: str, data: bytes) -> None:
        raise OSError("throttled")

    monkeypatch.setattr(Lake, "write_bytes", refused)
    channel.write_message({"n": 3})
    with pytest.raises(OSError, match="throttled"):
        channel.flush()
    monkeypatch.setattr(Lake, "write_bytes", plain)
    channel.write_message({"n": 4})
    channel.close()
    chunks = mailbox.files("messages")
    assert chunks == ["messages/00000001.jsonl", "messages/00000002.jsonl"]
    said = [[json.loads(line)["n"] for line in mailbox.read_bytes(c).splitlines()] for c in chunks]
    assert said == [[1, 2], [3, 4]]

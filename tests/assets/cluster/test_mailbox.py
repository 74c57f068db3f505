from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assets.cluster.mailbox import Mailbox, Messages, Tail
from model.run.messages import ChunkChannel
from pipelines.lake import Lake
from tests.support.fake_cluster import eventually


class Handler:
    """What dagster gives a reader."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def handle_message(self, message: Any) -> None:
        self.messages.append(message["method"])


def line(method: str, **params: Any) -> bytes:
    return json.dumps({"__dagster_pipes_version": "0.1", "method": method, "params": params}).encode() + b"\n"


def test_messages_are_read_whole_and_again(tmp_path: Path) -> None:
    """A torn line is read when it is whole; a bad one is skipped; a second reader gets everything
    again."""
    got: list[Any] = []
    reader, handler = Messages(Mailbox(tmp_path), got.append, poll=0.01), Handler()
    path = tmp_path / "messages.jsonl"
    half = line("report_custom_message", payload={"step": 2})
    with reader.read_messages(handler):
        path.write_bytes(
            line("opened") + line("report_custom_message", payload={"step": 1}) + b"not json\n" + half[:20]
        )
        eventually(lambda: got)
        with open(path, "ab") as stream:
            stream.write(half[20:] + line("closed", exception={"name": "X"}))
    assert (
        got == [{"step": 1}, {"step": 2}]
        and handler.messages == ["opened", "closed"]
        and reader.closed_with == {"name": "X"}
    )
    again: list[Any] = []
    with Messages(Mailbox(tmp_path), again.append, poll=0.01).read_messages(Handler()):
        pass
    assert again == got


def test_chunks_on_s3_arrive_in_order_and_whole(s3: Any, tmp_path: Path) -> None:
    root = f"s3://dump/mail/{tmp_path.name}"
    channel = ChunkChannel(Lake(root), interval=0.05)
    for number in range(200):
        channel.write_message({"method": "report_custom_message", "params": {"payload": number}})
    channel.close()
    got: list[int] = []
    reader = Messages(Mailbox(root), got.append, poll=0.01)
    with reader.read_messages(Handler()):
        pass
    assert got == list(range(200))


def test_a_chunk_that_cannot_be_written_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, failing = Lake(tmp_path), [True]
    write = store.write_bytes

    def flaky(path: str, data: bytes) -> None:
        if failing[0]:
            raise OSError("throttled")
        write(path, data)

    monkeypatch.setattr(store, "write_bytes", flaky)
    channel = ChunkChannel(store, interval=0.01)
    channel.write_message({"n": 1})
    with pytest.raises(OSError, match="throttled"):
        channel.flush()
    failing[0] = False
    channel.write_message({"n": 2})
    channel.close()
    assert [
        json.loads(x)["n"] for p in store.files("messages") for x in store.read_bytes(p).splitlines()
    ] == [1, 2]


def test_storage_that_is_away_leaves_the_place(tmp_path: Path) -> None:
    place = Tail(Mailbox(tmp_path))
    with pytest.raises(OSError):
        place.read()
    (tmp_path / "messages.jsonl").write_bytes(b"a\n")
    assert place.read() == b"a\n" and place.read() == b""

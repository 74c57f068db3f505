"""The command that serves the page of labels, up to the moment it would wait for a reader."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import uvicorn
from starlette.testclient import TestClient

from jobs.guard import Guard
from pipelines.cards.labels import read_labels
from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.judged import judged


def test_the_page_is_served_to_this_machine_alone_and_what_was_said_is_inspected(
    lake: Lake, engine: InProcess, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(lake, engine)
    monkeypatch.setattr("jobs.webserver.several_users", lambda: False)
    served: list[Any] = []

    def reader(server: uvicorn.Server, sockets: list[Any]) -> None:
        app = server.config.app
        assert isinstance(app, Guard) and sockets[0].getsockname()[0] == "127.0.0.1"
        client = TestClient(app, base_url="http://127.0.0.1")
        served.append(client.post("/1", json={"verdict": "drop", "kind": "other", "why": "test"}).status_code)
        assert client.get("/1", headers={"host": "evil.example"}).status_code == 403

    monkeypatch.setattr(uvicorn.Server, "run", reader)
    told = run("label", "d", "--port", "0", "--labeller", "ann", "--sample", "3")
    assert served == [200] and "0 answered by ann" in told and "cards/labels/d.jsonl" in told
    assert "http://127.0.0.1:" in told and "?token=" not in told
    assert [x.labeller for x in read_labels(lake, "d")] == ["ann"]
    assert "1 answered by ann" in run("label", "d", "--port", "0", "--labeller", "ann", "--sample", "3")
    assert "labels of d: 1 documents" in run("inspect", "d")


def test_where_several_people_have_accounts_a_token_is_asked_for(
    lake: Lake, engine: InProcess, run: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    judged(lake, engine)
    monkeypatch.setattr("jobs.webserver.several_users", lambda: True)
    seen: list[int] = []

    def reader(server: uvicorn.Server, sockets: list[Any]) -> None:
        seen.append(TestClient(server.config.app, base_url="http://127.0.0.1").get("/1").status_code)

    monkeypatch.setattr(uvicorn.Server, "run", reader)
    assert "?token=" in run("label", "d", "--port", "0", "--labeller", "ann") and seen == [401]

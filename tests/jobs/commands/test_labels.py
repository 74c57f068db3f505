"""The command that serves the page of labels, up to the moment it would wait for a reader."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from click.testing import CliRunner
from starlette.testclient import TestClient

from jobs.cli import cli
from jobs.guard import Guard
from pipelines.cards.labels import read_labels
from pipelines.engine import InProcess
from pipelines.filtering.policy import Policy
from pipelines.lake import Lake, LakeError
from tests.support.judged import ENGLISH, judged
from tests.support.spoken import say

SHORT_POLICY = """
name: short
sets:
  - name: english
    categories: ["*"]
    languages: [en]
    bounds:
      rules/num_words: {min: 5, max: 200, source: test}
stem_exercise: {min: 0.9, source: test}
"""


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


def test_a_fit_tells_its_grounds_and_writes_a_new_file_alone(
    lake: Lake, engine: InProcess, run: Callable[..., str], tmp_path: Path
) -> None:
    texts = [[ENGLISH * n + f"Page {page}." for page in range(12)] for n in (6, 1)]
    tables = judged(lake, engine, "d", texts, sources=12)
    with pytest.raises(LakeError, match="skypile label d"):
        run("policy", "fit", "d")
    for part in (0, 1):
        for row in range(12):
            verdict = "keep" if part == 0 else "drop"
            say(lake, tables, part, row, verdict)
    policy = tmp_path / "start.yaml"
    policy.write_text(SHORT_POLICY)
    before = {p: p.read_bytes() for p in Path(lake.root).rglob("*") if p.is_file()}
    told = run("policy", "fit", "d", "--policy", str(policy), "--output", str(tmp_path / "new.yaml"))
    assert "kept" in told and "rules/num_words max 200" in told and "12 labels" in told
    assert {p: p.read_bytes() for p in Path(lake.root).rglob("*") if p.is_file()} == before
    assert Policy.load(tmp_path / "new.yaml").sets[0].bounds["rules/num_words"].max > 200
    again = CliRunner().invoke(cli, ["policy", "fit", "d", "--output", str(tmp_path / "new.yaml")])
    assert again.exit_code == 2 and "name a new file" in again.output
    assert "no bound is moved" in run("policy", "fit", "d", "--policy", str(policy), "--labels", "99")
    wrong = CliRunner().invoke(cli, ["policy", "fit", "d", "--folds", "1"])
    assert wrong.exit_code == 2 and "--folds" in wrong.output

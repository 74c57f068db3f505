"""A sitting over the wire: blind, kept at once, undone, resumed; refused to pages of others."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from starlette.testclient import TestClient

from jobs.guard import Guard
from jobs.labelling import BODY_BYTES, Sitting, application, listening
from pipelines.cards.labels import labels_path, put_label, read_labels
from pipelines.engine import InProcess
from pipelines.lake import Lake, LakeError
from pipelines.tables.inputs import DumpTables
from tests.support.judged import CHINESE, ENGLISH, MENU, PLANTED, judged

HOST = "127.0.0.1:3001"
TEXTS = [[ENGLISH + PLANTED, CHINESE, MENU], [ENGLISH + "Again.", "short"]]


@pytest.fixture
def tables(lake: Lake, engine: InProcess) -> DumpTables:
    return judged(lake, engine, "d", TEXTS)


def client_of(lake: Lake, tables: DumpTables, labeller: str = "ann", token: str = "") -> TestClient:
    app = Guard(application(Sitting(lake, tables, labeller, 9)), token=token)
    return TestClient(app, base_url=f"http://{HOST}", follow_redirects=False)


def say(client: TestClient, number: int, verdict: str = "keep", **more: str) -> Any:
    return client.post(f"/{number}", json={"verdict": verdict, "kind": "", "why": "", **more})


def test_an_answer_is_kept_at_once_and_only_then_the_policy_is_shown(lake: Lake, tables: DumpTables) -> None:
    client = client_of(lake, tables)
    assert client.get("/").headers["location"] == "/1"
    for number in range(1, 6):
        blind = client.get(f"/{number}")
        assert blind.status_code == 200 and "Policy default" not in blind.text
        assert "rules/" not in blind.text and PLANTED not in blind.text
        assert say(client, number, "drop", kind="navigation", why=" 只有\n链接 ").json() == {
            "at": f"/{number}"
        }
        assert "Policy default" in client.get(f"/{number}").text
        assert len(read_labels(lake, "d")) == number
    first = read_labels(lake, "d")[0]
    assert (first.verdict, first.kind, first.why, first.labeller) == (
        "drop",
        "navigation",
        "只有 链接",
        "ann",
    )
    assert first.cell and first.of >= 1 and PLANTED not in lake.read_bytes(labels_path("d")).decode()
    assert "All documents of the sample are answered" in client.get("/1").text


def test_it_goes_on_where_it_stopped_and_others_answers_are_not_shown(lake: Lake, tables: DumpTables) -> None:
    for number in (1, 2):
        say(client_of(lake, tables), number)
    again = client_of(lake, tables)
    assert again.get("/").headers["location"] == "/3"
    assert again.get("/next/3").headers["location"] == "/4"
    assert again.get("/next/5").headers["location"] == "/3"
    assert again.get("/back/1").headers["location"] == "/5"
    assert "2 of 5 answered" in again.get("/3").text
    other = client_of(lake, tables, "bo")
    assert other.get("/").headers["location"] == "/1" and "Policy default" not in other.get("/1").text
    say(other, 1, "drop")
    assert sorted((x.labeller, x.verdict) for x in read_labels(lake, "d")) == [
        ("ann", "keep"),
        ("ann", "keep"),
        ("bo", "drop"),
    ]


def test_kind_and_reason_may_follow_and_another_verdict_only_after_undo(
    lake: Lake, tables: DumpTables
) -> None:
    client = client_of(lake, tables)
    say(client, 1)
    assert say(client, 1, kind="news", why="late").status_code == 200
    refused = say(client, 1, "drop")
    assert refused.status_code == 409 and "answered with keep: undo that first" in refused.text
    say(client, 2)
    assert client.post("/undo", json={"number": 3}).json() == {"at": "/2"}  # the last one
    assert client.post("/undo", json={"number": 1}).json() == {"at": "/1"}  # the one that is shown
    nothing = client.post("/undo", json={"number": 1})
    assert nothing.status_code == 409 and "nothing was answered" in nothing.text
    assert read_labels(lake, "d") == [] and say(client, 1, "drop").status_code == 200


def test_an_answer_about_another_text_is_asked_for_again(lake: Lake, tables: DumpTables) -> None:
    say(client_of(lake, tables), 1)
    (label,) = read_labels(lake, "d")
    put_label(lake, label.model_copy(update={"content": "0" * 32}))
    client = client_of(lake, tables)
    assert client.get("/").headers["location"] == "/1" and "Policy default" not in client.get("/1").text
    assert say(client, 1, "drop").status_code == 200
    assert [x.verdict for x in read_labels(lake, "d")] == ["drop"]
    assert client.get("/").headers["location"] == "/2"


@pytest.mark.parametrize(
    ("body", "kind", "status", "said"),
    [
        (b'{"verdict": "good"}', "application/json", 400, "the answer is no label: verdict"),
        (b'{"verdict": "keep", "kind": "odd"}', "application/json", 400, "kind"),
        (b"[1]", "application/json", 400, "JSON object"),
        (b"{", "application/json", 400, "not readable"),
        (b"verdict=keep", "application/x-www-form-urlencoded", 415, "application/json"),
        (b'{"verdict": "keep"}', "text/plain", 415, "application/json"),
        (b'"' + b"x" * BODY_BYTES + b'"', "application/json", 413, "at most"),
    ],
)
def test_what_is_no_answer_is_refused_in_words(
    lake: Lake, tables: DumpTables, body: bytes, kind: str, status: int, said: str
) -> None:
    client = client_of(lake, tables)
    answer = client.post("/1", content=body, headers={"content-type": kind})
    assert answer.status_code == status and said in answer.text
    assert client.post("/9", json={}).status_code == 404 and client.get("/0").status_code == 404
    assert client.post("/undo", json={"number": "1"}).status_code == 400
    assert read_labels(lake, "d") == []


def test_a_damaged_file_of_labels_is_told_to_the_reader(lake: Lake, tables: DumpTables) -> None:
    client = client_of(lake, tables)
    say(client, 1)
    lake.write_bytes(labels_path("d"), lake.read_bytes(labels_path("d"))[:50])
    answer = say(client, 2)
    assert answer.status_code == 409 and "line 1 is no label" in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": HOST, "origin": "https://evil.example"},
        {"host": HOST, "origin": "http://127.0.0.1:4000"},
        {"host": HOST, "sec-fetch-site": "cross-site"},
    ],
)
def test_pages_of_other_sites_answer_nothing(lake: Lake, tables: DumpTables, headers: dict[str, str]) -> None:
    client = client_of(lake, tables)
    answer = client.post("/1", json={"verdict": "keep"}, headers=headers)
    assert answer.status_code == 403 and read_labels(lake, "d") == []


def test_where_a_token_is_asked_for_nothing_is_shown_without_it(lake: Lake, tables: DumpTables) -> None:
    client = client_of(lake, tables, token="secret")
    assert client.get("/1").status_code == 401 and say(client, 1).status_code == 401
    shown = client.get("/?token=secret")
    assert shown.status_code == 303 and client.get("/1").status_code == 200  # by the cookie


def test_the_page_may_load_nothing(lake: Lake, tables: DumpTables) -> None:
    answer = client_of(lake, tables).get("/1")
    rules = answer.headers["content-security-policy"]
    assert rules.startswith("default-src 'none'") and "form-action 'none'" in rules
    nonce = rules.split("script-src 'nonce-")[1].split("'")[0]
    assert answer.text.count(f'nonce="{nonce}"') == 2 and answer.headers["cache-control"] == "no-store"
    assert nonce not in client_of(lake, tables).get("/1").headers["content-security-policy"]


def test_a_dump_without_documents_is_said(lake: Lake, engine: InProcess) -> None:
    german = "Der Ausschuss der Stadt traf sich am Montag, um über eine neue Brücke zu sprechen. " * 4
    client = client_of(lake, judged(lake, engine, "d", [[german]]))
    assert "Nothing to label" in client.get("/").text and client.get("/1").status_code == 200


def test_names_of_several_lines_and_a_taken_port_are_refused(lake: Lake, tables: DumpTables) -> None:
    for name in ("", "a\nb", " a", "a" * 81):
        with pytest.raises(LakeError, match="use a name of one line"):
            Sitting(lake, tables, name, 9)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(LakeError, match="--port"):
            listening("127.0.0.1", taken.getsockname()[1])
    with listening("127.0.0.1", 0) as found:
        assert found.getsockname()[1] > 0

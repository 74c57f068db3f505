"""Pages of other sites, other names and other users do not reach the web UI; its user does."""

from __future__ import annotations

from typing import Any

import pytest
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster_webserver.app import create_app_from_workspace_process_context
from starlette.testclient import TestClient
from starlette.websockets import WebSocketDisconnect

from jobs.guard import Guard

HOST = "127.0.0.1:3000"
OWN = {"host": HOST, "origin": f"http://{HOST}"}
MUTATION = """mutation { addDynamicPartition(partitionKey: "evil", partitionsDefName: "dump",
  repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "skypile"})
  { __typename } }"""


@pytest.fixture(scope="module")
def ui(workspace: WorkspaceProcessContext) -> Any:
    return create_app_from_workspace_process_context(workspace)


@pytest.fixture
def client(ui: Any) -> TestClient:
    return TestClient(Guard(ui), base_url=f"http://{HOST}")


def known(workspace: WorkspaceProcessContext) -> set[str]:
    return set(workspace.instance.get_dynamic_partitions("dump"))


def test_dagster_alone_runs_a_mutation_that_a_page_asks_for_by_get(
    ui: Any, workspace: WorkspaceProcessContext
) -> None:
    """Where this fails, Dagster has mended it, and the guard may have a rule less."""
    foreign = {"host": "evil.example", "origin": "https://evil.example"}
    query = {"query": MUTATION.replace('"evil"', '"bare"')}
    assert TestClient(ui).get("/graphql", params=query, headers=foreign).status_code == 200
    assert "bare" in known(workspace)


@pytest.mark.parametrize("accept", ["*/*", "application/json", "text/htm"])
@pytest.mark.parametrize("path", ["/graphql", "/graphql/", "/prefix/graphql"])
def test_graphql_is_not_executed_by_get(
    client: TestClient, workspace: WorkspaceProcessContext, path: str, accept: str
) -> None:
    answer = client.get(path, params={"query": MUTATION}, headers={"host": HOST, "accept": accept})
    assert answer.status_code == 405 and "by POST" in answer.text
    assert "evil" not in known(workspace)


def test_the_console_page_executes_nothing(client: TestClient, workspace: WorkspaceProcessContext) -> None:
    answer = client.get("/graphql", params={"query": MUTATION}, headers={"accept": "text/html"})
    assert answer.status_code == 200 and "<html" in answer.text.lower()
    assert "evil" not in known(workspace)


@pytest.mark.parametrize(
    "headers",
    [
        {"host": "evil.example"},
        {"host": "127.0.0.1.evil.example:3000"},
        {"host": "127.0.0.1@evil.example"},
        {"host": ""},
        {"host": HOST, "origin": "https://evil.example"},
        {"host": HOST, "origin": "null"},
        {"host": HOST, "origin": "http://127.0.0.1:4000"},
        {"host": HOST, "origin": f"http://{HOST}.evil.example"},
        {"host": HOST, "sec-fetch-site": "cross-site"},
        {"host": HOST, "sec-fetch-site": "same-site"},
    ],
)
def test_a_page_of_another_site_or_name_changes_nothing(
    client: TestClient, workspace: WorkspaceProcessContext, headers: dict[str, str]
) -> None:
    answer = client.post("/graphql", json={"query": MUTATION}, headers=headers)
    assert answer.status_code == 403, answer.text
    for path in ("/report_asset_materialization/raw_dump", "/report_asset_observation/raw_dump"):
        assert client.post(path, json={}, headers=headers).status_code == 403
    assert "evil" not in known(workspace)


@pytest.mark.parametrize(
    "kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_a_form_is_no_graphql(client: TestClient, workspace: WorkspaceProcessContext, kind: str) -> None:
    answer = client.post(
        "/graphql", params={"query": MUTATION}, headers={"host": HOST, "content-type": kind}, content=b"x=1"
    )
    assert answer.status_code == 415 and "evil" not in known(workspace)


def test_a_websocket_of_another_page_is_closed(client: TestClient) -> None:
    foreign = {"origin": "https://evil.example"}
    with (
        pytest.raises(WebSocketDisconnect) as refused,
        client.websocket_connect("/graphql", ["graphql-ws"], headers=foreign),
    ):
        pass
    assert refused.value.code == 1008
    with client.websocket_connect(f"ws://{HOST}/graphql", ["graphql-ws"], headers=OWN) as own:
        own.send_json({"type": "connection_init"})
        assert own.receive_json() == {"type": "connection_ack"}


@pytest.mark.parametrize("headers", [OWN, {"host": HOST}, {"host": "LOCALHOST:3000"}, {"host": "[::1]:3000"}])
def test_the_user_is_served(
    client: TestClient, workspace: WorkspaceProcessContext, headers: dict[str, str]
) -> None:
    key = f"good{len(known(workspace))}"
    answer = client.post("/graphql", json={"query": MUTATION.replace("evil", key)}, headers=headers)
    assert answer.status_code == 200 and key in known(workspace), answer.text
    page = client.get("/server_info", headers=headers)
    assert page.status_code == 200 and page.headers["x-frame-options"] == "SAMEORIGIN"


def test_a_name_that_is_configured_is_served(ui: Any) -> None:
    client = TestClient(Guard(ui, hosts=["Sky.Example"]))
    assert client.get("/server_info", headers={"host": "sky.example"}).status_code == 200
    assert client.get("/server_info", headers={"host": "other.example"}).status_code == 403


def test_a_token_is_asked_for_and_becomes_a_cookie(ui: Any) -> None:
    client = TestClient(Guard(ui, token="secret"), base_url=f"http://{HOST}", follow_redirects=False)
    assert client.get("/server_info").status_code == 401
    assert client.get("/server_info?token=wrong").status_code == 401
    assert client.post("/graphql?token=secret", json={"query": "{ version }"}).status_code == 401
    with pytest.raises(WebSocketDisconnect), client.websocket_connect("/graphql", ["graphql-ws"]):
        pass
    bearer = {"authorization": "Bearer secret"}
    assert client.get("/server_info", headers=bearer).status_code == 200
    shown = client.get(f"http://{HOST}//evil.example/runs?token=secret&a=1")
    assert shown.status_code == 303 and shown.headers["location"] == "/evil.example/runs?a=1"
    assert client.get("/server_info").status_code == 200  # by the cookie

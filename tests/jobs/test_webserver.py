"""Where the web UI asks for a token, and under which names it answers."""

from __future__ import annotations

import pytest

from jobs.settings import Settings
from jobs.webserver import names, token_for


@pytest.mark.parametrize(
    ("host", "several", "asked"),
    [
        ("127.0.0.1", False, False),
        ("localhost", False, False),
        ("::1", False, False),
        ("127.0.0.1", True, True),
        ("0.0.0.0", False, True),
        ("10.0.0.7", False, True),
        ("server", False, True),
    ],
)
def test_a_token_is_asked_for_where_others_reach_the_port(
    monkeypatch: pytest.MonkeyPatch, host: str, several: bool, asked: bool
) -> None:
    monkeypatch.setattr("jobs.webserver.several_users", lambda: several)
    first, second = (token_for(host, Settings()) for _ in range(2))
    assert bool(first) is asked and (first != second) is asked
    assert token_for(host, Settings(ui_token="chosen")) == "chosen"


def test_the_server_answers_under_its_address_and_the_names_of_the_setting() -> None:
    assert names("127.0.0.1", Settings(ui_hosts="a.example, b")) == ["a.example", "b"]
    assert names("0.0.0.0", Settings()) == [] and names("fd00::1", Settings()) == ["[fd00::1]"]

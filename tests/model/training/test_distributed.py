"""Ranks find each other on one address, and exchange numbers and JSON."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest

from model.training import distributed
from tests.support.ranks import ALL, Ranks
from tests.support.training_runs import explain

ROOT = Path(__file__).parents[3]


def test_ranks_of_one_machine_listen_on_loopback_alone(ranks: Ranks, tmp_path: Path) -> None:
    codes = ranks.run("tests.support.listeners:main", [str(tmp_path)], tmp_path, 2)
    assert codes == [0, 0], explain(tmp_path)
    found = [json.loads((tmp_path / f"{r}.json").read_text()) for r in (0, 1)]
    assert found[0]["addresses"], "rank 0 serves the rendezvous"
    assert {a for f in found for a in f["addresses"]} == {"127.0.0.1"}
    gathered = [{"rank": 0, "text": ""}, {"rank": 1, "text": "é"}]
    assert [f["gathered"] for f in found] == [gathered, gathered]


def environment(monkeypatch: pytest.MonkeyPatch, local: int, world: int, address: str) -> None:
    for name, value in (("LOCAL_SIZE", local), ("WORLD_SIZE", world), ("MASTER_ADDR", address)):
        monkeypatch.setenv(name, str(value))


def test_between_machines_only_the_named_address_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, 8, 16, "192.0.2.7")
    assert distributed.listen_address() == "192.0.2.7"
    environment(monkeypatch, 8, 8, "192.0.2.7")
    assert distributed.listen_address() == "127.0.0.1"


@pytest.mark.parametrize("name", ["127.0.1.1", "localhost"])
def test_an_address_that_other_machines_cannot_reach_is_refused(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    environment(monkeypatch, 8, 16, name)
    with pytest.raises(distributed.RendezvousError, match=r"other hosts cannot reach: set master_addr"):
        distributed.listen_address()


def test_an_address_of_another_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    environment(monkeypatch, 1, 2, "192.0.2.7")
    monkeypatch.setenv("MASTER_PORT", str(distributed.free_port()))
    monkeypatch.setenv("RANK", "0")
    from datetime import timedelta

    with pytest.raises(distributed.RendezvousError, match=r"rank 0 cannot listen on 192\.0\.2\.7"):
        distributed.rendezvous(timedelta(seconds=5))


def test_no_object_collective_is_called() -> None:
    """They unpickle what another rank sends."""
    calls = [
        f"{path}:{node.lineno}"
        for room in ("model", "experiments", "benchmarks")
        for path in (ROOT / room).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and node.attr.endswith(("_object", "_object_list"))
        and isinstance(node.value, ast.Name)
        and node.value.id in ("dist", "distributed")
    ]
    assert calls == []


@pytest.mark.parametrize("given", [{}, {"pipeline_stages": 2}])
def test_no_rank_pickles_for_another_while_it_trains(
    make_run: Any, ranks: Ranks, given: dict[str, Any]
) -> None:
    """torch's object collectives begin here: a rank that came by would be killed."""
    folder = make_run("objects", phase_steps=(2, 1, 1), deepspeed=given)
    fault = {"rank": ALL, "function": "torch.distributed.distributed_c10d:_object_to_tensor", "call": 1}
    assert ranks.train(folder, "stage1", 2, fault=fault | {"before": True}) == [0, 0], explain(folder)

"""What a dump or a release would cost: every table is listed, with its state."""

from __future__ import annotations

from pathlib import Path

import yaml

from jobs.forecast import describe, of_dump, of_release
from pipelines.catalogue.stages import members
from pipelines.catalogue.tables import names
from pipelines.engine import InProcess
from pipelines.lake import Lake
from tests.support.catalogue import built_release
from tests.support.judged import judged


def test_every_table_of_a_dump_is_forecast_code_among_them(lake: Lake, engine: InProcess) -> None:
    judged(lake, engine, "d")
    Path(lake.root, "x").write_text("")
    before = sorted(Path(lake.root).rglob("*"))
    forecast = of_dump(lake, "d")
    tables = [table for name in names(life="dump") for table in members(lake, name)]
    assert [step.table for step in forecast.steps] == tables
    states = {step.table: step for step in forecast.steps}
    # the listing of the dump's files is not there, so all the others follow from it
    assert states["raw_dump"].state == "compute" and states["signals/code"].state == "follows"
    assert states["decisions"].why.startswith("follows documents, scores, signals/code")
    assert "signals/code" in describe("dump", forecast) and forecast.files == 1
    assert sorted(Path(lake.root).rglob("*")) == before, "a forecast writes nothing"


def test_a_release_that_was_built_is_unchanged_until_its_card_changes(lake: Lake, engine: InProcess) -> None:
    built_release(lake, engine)
    forecast = of_release(lake, "r")
    states = {step.table: step.state for step in forecast.steps}
    assert list(states) == list(names(life="release"))
    assert {states[name] for name in names(group="corpus")} == {"unchanged"}
    assert {states[name] for name in names(group="shards")} == {"compute"}, "there is no tokenizer"
    assert forecast.parts == forecast.reused_parts > 0

    later = {"name": "s", "dumps": ["d"], "max_cluster": 7}
    lake.write_bytes("cards/releases/s.yaml", yaml.safe_dump(later).encode())
    steps = {step.table: step for step in of_release(lake, "s").steps}
    assert steps["duplicates"].state == "compute" and steps["duplicates"].cpu_seconds is not None
    assert (steps["clusters"].state, steps["clusters"].why) == ("follows", "follows duplicates")
    assert steps["rejected"].why == "follows release_decisions"
    assert steps["skypile_main"].num_bytes == lake.current("skypile_main", "r").manifest.bytes

"""What a dump, a release or a training run will cost, before anything starts."""

from __future__ import annotations

import click

from jobs.settings import Settings
from pipelines.lake import Lake


@click.command(help="Tokens, repetitions and steps of a training run, before anything starts.")
@click.argument("name")
def plan(name: str) -> None:
    from model.card import RunCard
    from model.plan import build_plan

    lake: Lake = Settings.from_environment().open_lake()
    card = RunCard.load(lake.local(f"cards/runs/{name}.yaml"))
    sources = {n: lake.current(f"{n}_shards", card.release).read_json("shards.json") for n in ("main", "stem")}
    click.echo(build_plan(card, sources).describe())


COMMANDS = [plan]

"""What a dump, a release or a training run will cost, before anything starts.

A name is looked up among the cards of each life; every card of that name is planned.
"""

from __future__ import annotations

from collections.abc import Callable

import click

from jobs.settings import Settings
from pipelines.lake import Lake, LakeError


def plan_run(lake: Lake, name: str, teraflops: float | None) -> str:
    """Sources, repetitions, steps, learning rates, memory, disk and hours of a training run. No
    GPU, no torch."""
    from model.checkpoints.store import run_folder
    from model.cost import run_cost
    from model.plan.build import build_plan
    from model.plan.card import RunCard
    from model.plan.describe import describe_plan
    from model.plan.prepare import listings_of, training_shards

    card = RunCard.load(lake.local(f"cards/runs/{name}.yaml"))
    listings = listings_of(training_shards(lake, card))
    plan = build_plan(card, listings[card.release], listings)
    flops = teraflops * 1e12 if teraflops else run_cost.FLOPS_PER_RANK
    try:
        config = card.config(listings[card.release]["main"].get("vocab_size"))
        costs = run_cost.describe(card, plan, config, flops, run_folder(lake, Settings().runs, name))
    except ValueError as error:  # an unknown preset, or ranks that do not divide the batch
        raise LakeError(f"run {name}: {error}") from None
    return f"{describe_plan(plan)}\n{costs}"


def plan_dump(lake: Lake, name: str, _: float | None) -> str:
    """Files, bytes, what of the dump's tables would be computed, CPU hours and disk. No JVM."""
    from jobs.forecast import describe, of_dump

    return describe("dump", of_dump(lake, name))


def plan_release(lake: Lake, name: str, _: float | None) -> str:
    """Parts, bytes, what of the release's tables would be computed, CPU hours and disk. No JVM."""
    from jobs.forecast import describe, of_release

    return describe("release", of_release(lake, name))


PLANNERS: dict[str, Callable[[Lake, str, float | None], str]] = {
    "dumps": plan_dump,
    "releases": plan_release,
    "runs": plan_run,
}


@click.command(help="What a dump, a release or a run will read, compute and cost, before anything starts.")
@click.argument("name")
@click.option(
    "--teraflops", type=float, help="Of a run: sustained by each rank; by default the paper's 176 of an A800."
)
def plan(name: str, teraflops: float | None) -> None:
    lake: Lake = Settings().open_lake()
    found = [planner for kind, planner in PLANNERS.items() if lake.exists(f"cards/{kind}/{name}.yaml")]
    if not found:
        places = ", ".join(f"{lake.root}/cards/{kind}/{name}.yaml" for kind in PLANNERS)
        raise LakeError(f"no card is named {name!r}: none of {places} exists")
    for planner in found:
        click.echo(planner(lake, name, teraflops))


COMMANDS = [plan]

"""Commands on training runs."""

from __future__ import annotations

import click


@click.command(help="Train and evaluate a run that has a card in lake/cards/runs.")
@click.argument("name")
def run(name: str) -> None:
    from jobs.runner import open_instance, run_training

    with open_instance() as instance:
        run_training(instance, name)


COMMANDS = [run]

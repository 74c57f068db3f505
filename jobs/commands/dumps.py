"""Commands on dumps and their documents."""

from __future__ import annotations

import click


@click.command(help="Run all assets of dumps that have a card in lake/cards/dumps.")
@click.argument("names", nargs=-1, required=True)
def dump(names: tuple[str, ...]) -> None:
    from jobs.runner import open_instance, run_dumps

    with open_instance() as instance:
        run_dumps(instance, list(names))


COMMANDS = [dump]

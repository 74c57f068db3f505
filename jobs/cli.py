"""`python -m jobs.cli`: dumps, releases, training runs, and the web UI.

Belongs here: the command group and how errors look. Does not belong here: the commands themselves
(jobs/commands/).
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from jobs.commands import (
    cards,
    corpora,
    documents,
    dumps,
    labels,
    plan,
    releases,
    runs,
    tables,
    tokenizer,
    trace,
)
from jobs.failure import JobFailed
from pipelines.cards.base import CardError
from pipelines.lake import LakeError


@click.group(help="skypile: from web dumps to a two-stage trained model.")
def cli() -> None:
    """The command group."""


@cli.command(help="Dagster's web UI and daemon, on this machine alone unless --host says otherwise.")
@click.option("--port", default=3000, show_default=True, help="Port of the web UI.")
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address of the web UI. Beyond loopback it asks for a token.",
)
def up(port: int, host: str) -> None:
    from jobs.runner import open_instance
    from jobs.services import run

    with open_instance():
        pass
    run(Path(os.environ["DAGSTER_HOME"]), host, port)


for module in (cards, dumps, documents, labels, corpora, releases, tables, tokenizer, runs, plan, trace):
    for command in module.COMMANDS:
        cli.add_command(command)


def main() -> None:
    """Run the command line; what a person has to mend is one sentence on standard error."""
    try:
        cli()
    except (LakeError, CardError, JobFailed) as error:
        sys.exit(f"skypile: {error}")


if __name__ == "__main__":
    main()

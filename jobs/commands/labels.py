"""Labels of a dump's documents: reading documents and saying which are worth keeping."""

from __future__ import annotations

import getpass

import click

from jobs.settings import Settings

HOST = "127.0.0.1"


def _user() -> str:
    """The name of this account, where it has one."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "someone"


@click.command(
    help="Serve a page, to this machine alone, on which you read documents of a dump and answer keep, drop"
    " or border by keyboard. Answers lie in cards/labels/DUMP.jsonl of the lake; it goes on where you"
    " stopped."
)
@click.argument("dump")
@click.option(
    "--sample", default=90, show_default=True, type=click.IntRange(min=1), help="Documents to be read."
)
@click.option("--labeller", default=_user, show_default="your account", help="Who answers.")
@click.option(
    "--port",
    default=3001,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port of the page; 0 for any that is free.",
)
def label(dump: str, sample: int, labeller: str, port: int) -> None:
    import uvicorn

    from jobs.guard import Guard
    from jobs.labelling import Sitting, application, listening
    from jobs.webserver import names, token_for
    from pipelines.cards.dump import DumpCard
    from pipelines.cards.labels import labels_path
    from pipelines.inspection.numbers import judged_tables

    settings = Settings()
    lake = settings.open_lake()
    tables = judged_tables(lake, DumpCard.load(lake.local(f"cards/dumps/{dump}.yaml")))
    sitting = Sitting(lake, tables, labeller, sample)
    token = token_for(HOST, settings)
    app = Guard(application(sitting), names(HOST, settings), token)
    with listening(HOST, port) as listener:
        shown = f"?token={token}" if token and not settings.ui_token else ""
        click.echo(
            f"{len(sitting.drawn):,} documents of {dump}, {len(sitting.answers()):,} answered by {labeller};"
            f" answers go to {lake.root}/{labels_path(dump)}\n"
            f"http://{HOST}:{listener.getsockname()[1]}/{shown}   (Ctrl-C ends it)"
        )
        uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])


COMMANDS = [label]

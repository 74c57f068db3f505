"""Labels of a dump's documents: reading documents and saying which are worth keeping, and what
follows from that for the policy."""

from __future__ import annotations

import getpass
from pathlib import Path

import click
from pydantic import ValidationError

from jobs.settings import Settings
from pipelines.inspection.bound_search import FitOptions

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


@click.group(help="What follows from labels for the policy.")
def policy() -> None:
    """The command group."""


@policy.command(
    help="Propose bounds by the labels of dumps: what each bound removes alone, which to move and on what"
    " grounds, and what that changes in the dumps. Publishes nothing, and changes no card."
)
@click.argument("dumps", nargs=-1, required=True)
@click.option(
    "--policy",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The policy to begin with; by default that of the lake.",
)
@click.option(
    "--keep-recall",
    default=FitOptions().keep_recall,
    show_default=True,
    help="Least keep recall that a move may leave.",
)
@click.option(
    "--labels",
    default=FitOptions().labels,
    show_default=True,
    help="Labelled documents that a move has to decide otherwise.",
)
@click.option(
    "--folds",
    default=FitOptions().folds,
    show_default=True,
    help="Parts of the hosts, each left out once.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="Write the whole policy to this new file; it may become cards/policy.yaml.",
)
def fit(dumps: tuple[str, ...], path: Path | None, output: Path | None, **numbers: float) -> None:
    from pipelines.cards.dump import DumpCard
    from pipelines.cards.labels import read_labels
    from pipelines.filtering.policy import Policy, current_policy
    from pipelines.inspection.dry_run import preview
    from pipelines.inspection.fit_rows import rows_of
    from pipelines.inspection.fitting import fit as fit_policy
    from pipelines.inspection.labelled import find_labelled
    from pipelines.inspection.numbers import judged_tables
    from pipelines.lake import LakeError
    from pipelines.lake.atomic import create_whole

    options = validated_options(numbers)
    if output and output.exists():
        raise click.UsageError(f"{output} is there already: name a new file")
    lake = Settings().open_lake()
    start = Policy.load(path) if path else current_policy(lake)
    cards = {name: DumpCard.load(lake.local(f"cards/dumps/{name}.yaml")) for name in dumps}
    tables = {name: judged_tables(lake, card, start) for name, card in cards.items()}
    labels = {name: find_labelled(tables[name], read_labels(lake, name)) for name in dumps}
    rows = rows_of([(tables[name], found.decided) for name, found in labels.items()], start)
    if rows is None:
        raise LakeError(f"no label of {', '.join(dumps)} counts: `skypile label {dumps[0]}` asks for some")
    for name, found in labels.items():
        for what, several in (("of another text", found.changed), ("of documents that are gone", found.gone)):
            if several:
                click.echo(f"{name}: {len(several):,} labels are {what}: they do not count")
    proposed = fit_policy(rows, start, options)
    click.echo("\n".join(proposed.lines()))
    if not proposed.moves:
        click.echo("\nno bound is moved")
        return
    for name in dumps:
        click.echo(f"\n{name}, as published and as proposed")
        click.echo("\n".join(f"  {line}" for line in preview(tables[name], proposed.policy).lines()))
    click.echo(f"\n# bounds to be put into the policy {start.name}\n{proposed.as_yaml()}", nl=False)
    if output:
        if not create_whole(output, proposed.whole_policy().encode()):
            raise LakeError(f"{output} is there already: name a new file")
        click.echo(f"\n{output}: look with `skypile decide {' '.join(dumps)} --dry-run --policy {output}`")


def validated_options(numbers: dict[str, float]) -> FitOptions:
    """The options of a fit; click.UsageError says which is out of range."""
    try:
        return FitOptions.model_validate(numbers)
    except ValidationError as error:
        said = "; ".join(f"--{str(e['loc'][0]).replace('_', '-')}: {e['msg']}" for e in error.errors())
        raise click.UsageError(said) from None


COMMANDS = [label, policy]

"""Commands on the documents of dumps: deciding anew, looking at samples, asking why."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.settings import Settings
from pipelines.lake import Lake
from pipelines.tables.inputs import DumpTables


def _tables(lake: Lake, name: str, *tables: str) -> DumpTables:
    from pipelines.cards.dump import DumpCard
    from pipelines.tables.inputs import dump_tables

    return dump_tables(lake, DumpCard.load(lake.local(f"cards/dumps/{name}.yaml")), *tables)


@click.command(
    help="Judge dumps anew under the policy of the lake (cards/policy.yaml, or the project's); reads no text."
)
@click.argument("names", nargs=-1, required=True)
@click.option("--dry-run", is_flag=True, help="Print what would change, by reason, and publish nothing.")
@click.option(
    "--policy",
    "path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Another policy file, for --dry-run.",
)
def decide(names: tuple[str, ...], dry_run: bool, path: Path | None) -> None:
    if not dry_run:
        if path:
            raise click.UsageError(
                "--policy is for --dry-run; copy the file to cards/policy.yaml of the lake"
                " to publish under it"
            )
        from jobs.runner import execute, open_instance

        with open_instance() as instance:
            instance.add_dynamic_partitions("dump", list(names))
            for name in names:
                execute(instance, "dump", name, ["decisions"])
        return
    from pipelines.cards.classifier import FOLDER
    from pipelines.filtering.policy import Policy, classifiers_of, current_policy
    from pipelines.inspection.dry_run import preview

    lake = Settings().open_lake()
    policy = Policy.load(path) if path else current_policy(lake)
    needed = ("signals", "scores", "decisions", *(f"{FOLDER}/{n}" for n in classifiers_of(policy)))
    for name in names:
        click.echo(f"{name} under policy {policy.name}")
        click.echo("\n".join(f"  {line}" for line in preview(_tables(lake, name, *needed), policy).lines()))


@click.command(help="Kept and rejected samples of dumps by reason and language; personal data is masked.")
@click.argument("names", nargs=-1, required=True)
@click.option("--reason", default="", help="One reason only, as group/name, or `kept`.")
@click.option("--language", default="", help="One language only.")
@click.option("--count", default=2, show_default=True, help="Documents for each reason and language.")
@click.option("--characters", default=400, show_default=True, help="Characters of each document.")
@click.option(
    "--html",
    "page",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a page instead of printing.",
)
def inspect(
    names: tuple[str, ...], reason: str, language: str, count: int, characters: int, page: Path | None
) -> None:
    from pipelines.inspection.labelled import label_lines
    from pipelines.inspection.samples import as_text, check_known, samples
    from pipelines.lake.outputs import replace_file
    from reports.samples import page as samples_page

    lake = Settings().open_lake()
    found = []
    for name in names:
        tables = _tables(lake, name, "decisions")
        click.echo("".join(f"{line}\n" for line in label_lines(lake, tables)), nl=False)
        check_known(tables, reason)
        found += samples(tables, count, reason, language, characters)
    if page:
        replace_file(page, samples_page(found, f"Samples of {', '.join(names)}"), "<title>Samples of ")
        click.echo(f"{len(found)} samples: {page}")
    else:
        click.echo(as_text(found) or "no document matches")


@click.command(help="What every stage said about a URL: why it is in or out.")
@click.argument("url")
@click.option("--release", default="demo", show_default=True, help="The release that is asked about.")
@click.option("--dump", "dumps", multiple=True, help="Look in this dump only.")
def why(url: str, release: str, dumps: tuple[str, ...]) -> None:
    from pipelines.inspection.explain import explain

    click.echo("\n".join(explain(Settings().open_lake(), url, release, dumps)))


COMMANDS = [decide, inspect, why]

"""Commands on releases."""

from __future__ import annotations

import json

import click

from jobs.settings import Settings


@click.command(help="Run all assets of a release that has a card in lake/cards/releases.")
@click.argument("name")
def release(name: str) -> None:
    from jobs.runner import open_instance, run_release

    with open_instance() as instance:
        run_release(instance, name)


@click.command(help="What release SECOND lost, gained and changed against release FIRST, by reason.")
@click.argument("first")
@click.argument("second")
@click.option(
    "--samples", default=5, show_default=True, help="Documents to show of each kind; personal data is masked."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def diff(first: str, second: str, samples: int, as_json: bool) -> None:
    from pipelines.inspection.diff import diff as compare
    from pipelines.inspection.diff import to_json

    found = compare(Settings().open_lake(), first, second, samples)
    if as_json:
        click.echo(json.dumps(to_json(found), ensure_ascii=False, indent=1))
        return
    click.echo(
        f"{first} -> {second}: {found.same_parts} parts are the same, {found.compared_parts} were compared"
    )
    for name in ("lost", "gained", "changed"):
        change = getattr(found, name)
        click.echo(f"{name}: {change.documents:,} documents, {change.characters:,} characters")
        for reason, counts in sorted(change.by_reason.items(), key=lambda r: -r[1]["documents"]):
            click.echo(f"  {counts['documents']:>9,} {counts['characters']:>13,}  {reason}")
        for url, why, beginning in change.samples:
            click.echo(f"    {url}\n      {why}: {beginning}")


COMMANDS = [release, diff]

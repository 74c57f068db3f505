"""Commands on the tables of a lake: what is damaged, what nothing names any more."""

from __future__ import annotations

import sys
from pathlib import PurePosixPath

import click

from jobs.settings import Settings

_RUN = {"dump": "skypile dump {0}", "release": "skypile release {0}"}


@click.command(
    help="Tables that no release, run, checkpoint, card or pointer names; deletes them with --delete."
)
@click.option(
    "--delete", is_flag=True, help="Delete them. Not beside a running job. Without it, nothing is touched."
)
def gc(delete: bool) -> None:
    from pipelines.lake.garbage import gc as collect

    found = collect(Settings().open_lake(), delete)
    for path, size in found.deleted.items():
        click.echo(f"{size:>15,}  {path}")
    verb = "deleted" if delete else "would be deleted (--delete does it)"
    click.echo(
        f"{len(found.deleted)} tables of {found.bytes:,} bytes {verb}; {found.kept} are named and kept"
    )
    if found.staging:
        click.echo(f"{len(found.staging)} unfinished builds lie in staging; a rerun takes them over")


@click.command(
    help="Read every byte of a TABLE, a TABLE/PARTITION, or all tables of a dump or release and what they"
    " were made from, and name what is not as its manifest says. The next run of a dump or release builds"
    " damaged tables anew."
)
@click.argument("names", nargs=-1, required=True)
def verify(names: tuple[str, ...]) -> None:
    from pipelines.lake import verify as verifying

    lake = Settings().open_lake()
    paths, damaged, files, size = dict[str, None](), [], 0, 0
    for name in names:
        found, wrong = verifying.named(lake, name)
        paths |= dict.fromkeys(found)
        damaged += wrong
    mended: dict[str, None] = {}
    for path in paths:
        dataset, parts = verifying.verify(lake, path)
        files += len(dataset.parts) if dataset else 0
        size += dataset.manifest.bytes if dataset else 0
        damaged += [f"{lake.root}/{path}/{part}: {what}" for part, what in parts.items()]
        if parts:
            mended[_mending(path)] = None
    for sentence in damaged:
        click.echo(sentence)
    click.echo(
        f"{len(paths)} tables, {files:,} files, {size:,} bytes read: {len(damaged) or 'nothing'} damaged"
    )
    if damaged:
        if mended:
            click.echo(f"to build anew what is damaged: {', then '.join(sorted(mended))}")
        sys.exit(1)


def _mending(path: str) -> str:
    """The command that builds the dataset in folder `path` anew."""
    from pipelines.catalogue.tables import entry_of

    _, *table, partition, _ = PurePosixPath(path).parts
    entry = entry_of(name := "/".join(table))
    life = entry.life if entry else "global"
    return _RUN[life].format(partition) if life in _RUN else f"a run that makes {name} of {partition}"


COMMANDS = [verify, gc]

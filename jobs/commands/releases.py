"""Commands on releases."""

from __future__ import annotations

import click

from jobs.settings import Settings
from pipelines.lake import LakeError


@click.command(help="Run all assets of a release that has a card in lake/cards/releases.")
@click.argument("name")
@click.option("--preset", default="demo", help="Tokenizer preset: demo (8,192) or full (65,536).", show_default=True)
def release(name: str, preset: str) -> None:
    from jobs.runner import open_instance, run_release

    with open_instance() as instance:
        run_release(instance, name, preset)


@click.command(help="Why is a URL in or out of a release?")
@click.argument("url")
@click.option("--release", "name", default="demo", show_default=True)
def why(url: str, name: str) -> None:
    import pyarrow.compute as pc

    lake = Settings.from_environment().open_lake()
    found = False
    for asset in ("skypile_main", "skypile_stem", "validation_sets", "rejected"):
        dataset = lake.current(asset, name)
        for index in range(len(dataset.parts)):
            table = dataset.read_part(index)
            for row in table.filter(pc.equal(table["url"], url)).to_pylist():
                found = True
                verdict = ", ".join(row["reasons"]) if asset == "rejected" else f"kept in {asset}"
                of = f" of {row['kept_id'].hex()}" if row.get("kept_id") else ""
                click.echo(f"{row['dump']}  {row['doc_id'].hex()}  {verdict}{of}")
    if not found:
        raise LakeError(f"{url} is in no dump of release {name}: is it spelled as in the documents table?")


COMMANDS = [release, why]

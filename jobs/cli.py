"""`python -m jobs.cli`: run a dump, a release or a training run; ask why a URL is in or out; the web UI.

Belongs here: commands and their help texts. Does not belong here: what they do beyond a few lines.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import click

from jobs.settings import ROOT, Settings
from pipelines.lake import Lake, LakeError
from pipelines.settings import CardError


@click.group(help="skypile: from web dumps to a two-stage trained model.")
def cli() -> None:
    """The command group."""


@cli.command(help="Run all assets of dumps that have a card in lake/cards/dumps.")
@click.argument("names", nargs=-1, required=True)
def dump(names: tuple[str, ...]) -> None:
    from jobs.runner import open_instance, run_dumps

    with open_instance() as instance:
        run_dumps(instance, list(names))


@cli.command(help="Run all assets of a release that has a card in lake/cards/releases.")
@click.argument("name")
@click.option("--preset", default="demo", help="Tokenizer preset: demo (8,192) or full (65,536).", show_default=True)
def release(name: str, preset: str) -> None:
    from jobs.runner import open_instance, run_release

    with open_instance() as instance:
        run_release(instance, name, preset)


@cli.command(help="Train and evaluate a run that has a card in lake/cards/runs.")
@click.argument("name")
def run(name: str) -> None:
    from jobs.runner import open_instance, run_training

    with open_instance() as instance:
        run_training(instance, name)


@cli.command(help="Why is a URL in or out of a release?")
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


@cli.command(help="Tokens, repetitions and steps of a training run, before anything starts.")
@click.argument("name")
def plan(name: str) -> None:
    from model.plan import RunCard, build_plan

    lake: Lake = Settings.from_environment().open_lake()
    card = RunCard.load(lake.local(f"cards/runs/{name}.yaml"))
    sources = {n: lake.current(f"{n}_shards", card.release).read_json("shards.json") for n in ("main", "stem")}
    click.echo(build_plan(card, sources).describe())


@cli.command(help="The documents behind a training sample, or the steps that read a URL.")
@click.option("--run", "name", default="demo", show_default=True)
@click.option("--step", type=int, help="Training step, counted from 0.")
@click.option("--sample", type=int, help="Sequence of that step's global batch.")
@click.option("--url", help="A page: which shards and steps read it?")
def trace(name: str, step: int | None, sample: int | None, url: str | None) -> None:
    import json

    from model.trace import of_sample, of_url

    folder = Settings.from_environment().open_lake().local(f"runs/{name}")
    if url:
        found = of_url(folder, url)
    elif step is not None and sample is not None:
        found = of_sample(folder, step, sample)
    else:
        raise click.UsageError("give --step and --sample, or --url")
    click.echo(json.dumps(found, indent=1, ensure_ascii=False, default=str))


@cli.command(help="Dagster's web UI and daemon on 127.0.0.1.")
@click.option("--port", default=3000, show_default=True)
def up(port: int) -> None:
    from jobs.runner import open_instance

    with open_instance():
        pass
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "-w",
        str(ROOT / "workspace.yaml"),
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
    ]
    sys.exit(subprocess.call(command, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)}))


if __name__ == "__main__":
    try:
        cli()
    except (LakeError, CardError) as error:
        sys.exit(f"skypile: {error}")

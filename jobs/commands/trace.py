"""From a training sample to the pages in it, and back."""

from __future__ import annotations

import json

import click

from jobs.settings import Settings


@click.command(help="The documents behind a training sample, or the steps that read a URL.")
@click.option("--run", "name", default="demo", show_default=True, help="The run that read the sample.")
@click.option("--step", type=int, help="Training step, counted from 0.")
@click.option("--sample", type=int, help="Sequence of that step's global batch.")
@click.option("--url", help="A page: which shards, steps and checkpoints read it?")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def trace(name: str, step: int | None, sample: int | None, url: str | None, as_json: bool) -> None:
    from model.data.trace import describe_sample, describe_url, of_sample, of_url

    folder = Settings().run_folder(name)
    if url:
        found = of_url(folder, url)
        text = describe_url(url, found)
    elif step is not None and sample is not None:
        found = of_sample(folder, step, sample)
        text = describe_sample(step, sample, found)
    else:
        raise click.UsageError("give --step and --sample, or --url")
    click.echo(json.dumps(found, indent=1, ensure_ascii=False) if as_json else text)


COMMANDS = [trace]

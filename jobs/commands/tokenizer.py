"""Commands on vocabularies."""

from __future__ import annotations

from pathlib import Path

import click

from jobs.settings import Settings


@click.group(help="Build a vocabulary, and see how it compares.")
def tokenizer() -> None:
    """The group."""


@tokenizer.command(
    help="Train a vocabulary on a release, or extend an existing one with Chinese pieces as the paper did."
)
@click.option(
    "--release",
    default="demo",
    show_default=True,
    help="The release whose SkyPile-Main and -STEM are sampled.",
)
@click.option("--preset", default="demo", show_default=True, help="Sizes: demo (8,192) or full (65,536).")
@click.option(
    "--extend",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A tokenizer.json or a SentencePiece BPE .model.",
)
@click.option("--no-report", is_flag=True, help="Do not measure it beside its peers afterwards.")
def build(release: str, preset: str, extend: Path | None, no_report: bool) -> None:
    from assets.release import TokenizerRequest
    from jobs.runner import execute, open_instance

    request = TokenizerRequest(release=release, preset=preset, extend=str(extend.resolve()) if extend else "")
    assets = ["tokenizer"] if no_report else ["tokenizer", "tokenizer_report"]
    with open_instance() as instance:
        config = {"config": request.model_dump()}
        instance.add_dynamic_partitions("release", [release])
        execute(instance, "release", release, assets, config={"ops": dict.fromkeys(assets, config)})
    lake = Settings().open_lake()
    dataset = lake.current("tokenizer", request.partition())
    click.echo(
        f"tokenizer {request.partition()}: {dataset.stats['vocab_size']} pieces,"
        f" {lake.local(dataset.file('tokenizer.json'))}"
    )


COMMANDS = [tokenizer]

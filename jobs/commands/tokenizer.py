"""Commands on vocabularies."""

from __future__ import annotations

import click

from jobs.settings import Settings


@click.group(help="Build a vocabulary, and see how it compares.")
def tokenizer() -> None:
    """The group."""


@tokenizer.command(
    help="Train the vocabulary that a release's card names; its tokenizer card says whether one is extended."
)
@click.option(
    "--release",
    default="demo",
    show_default=True,
    help="The release whose SkyPile-Main and -STEM are sampled.",
)
@click.option(
    "--tokenizer", "name", default="", help="Another vocabulary: full, demo or one that has a tokenizer card."
)
@click.option("--no-report", is_flag=True, help="Do not measure it beside its peers afterwards.")
def build(release: str, name: str, no_report: bool) -> None:
    from assets.release import TokenizerRequest
    from jobs.runner import execute, open_instance
    from pipelines.cards.release import ReleaseCard

    request = TokenizerRequest(tokenizer=name)
    assets = ["tokenizer"] if no_report else ["tokenizer", "tokenizer_report"]
    with open_instance() as instance:
        config = {"config": request.model_dump()}
        instance.add_dynamic_partitions("release", [release])
        execute(instance, "release", release, assets, config={"ops": dict.fromkeys(assets, config)})
    lake = Settings().open_lake()
    if not name:
        name = ReleaseCard.load(lake.local(f"cards/releases/{release}.yaml")).tokenizer
    dataset = lake.current("tokenizer", name)
    file = lake.local(dataset.file("tokenizer.json"))
    click.echo(f"tokenizer {name}: {dataset.stats['vocab_size']} pieces, {file}")


COMMANDS = [tokenizer]

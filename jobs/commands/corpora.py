"""Commands on published corpora: their data card, their public form."""

from __future__ import annotations

import json
from pathlib import Path

import click

from jobs.settings import Settings

CORPUS = click.option(
    "--corpus",
    type=click.Choice(["main", "stem"]),
    default="main",
    show_default=True,
    help="SkyPile-Main or SkyPile-STEM.",
)


@click.command(
    "data-card",
    help="What a release's corpus is made of: counts, tokens, licences, dates, groups, rejected shares.",
)
@click.argument("release")
@CORPUS
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of Markdown.")
def data_card(release: str, corpus: str, as_json: bool) -> None:
    from pipelines.corpora.data_card import as_markdown
    from pipelines.corpora.data_card import data_card as gather

    card = gather(Settings().open_lake(), release, "stem" if corpus == "stem" else "main")
    click.echo(json.dumps(card, ensure_ascii=False, indent=1) if as_json else as_markdown(card))


@click.command(
    "export-jsonl",
    help="Write a release's corpus in SkyPile-150B's form: JSON lines of `text`, and a data card.",
)
@click.argument("release")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@CORPUS
@click.option("--language", default="", help="One language only (SkyPile-150B: zh).")
@click.option("--category", default="", help="One category only (SkyPile-150B: webpages).")
@click.option(
    "--file-bytes", default=2 << 30, show_default=True, help="Bytes after which a new file is begun."
)
def export_jsonl(
    release: str, folder: Path, corpus: str, language: str, category: str, file_bytes: int
) -> None:
    from pipelines.corpora.export import export_jsonl as write

    lake = Settings().open_lake()
    for path in write(
        lake, release, folder, "stem" if corpus == "stem" else "main", language, category, file_bytes
    ):
        click.echo(f"{path.stat().st_size:>15,}  {path}")


@click.command(
    help="Pair the English and Chinese pages of a dump that are translations of each other, and write them as"
    " JSON lines that a dump card of category `parallel` reads. The dump must have its language."
)
@click.argument("dump")
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    help="The file, in the lake's inputs/, say; it is replaced where it exists.",
)
def parallel(dump: str, output: Path) -> None:
    from pipelines.catalogue.stages import stage_of
    from pipelines.corpora.parallel import write_jsonl
    from pipelines.engine import InProcess
    from pipelines.tables.stage import build

    lake = Settings().open_lake()
    pairs = build(lake, InProcess(), stage_of(lake, "parallel_pairs", dump)).dataset
    click.echo(f"{write_jsonl(pairs, output):,} pairs  {output}")
    for group in ("how", "left_out"):
        for name, number in sorted(pairs.stats.get(group, {}).items(), key=lambda item: (-item[1], item[0])):
            click.echo(f"{number:>10,}  {group.replace('_', ' ')}: {name}")


COMMANDS = [data_card, export_jsonl, parallel]

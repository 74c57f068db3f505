"""Writing the cards of a dump, a release, a vocabulary or a training run, checked before they are
written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import yaml

from jobs.settings import Settings
from pipelines.cards.release import ReleaseCard
from pipelines.cards.tokenizer import PRESETS, TokenizerConfig
from pipelines.lake import LakeError, safe_name


@click.group(help="Write the card of a dump, a release, a vocabulary or a training run.")
def card() -> None:
    """The command group."""


def write(kind: str, name: str, value: dict[str, Any], replace: bool) -> None:
    """Write lake/cards/<kind>s/<name>.yaml and print it; LakeError where there is one already."""
    lake = Settings().open_lake()
    path = f"cards/{kind}s/{safe_name(name)}.yaml"
    if lake.exists(path) and not replace:
        raise LakeError(f"{lake.root}/{path} is there already: change it with an editor, or give --replace")
    text = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    lake.write_bytes(path, text.encode())
    click.echo(f"{lake.root}/{path}\n{text}", nl=False)


REPLACE = click.option("--replace", is_flag=True, help="Write over a card of this name.")


@card.command(help="A dump: files from outside, by globs or listings.")
@click.argument("name")
@click.option(
    "--kind",
    type=click.Choice(["warc", "wet", "jsonl", "parquet"]),
    default="warc",
    show_default=True,
    help="Format of the files.",
)
@click.option(
    "--uri",
    "uris",
    multiple=True,
    required=True,
    help="A file, glob, https:// or s3:// address; may be given again.",
)
@click.option(
    "--category", default="webpages", show_default=True, help="A row of the paper's Table 1, or stem."
)
@click.option("--licence", default="", help="Shown in data cards.")
@click.option(
    "--group", default="host", show_default=True, help="What is never split between training and validation."
)
@click.option("--reference", is_flag=True, help="Good text: the classifiers' positives.")
@REPLACE
def dump(name: str, kind: str, uris: tuple[str, ...], replace: bool, **fields: Any) -> None:
    from pipelines.cards.dump import DumpCard

    value = {"name": name, "kind": kind, "uris": [u if "://" in u else _absolute(u) for u in uris], **fields}
    write("dump", name, validated(DumpCard, value), replace)


def _absolute(path: str) -> str:
    """A path from the root, for an asset may run in another folder; one of a folder ends in `/`, which
    names its files."""
    return str(Path(path).resolve()) + ("/" if path.endswith("/") or Path(path).is_dir() else "")


@card.command(help="A release: which dumps are published together.")
@click.argument("name")
@click.option("--dump", "dumps", multiple=True, required=True, help="A dump's name; may be given again.")
@click.option(
    "--tokenizer",
    default=ReleaseCard.model_fields["tokenizer"].default,
    show_default=True,
    help="Vocabulary of its token shards: full (65,536), demo (8,192), or one that has a card.",
)
@REPLACE
def release(name: str, dumps: tuple[str, ...], tokenizer: str, replace: bool) -> None:
    write(
        "release",
        name,
        validated(ReleaseCard, {"name": name, "dumps": list(dumps), "tokenizer": tokenizer}),
        replace,
    )


@card.command(
    help="A vocabulary of your own sizes, or one that extends another as the paper extends LLaMA's."
)
@click.argument("name")
@click.option(
    "--preset", type=click.Choice(PRESETS), default="full", show_default=True, help="The sizes to begin with."
)
@click.option(
    "--extends",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A tokenizer.json or a SentencePiece BPE .model, whose ids stay.",
)
@REPLACE
def tokenizer(name: str, preset: str, extends: Path | None, replace: bool) -> None:
    file = str(extends.resolve()) if extends else ""
    value = TokenizerConfig.preset(preset).model_dump(mode="json") | {"name": name, "extends": file}
    write("tokenizer", name, validated(TokenizerConfig, value), replace)


@card.command(help="A small two-stage training run of a release, to be edited: phases, mixture, sizes.")
@click.argument("name")
@click.option("--release", required=True, help="A release whose shards are there.")
@REPLACE
def run(name: str, release: str, replace: bool) -> None:
    from model.plan.card import default_run_card

    lake = Settings().open_lake()
    shards = {n: lake.current(f"{n}_shards", release).read_json("shards.json") for n in ("main", "stem")}
    write("run", name, default_run_card(name, release, shards).model_dump(mode="json"), replace)


def validated(model: Any, value: dict[str, Any]) -> dict[str, Any]:
    """`value`, once the card's own checks have accepted it; click.UsageError says which key is
    wrong."""
    from pydantic import ValidationError

    try:
        model.model_validate(value)
    except ValidationError as error:
        raise click.UsageError(
            "; ".join(f"{'.'.join(str(p) for p in e['loc'])}: {e['msg']}" for e in error.errors())
        ) from None
    return value


COMMANDS = [card]

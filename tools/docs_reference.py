"""Write the reference pages of the documentation from the code: tables, cards, settings, commands.

`python -m tools.docs_reference FOLDER` writes one Markdown page each. Belongs here: reading what the
code says of itself, and laying it out. Does not belong here: any text about a column, a field or a
command; it stands where the thing is defined.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import pyarrow as pa
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

GENERATED = "<!-- written by tools/docs_reference.py -->\n"
CARDS = {
    "DumpCard": "cards/dumps/NAME.yaml",
    "ReleaseCard": "cards/releases/NAME.yaml",
    "TokenizerConfig": "cards/tokenizers/NAME.yaml",
    "RunCard": "cards/runs/NAME.yaml",
    "ClassifierCard": "cards/classifiers/NAME.yaml",
    "Policy": "cards/policy.yaml",
    "Label": "cards/labels/DUMP.jsonl, one a line",
    "CheckBounds": "cards/checks.yaml",
    "MinHashParameters": "cards/minhash.yaml",
    "ParallelBounds": "cards/parallel.yaml",
}
"""The cards that a lake holds, and where."""


def modules(package: str) -> Iterator[types.ModuleType]:
    """Every module of a package, imported."""
    root = importlib.import_module(package)
    for found in pkgutil.walk_packages(root.__path__, package + "."):
        if not found.name.endswith("__main__"):
            yield importlib.import_module(found.name)


def cell(text: str) -> str:
    """Text within a row of a Markdown table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [f"| {' | '.join(head)} |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *(f"| {' | '.join(cell(c) for c in row)} |" for row in rows)]) + "\n"


# --- tables ---------------------------------------------------------------------------------------


def arrow(kind: pa.DataType) -> str:
    """An Arrow type as a reader would write it."""
    if pa.types.is_struct(kind):
        return "struct(" + ", ".join(f"{f.name}: {arrow(f.type)}" for f in kind) + ")"
    if pa.types.is_list(kind):
        return f"list of {arrow(kind.value_type)}"
    return f"{kind.byte_width} bytes" if pa.types.is_fixed_size_binary(kind) else str(kind)


def assets() -> dict[str, Any]:
    """Every asset of the graph by name, in the order of the definitions."""
    from jobs.definitions import build_definitions

    definitions = build_definitions()
    graph = definitions.resolve_asset_graph()
    listed: Iterable[Any] = definitions.assets or ()
    keys = [key for asset in listed for key in asset.keys]
    return {key.to_user_string(): graph.get(key) for key in keys}


def tables_page() -> str:
    """Tables by asset: columns, who writes them, who reads them."""
    from pipelines.tables.columns import REGISTER

    list(modules("pipelines"))
    nodes = assets()
    names = {name: [t for t in REGISTER if t == name or t.startswith(name + "/")] for name in nodes}
    beside = [t for t in REGISTER if t not in {t for found in names.values() for t in found}]
    page = [
        "# Tables\n\nOne section for each asset of the graph, in order of the data's life. A table is a"
        "\nset of Parquet parts (zstd) with a `_manifest.json`, below"
        "\n`tables/NAME/PARTITION/CONTENT_HASH` of the lake; `pointers/NAME/PARTITION` names the current one."
        "\nPart i of every table of one dump has the rows of part i of `documents`, in one order."
        "\nWhatever reads text reads `documents` with `edits`.\n"
    ]
    for name, node in nodes.items():
        readers = sorted(key.to_user_string() for key in node.child_keys)
        page.append(f"\n## `{name}`\n\n{(node.description or '').strip()}\n")
        partition = getattr(node.partitions_def, "name", None) or "none"
        file = node.assets_def.node_def.compute_fn.decorated_fn.__module__.replace(".", "/") + ".py"
        page.append(f"- Partition: {partition}. Group: {node.group_name}. Written by `{name}` in `{file}`.")
        page.append(
            f"- Read by: {', '.join(f'[`{r}`](#{anchor(r)})' for r in readers) or 'people and commands'}.\n"
        )
        for key in names[name]:
            if key != name:
                page.append(f"### `{key}`\n")
            page.append(columns(key))
    if beside:
        page.append("\n## Tables beside an asset\n\nWritten by the stage of the asset that needs them.\n")
        page += [f"### `{key}`\n\n{columns(key)}" for key in beside]
    return "\n".join(page)


def anchor(name: str) -> str:
    """The heading's anchor of a name in backquotes."""
    return name.replace("/", "")


def columns(key: str) -> str:
    from pipelines.tables.columns import REGISTER

    found = REGISTER[key]
    rows = [("`doc_id`", "16 bytes", "as in documents")] if key.startswith("signals/") else []
    rows += [(f"`{f.name}`", arrow(f.type), found.meanings[f.name]) for f in found.schema]
    return table(("column", "type", "meaning"), rows)


# --- cards ----------------------------------------------------------------------------------------


def cards() -> dict[str, type[BaseModel]]:
    """Every model that a person writes in YAML, and the models within it, by name."""
    from model.plan.card import RunCard
    from pipelines.cards.base import Card

    list(modules("pipelines"))
    found: dict[str, type[BaseModel]] = {}

    def add(model: type[BaseModel]) -> None:
        if model.__name__ in found:
            return
        found[model.__name__] = model
        for field in model.model_fields.values():
            for inner in within(field.annotation):
                add(inner)

    def all_cards(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
        for sub in model.__subclasses__():
            if not sub.__module__.startswith("tests."):
                yield sub
                yield from all_cards(sub)

    models: list[type[BaseModel]] = [*all_cards(Card), RunCard]
    for model in sorted(models, key=rank):
        add(model)
    return found


def rank(model: type[BaseModel]) -> tuple[int, str]:
    """The lake's cards first, then the others by name."""
    order = list(CARDS)
    return (order.index(model.__name__) if model.__name__ in order else len(order), model.__name__)


def within(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that an annotation holds."""
    if isinstance(annotation, type) and not typing.get_args(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from within(argument)


def spelled(annotation: Any) -> str:
    """A type as a reader of YAML would say it."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " or ".join(f"`{a}`" for a in arguments)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(spelled(a) for a in arguments)
    if origin is tuple:
        if len(arguments) == 2 and arguments[1] is Ellipsis:
            return f"list of {spelled(arguments[0])}"
        return "(" + ", ".join(spelled(a) for a in arguments) + ")"
    if origin is dict:
        return f"mapping to {spelled(arguments[1])}"
    if annotation is type(None):
        return "nothing"
    if annotation is Any:
        return "any"
    words = {str: "text", int: "whole number", float: "number", bool: "true or false", Path: "path"}
    name = str(words.get(annotation) or getattr(annotation, "__name__", annotation))
    is_model = isinstance(annotation, type) and issubclass(annotation, BaseModel)
    return f"[{name}](#{name.lower()})" if is_model else name


def default(field: FieldInfo) -> str:
    """The default as it would stand in YAML."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return "required"
    if isinstance(value, BaseModel):
        return "its defaults"
    if isinstance(value, tuple | list):
        return "`[" + ", ".join(map(str, value)) + "]`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return "nothing" if value is None else '`""`' if value == "" else f"`{value}`"


BOUNDS = {
    "gt": "above {}",
    "ge": "at least {}",
    "lt": "below {}",
    "le": "at most {}",
    "min_length": "at least {} long",
}


def bounds(field: FieldInfo) -> str:
    """What the field's own constraints allow."""
    said = []
    for rule in field.metadata:
        for name, words in BOUNDS.items():
            if getattr(rule, name, None) is not None:
                said.append(words.format(getattr(rule, name)))
    return f" ({', '.join(said)})" if said else ""


def fields(model: type[BaseModel]) -> str:
    """The table of a model's fields."""
    rows = [
        (f"`{name}`", spelled(f.annotation) + bounds(f), default(f), f.description or "")
        for name, f in model.model_fields.items()
    ]
    return table(("key", "type", "default", "meaning"), rows)


def cards_page() -> str:
    """Every field of every card."""
    page = [
        "# Cards\n\nEvery key of every card: YAML files below the lake that say what there is and how it is"
        "\nto be treated. Unknown keys and values out of range are refused by name. Examples:"
        "\n[cards](../cards.md).\n"
    ]
    for name, model in cards().items():
        where = f" `{CARDS[name]}`." if name in CARDS else ""
        said = inspect.cleandoc(model.__doc__ or "")
        page.append(
            f"\n## {name}\n\n{said}\n\nDefined in `{model.__module__.replace('.', '/')}.py`.{where}\n"
        )
        page.append(fields(model))
    return "\n".join(page)


# --- settings -------------------------------------------------------------------------------------


def settings_page() -> str:
    """Every SKYPILE_* variable."""
    from jobs.settings import Settings

    rows = []
    prefix = str(Settings.model_config.get("env_prefix", ""))
    for name, field in Settings.model_fields.items():
        alias = field.validation_alias
        variable = alias if isinstance(alias, str) else f"{prefix}{name}".upper()
        shown = default(field).replace(str(Path(__file__).resolve().parents[1]), "the checkout's ")
        rows.append((f"`{variable}`", spelled(field.annotation), shown, field.description or ""))
    return "# Settings\n\nEnvironment variables. Each has a default that works on a laptop.\n\n" + table(
        ("variable", "type", "default", "meaning"), rows
    )


# --- commands -------------------------------------------------------------------------------------


def commands(group: click.Group, prefix: str = "skypile") -> Iterator[tuple[str, click.Command]]:
    """Every command with its full name."""
    for name, command in sorted(group.commands.items()):
        if isinstance(command, click.Group):
            yield from commands(command, f"{prefix} {name}")
        else:
            yield f"{prefix} {name}", command


def commands_page() -> str:
    """Every command: what it does, its arguments and options."""
    from jobs.cli import cli

    page = ["# Commands\n\n`.venv/bin/skypile`, or `python -m jobs.cli`. `--help` prints these texts.\n"]
    for name, command in commands(cli):
        context = click.Context(command, info_name=name)
        arguments = " ".join(command.collect_usage_pieces(context))
        page.append(f"\n## {name}\n\n{command.help}\n\n```text\n{name} {arguments}\n```\n")
        rows = []
        for option in command.params:
            if isinstance(option, click.Option):
                kind = "flag" if option.is_flag else option.type.name
                value = option.default
                shown = "" if option.is_flag or value in (None, "", ()) or callable(value) else f"`{value}`"
                if "Sentinel" in repr(value):
                    shown = ""
                rows.append((f"`{'`, `'.join(option.opts)}`", kind, shown, option.help or ""))
        if rows:
            page.append(table(("option", "value", "default", "meaning"), rows))
    return "\n".join(page)


PAGES = {
    "tables.md": tables_page,
    "cards.md": cards_page,
    "settings.md": settings_page,
    "commands.md": commands_page,
}


def main(folder: Path) -> None:
    """Write every page below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(GENERATED + page(), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))

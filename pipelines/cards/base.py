"""The base of every card and config: typed, frozen, unknown keys refused, read from YAML.

Belongs here: how a card is read and what its errors say. Does not belong here: any field.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Self

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, ValidationError

from pipelines.lake import Lake, LakeError, plain_name, refuse_not_finite


class CardError(Exception):
    """A card or config that cannot be used: names the file, the key and what was expected."""


def _plain_name(value: str) -> str:
    try:
        return plain_name(value)
    except LakeError as error:  # pydantic gathers ValueError only
        raise ValueError(str(error)) from None


CardName = Annotated[str, AfterValidator(_plain_name)]
"""A card's name: a partition key, and the card's file name."""


def card_names(lake: Lake, folder: str) -> list[str]:
    """Sorted names of the cards in a folder of the lake: files NAME.yaml whose name a card may
    have. What editors leave beside a card is none."""
    return sorted(name for name, fault in _names(lake, folder) if not fault)


def misnamed_cards(lake: Lake, folder: str) -> list[str]:
    """A sentence for each file NAME.yaml of a folder that would be a card under another name; what
    editors leave is not among them."""
    return [
        f"{folder}/{name}.yaml is not read as a card: {fault}"
        for name, fault in sorted(_names(lake, folder))
        if fault and not name.startswith((".", "#")) and "~" not in name
    ]


def _names(lake: Lake, folder: str) -> list[tuple[str, str]]:
    """NAME of each file NAME.yaml, and what keeps it from being a card's name."""
    found = []
    for file in (path.rsplit("/", 1)[-1] for path in lake.files(folder)):
        if file.endswith(".yaml"):
            name, fault = file.removesuffix(".yaml"), ""
            try:
                plain_name(name)
            except LakeError as error:
                fault = str(error)
            found.append((name, fault))
    return found


class Card(BaseModel):
    """A frozen model read from a YAML file. The docstring below a field is its description: what it
    means, its unit, where its default comes from."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=False, use_attribute_docstrings=True, allow_inf_nan=False
    )
    named_by_file: ClassVar[bool] = False
    """Whether the card's `name` is the name of its file: a copied card would move the pointers of
    the card that it was copied from."""
    written_by: ClassVar[str] = ""
    """The command that writes a first card of this kind, "" where there is none."""

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Read a card; CardError names the file and every wrong key, or the name that is not the
        file's."""
        try:
            data: Any = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
        except FileNotFoundError:
            how = f"; `{cls.written_by}` makes one" if cls.written_by else ""
            raise CardError(
                f"{path}: no such file; write a {cls.__name__} there (docs/cards.md){how}"
            ) from None
        except (yaml.YAMLError, ValueError) as error:  # a date such as 2023-13-45; other than UTF-8
            raise CardError(f"{path}: not readable as YAML: {error}") from None
        if not isinstance(data, dict):
            raise CardError(f"{path}: expected a mapping with the keys {', '.join(cls.model_fields)}")
        try:
            refuse_not_finite(data)
            card = cls.model_validate(data)
        except ValidationError as error:
            lines = [f"{'.'.join(str(p) for p in e['loc']) or 'card'}: {e['msg']}" for e in error.errors()]
            raise CardError(f"{path}: " + "; ".join(lines)) from None
        except ValueError as error:
            raise CardError(f"{path}: {error}") from None
        stem = Path(path).stem
        if cls.named_by_file and (name := getattr(card, "name", stem)) != stem:
            raise CardError(
                f"{path} says `name: {name}`, and a card's file name is its name:"
                f" write `name: {stem}` into it, or rename the file to {name}.yaml"
            )
        return card

    @classmethod
    def of_lake(cls, lake: Lake, path: str) -> Self:
        """The card that a lake has at `path`, or the defaults where it has none."""
        return cls.load(lake.local(path)) if lake.exists(path) else cls()

    def parameters(self) -> dict[str, Any]:
        """The values as plain JSON, for manifests and recompute keys."""
        return self.model_dump(mode="json")

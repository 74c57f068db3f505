"""`run.json`: all that the ranks of a run are told, written before every start.

Belongs here: its keys, its one writer and its readers. Does not belong here: what goes into it
(prepare.py), what a person asks (card.py). No torch.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import Field, PlainSerializer, PlainValidator, ValidationError

from model.network.config import ModelConfig, model_config, vocabulary
from model.plan.base import Config, PlanError, sentence
from model.plan.card import RunSettings
from model.plan.plan import Plan
from pipelines.lake import Lake

RUN_FILE = "run.json"
VERSION: Literal[1] = 1


def _read_plan(value: Any) -> Plan:
    return value if isinstance(value, Plan) else Plan.from_json(value)


class ShardAddresses(Config):
    """Where ranks read the shard sets: folders, or `s3://` addresses, of which they fetch only what
    they read."""

    main: str
    """SkyPile-Main of the run's release."""
    stem: str
    """SkyPile-STEM of the run's release."""
    validation: str
    """The validation sets of the run's release; a folder."""
    others: dict[str, dict[str, str]] = Field(default_factory=dict)
    """By release and corpus: the sets of the other releases that phases read."""

    def by_corpus(self) -> dict[str, str]:
        """The training sets as the loader takes them: by corpus, those of other releases by
        release/corpus."""
        others = {f"{r}/{c}": a for r, sets in self.others.items() for c, a in sets.items()}
        return {"main": self.main, "stem": self.stem, **others}


class RunFile(Config):
    """What `run.json` says."""

    version: Literal[1] = VERSION
    """Of this form."""
    run: str
    """The run's name."""
    release: str
    """The release that the card names."""
    plan: Annotated[Plan, PlainValidator(_read_plan), PlainSerializer(Plan.to_json)]
    """What is read at which step, and at which learning rate."""
    model: str | dict[str, Any]
    """A preset's name, or every value of a model's shape (model/network/config.py)."""
    settings: RunSettings
    """The card's, as they stand."""
    shards: ShardAddresses
    """Where the tokens are."""
    tokenizer: str = ""
    """The `tokenizer.json` that made the shards; empty: none is exported beside the weights, and
    the vocabulary is the preset's."""
    inputs: dict[str, str] = Field(default_factory=dict)
    """Content hash of the release's shard sets and of the tokenizer, by table."""
    fork: str = ""
    """Folder of another run's checkpoint, from which the first start goes on."""
    checkpoint_store: str = ""
    """Address of the run's copies of its checkpoints; empty: none are made."""

    @property
    def tokenizer_file(self) -> Path | None:
        """The `tokenizer.json`, if there is one."""
        return Path(self.tokenizer) if self.tokenizer else None

    @property
    def shape(self) -> ModelConfig:
        """The model's shape, with the tokenizer's vocabulary. Raises PlanError."""
        try:
            return model_config(self.model, vocabulary(self.tokenizer_file))
        except ValueError as error:
            raise PlanError(f"{RUN_FILE} of run {self.run}, model: {error}") from None

    @classmethod
    def parse(cls, value: Mapping[str, Any], where: str) -> Self:
        """What was read at the address `where`; PlanError names it and every wrong key."""
        if value.get("version") != VERSION:
            raise PlanError(
                f"{where} is of version {value.get('version')}, this code reads {VERSION}: go on with"
                f" the code"
                " that wrote it, or remove the run's folder and start anew"
            )
        try:
            return cls.model_validate(value)
        except ValidationError as error:
            raise PlanError(f"{where}: {sentence(error)}") from None

    @classmethod
    def load(cls, folder: Path) -> Self:
        """The run file of a run's folder; PlanError where there is none."""
        path = folder / RUN_FILE
        try:
            return cls.parse(json.loads(path.read_text(encoding="utf-8")), str(path))
        except FileNotFoundError:
            raise PlanError(
                f"{path} does not exist: the run has not been started; start the run first"
                f" (skypile run {folder.name})"
            ) from None
        except json.JSONDecodeError as error:
            raise PlanError(f"{path} is not JSON ({error}): start the run again to have it written") from None

    def write(self, folder: str | Path) -> None:
        """Replace the run file of a folder, or of an `s3://` address, as a whole."""
        Lake(folder).write_json(RUN_FILE, self.model_dump(mode="json"))

    def changed(self, before: RunFile) -> list[str]:
        """The keys that differ from those that the run began with and may not.

        What the plan changed was judged when it was built. Addresses may change because the
        contents behind them (`inputs`) are compared; the settings of FREE change no trained number.
        """
        names = [n for n in ("run", "release", "model", "inputs") if getattr(self, n) != getattr(before, n)]
        return names + [
            n
            for n in RunSettings.model_fields
            if n not in FREE and getattr(self.settings, n) != getattr(before.settings, n)
        ]


FREE = frozenset(
    (
        "keep_last",
        "keep_every",
        "validation_sequences",
        "limit_seconds",
        "preflight",
        "peak_flops",
        "evaluation",
    )
)
"""Settings that may change while a run goes on."""

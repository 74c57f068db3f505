"""From a card and the published shards of its releases to the run file.

Belongs here: which inputs a run has, by address and content hash, and what a run that goes on may
change. Does not belong here: the plan itself (build.py), who asks for it. No torch.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from model.network.config import vocabulary
from model.plan.base import PlanError
from model.plan.build import build_plan
from model.plan.card import RunCard
from model.plan.run_file import RunFile, ShardAddresses
from model.plan.sources import CORPORA
from pipelines.lake import Dataset, Lake


def training_shards(lake: Lake, card: RunCard) -> dict[str, dict[str, Dataset]]:
    """The present shard sets, by corpus, of the card's release and of those that its phases
    name."""
    releases = dict.fromkeys((card.release, *card.releases))
    return {r: {c: lake.current(f"{c}_shards", r) for c in CORPORA} for r in releases}


def listings_of(shards: Mapping[str, Mapping[str, Dataset]]) -> dict[str, dict[str, Any]]:
    """What the sets of `training_shards` hold: the `shards.json` of each."""
    return {r: {c: d.read_json("shards.json") for c, d in sets.items()} for r, sets in shards.items()}


def address(shards: Dataset) -> str:
    """Where ranks read a shard set: a folder, or the set on S3."""
    return f"{shards.lake.root}/{shards.path}" if shards.lake.is_s3 else str(shards.local())


def checkpoint_store(lake: Lake, card: RunCard, run: str) -> str:
    """Where the run's checkpoints are copied to; empty where the lake is a folder and the card
    names no store."""
    if card.checkpoint_store:
        return f"{card.checkpoint_store.rstrip('/')}/{run}"
    return f"{lake.root}/runs/{run}" if lake.is_s3 else ""


def prepare_run(
    lake: Lake,
    run: str,
    card: RunCard,
    tokenizer: str,
    fork: str,
    before: RunFile | None = None,
    step: int = 0,
) -> RunFile:
    """The run file of a card over the shards that the lake has now.

    `tokenizer` is the tokenizer's name, `fork` the folder of the checkpoint that the card names. A
    run that has saved `step` under the file `before` keeps the phases it has begun. PlanError for
    shards of another tokenizer, for a plan that cannot be trained, and for what may not change.
    """
    shards = training_shards(lake, card)
    validation = lake.current("validation_shards", card.release)
    vocabulary_of = lake.current("tokenizer", tokenizer)
    listings = listings_of(shards)
    plan = build_plan(card, listings[card.release], listings, before.plan if before else None, step)
    definition = vocabulary_of.local("tokenizer.json")
    if (found := hashlib.sha256(definition.read_bytes()).hexdigest()) != plan.tokenizer_hash:
        raise PlanError(
            f"the shards of release {card.release} were made with a tokenizer of hash {plan.tokenizer_hash},"
            f" but tokenizer {tokenizer} has {found}: name theirs in the card of run {run}, or build"
            f" the shards again"
        )
    own = shards.pop(card.release)
    value = RunFile(
        run=run,
        release=card.release,
        plan=plan,
        model=card.config(vocabulary(definition)).to_json() if card.model else card.preset,
        settings=card.settings,
        shards=ShardAddresses(
            **{c: address(d) for c, d in own.items()},
            validation=str(validation.local()),
            others={r: {c: address(d) for c, d in sets.items()} for r, sets in shards.items()},
        ),
        tokenizer=str(definition),
        inputs={
            **{f"{c}_shards": d.content_hash for c, d in own.items()},
            "validation_shards": validation.content_hash,
            "tokenizer": vocabulary_of.content_hash,
        },
        fork=before.fork if before else fork,
        checkpoint_store=checkpoint_store(lake, card, run),
    )
    if before and (changed := value.changed(before)):
        raise PlanError(
            f"run {run} has checkpoints that were trained with other values of {', '.join(changed)}:"
            f" put the old"
            " values back into its card, or name a new run"
        )
    return value

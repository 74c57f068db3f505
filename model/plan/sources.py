"""The sources of a run: what the shard sets of its releases hold.

Belongs here: reading listings (`shards.json`) into sources and sequences. Does not belong here: how
much of a source is read (mixture.py), reading tokens (data/). No torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.lake import canonical_json, digest

CORPORA = ("main", "stem")
"""SkyPile-Main and SkyPile-STEM."""

Listings = Mapping[str, Mapping[str, Any]]
"""Corpus -> `shards.json` of its shard set."""


@dataclass(frozen=True)
class Held:
    """What a release holds of a source; `fingerprint` is the hash of its manifest, the entry of
    `shards.json`."""

    tokens: int
    sequences: int
    fingerprint: str


@dataclass(frozen=True)
class PlannedSource:
    """One source of a plan; `name` is `<corpus>/<language>-<category>`, `held` what each release
    has of it."""

    name: str
    held: dict[str, Held]

    @property
    def corpus(self) -> str:
        """One of CORPORA."""
        return self.name.partition("/")[0]

    @property
    def shard_name(self) -> str:
        """The source's name inside its shard set."""
        return self.name.partition("/")[2]

    def sequences(self, release: str) -> int:
        """Sequences that a release holds, 0 where it has none."""
        return self.held[release].sequences if release in self.held else 0


def listed_sources(document: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The sources of a `shards.json`: name -> {tokens, documents, files, ...}."""
    inner = document.get("sources", document)
    return {k: dict(v) for k, v in sorted(inner.items()) if isinstance(v, Mapping) and "tokens" in v}


def sequences_of(listing: Mapping[str, Any], length: int) -> dict[str, int]:
    """Sequences of each source that holds at least one. A sequence needs one token more, for its
    last target."""
    held = {
        name: max(0, int(entry["tokens"]) - 1) // length for name, entry in listed_sources(listing).items()
    }
    return {name: n for name, n in held.items() if n}


def held_of(listings: Listings, length: int) -> dict[str, Held]:
    """The sources of a release that hold at least one whole sequence, by name."""
    found = {}
    for corpus in CORPORA:
        listing = listings.get(corpus, {})
        entries = listed_sources(listing)
        for name, sequences in sequences_of(listing, length).items():
            entry = entries[name]
            found[f"{corpus}/{name}"] = Held(
                int(entry["tokens"]), sequences, digest("source", canonical_json(entry))
            )
    return found

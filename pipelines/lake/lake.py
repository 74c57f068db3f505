"""The lake: names of datasets, and what was computed before.

Belongs here: pointers, recompute keys, publishing under both. Does not belong here: files
(files.py), how a dataset is written and made visible (writer.py), what is inside a table
(tables/), how parts are scheduled (engine/), what may be deleted and why (garbage.py).

A *dataset* is a folder `tables/<asset>/<partition>/<content hash>/` holding parts (Parquet) or
files (a model, a tokenizer, token shards) and one `_manifest.json`, written last. Nobody sees a
dataset that has no manifest; nobody overwrites one that has. `pointers/<asset>/<partition>.json`
names the current dataset. `keys/<recompute key>.json` remembers what a computation gave, so that
the same computation is never done twice. A crash leaves parts in `staging/<recompute key>/`; the
next try takes them over, at whatever point it came.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.engine.cpu_time import tree_cpu_seconds
from pipelines.lake.damage import damaged_parts
from pipelines.lake.dataset import Dataset, open_dataset
from pipelines.lake.errors import DamagedFile, MissingDataset, safe_name
from pipelines.lake.files import LakeFiles
from pipelines.lake.hashing import canonical_json, digest
from pipelines.lake.manifest import FORMAT, LINEAGE, Part
from pipelines.lake.writer import Writer


@dataclass(frozen=True)
class Built:
    """What a stage returns: the dataset, and whether anything was computed for it."""

    dataset: Dataset
    fresh: bool


class Lake(LakeFiles):
    """A lake's files, and its datasets by name and by recompute key."""

    def open(self, path: str) -> Dataset:
        """The dataset in folder `path`, by its manifest."""
        return open_dataset(self, path)

    def pointer(self, asset: str, partition: str = "all") -> str:
        return f"pointers/{safe_name(asset)}/{safe_name(partition)}.json"

    def current(self, asset: str, partition: str = "all") -> Dataset:
        """The dataset that the pointer of (asset, partition) names."""
        pointer = self.pointer(asset, partition)
        if not self.exists(pointer):
            raise MissingDataset(
                f"no {asset} for {partition!r} in {self.root}: materialize {asset} for that partition first"
            )
        return self.open(self.named_by(pointer))

    def named_by(self, name: str) -> str:
        """The path of the dataset that the pointer or key `name` (a lake path) leads to;
        DamagedFile where it is not readable."""
        try:
            return str(self.read_json(name)["path"])
        except (KeyError, TypeError):
            raise DamagedFile(
                f"{self.root}/{name} names no dataset: run again what makes it, which writes it anew"
            ) from None

    def computed(self, recompute_key: str) -> Dataset | None:
        """What the computation of this key gave, if it was done before and is still there, with
        every part in its size and none that was found damaged."""
        path = f"keys/{recompute_key}.json"
        if not self.exists(path):
            return None
        try:
            found = self.open(self.named_by(path))
        except (MissingDataset, DamagedFile):
            return None
        return None if damaged_parts(found) else found

    def forget(self, recompute_key: str) -> None:
        """Have the computation of this key done again when it is asked for."""
        self.delete(f"keys/{recompute_key}.json")

    def reusable(self, asset: str) -> dict[str, list[tuple[Dataset, Part]]]:
        """Parts of the current datasets of `asset`, in every partition, by the key they were
        written under. None of a key of which a part is damaged."""
        found: dict[str, list[tuple[Dataset, Part]]] = {}
        for pointer in self.files(f"pointers/{safe_name(asset)}", recursive=True):
            try:
                dataset = self.open(self.named_by(pointer))
            except (DamagedFile, MissingDataset):
                continue  # it is made anew when its turn comes
            damaged, own, gone = damaged_parts(dataset), dict[str, list[tuple[Dataset, Part]]](), set[str]()
            for part in dataset.parts:
                if part.key and part.path in damaged:
                    gone.add(part.key)
                elif part.key:
                    own.setdefault(part.key, []).append((dataset, part))
            found = {key: parts for key, parts in own.items() if key not in gone} | found
        return found

    def publish(
        self,
        asset: str,
        partition: str = "all",
        *,
        version: int,
        parameters: Mapping[str, Any] | None = None,
        inputs: Mapping[str, Dataset | str] | None = None,
        write: Callable[[Writer], None],
    ) -> Built:
        """Publish what `write` computes, or find that it was computed before.

        `version` is the stage's own constant: raise it when the same inputs give another output.
        `inputs` are datasets (their content hashes count) or hashes of outside things. `write` is
        called only where no dataset of this recompute key exists; it may be called again after a
        crash, with the finished parts still in the writer. LakeError where another process builds
        the same.
        """
        key, values, hashes = recompute_key(asset, partition, version, parameters, inputs)
        found = self.computed(key)
        if found:
            self._point(found)
            self.delete(f"staging/{key}")  # of a try that died behind the last thing that counts
            return Built(found, fresh=False)
        started, cpu = time.time(), tree_cpu_seconds()
        writer = Writer(self, asset, partition, key)
        writer.claim()
        write(writer)
        dataset = writer.publish(values, hashes)
        self.write_json(
            f"{dataset.path}/{LINEAGE}",
            {
                "started": started,
                "wall_seconds": time.time() - started,
                "cpu_seconds": max(0.0, tree_cpu_seconds() - cpu),  # of this host
                "inputs": {k: v.path for k, v in (inputs or {}).items() if isinstance(v, Dataset)},
            },
        )
        self._point(dataset)
        return Built(dataset, fresh=True)

    def _point(self, dataset: Dataset) -> None:
        pointer = self.pointer(dataset.manifest.asset, dataset.manifest.partition)
        value = {"path": dataset.path, "content_hash": dataset.content_hash}
        try:
            known = self.read_json(pointer)
        except (MissingDataset, DamagedFile):
            known = None
        if known != value:
            self.write_json(pointer, value)


def recompute_key(
    asset: str,
    partition: str,
    version: int,
    parameters: Mapping[str, Any] | None,
    inputs: Mapping[str, Dataset | str] | None,
) -> tuple[str, dict[str, Any], dict[str, str]]:
    """(key, parameters as plain JSON, input hashes) of a computation."""
    values: dict[str, Any] = json.loads(canonical_json(dict(parameters or {})))
    hashes = {k: v if isinstance(v, str) else v.content_hash for k, v in sorted((inputs or {}).items())}
    key = digest(
        "skypile", str(FORMAT), asset, partition, str(version), canonical_json(values), canonical_json(hashes)
    )
    return key, values, hashes

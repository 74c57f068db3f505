"""How a dataset comes to be: parts in staging, each with its sidecar, then one publish.

Belongs here: writing parts, taking over those of a killed try or of another dataset, content
hashes, the publish that makes a dataset visible. Does not belong here: what was computed before and
what a name points to (lake.py).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.lake.atomic import make_folder, sync_folder, sync_folders
from pipelines.lake.build_lock import lives_here, this_process
from pipelines.lake.damage import damaged_parts
from pipelines.lake.dataset import Dataset, open_dataset
from pipelines.lake.errors import DamagedFile, LakeError, MissingDataset, safe_name
from pipelines.lake.files import LakeFiles
from pipelines.lake.hashing import digest, logical_hash, with_items
from pipelines.lake.manifest import DAMAGED, HASH, MANIFEST, Manifest, Part, merge_stats


class Writer:
    """Collects the parts of one dataset in `staging/<recompute key>/parts/`. Picklable: parts are
    written by workers.

    Each finished part has a sidecar in `done/` beside; a part without one is not there. After a
    crash the parts with sidecars are kept, so a rerun computes only the missing ones (`has`).
    """

    def __init__(self, lake: LakeFiles, asset: str, partition: str, key: str) -> None:
        self.lake, self.asset, self.partition, self.key = lake, safe_name(asset), safe_name(partition), key
        self.staging = f"staging/{key}"

    @property
    def _owner(self) -> str:
        return f"{self.staging}/owner.json"

    def claim(self) -> None:
        """Make this process the one that builds the dataset. LakeError where another process of
        this machine is at it.

        One of another machine cannot be asked: it is taken over from, and will find that out before
        it publishes.
        """
        if self.lake.exists(self._owner):
            owner = self.lake.read_json(self._owner)
            if owner != this_process() and lives_here(owner):
                raise LakeError(
                    f"{self.asset} of {self.partition} is being built by process {owner['pid']} of "
                    f"{owner['host']}: "
                    "wait for it and run again, or end it; what it has done is taken over"
                )
        self.lake.write_json(self._owner, this_process())

    def _still_mine(self) -> None:
        if not self.lake.exists(self._owner) or self.lake.read_json(self._owner) != this_process():
            raise LakeError(
                f"{self.asset} of {self.partition} was built by another process meanwhile, and this one "
                f"publishes nothing: "
                "run again to find what the other made"
            )

    def _staged(self, path: str) -> str:
        return f"{self.staging}/parts/{safe_name(path)}"

    def _sidecar(self, path: str) -> str:
        return f"{self.staging}/done/{digest(path)}.json"

    def has(self, path: str) -> bool:
        """Whether part `path` is finished, by this try or by one before."""
        try:
            known = self.lake.read_json(self._sidecar(path))["part"]["bytes"]
        except (MissingDataset, DamagedFile):
            return False
        return self.lake.sizes([self._staged(path)]) == [known]

    def write_table(
        self, path: str, table: pa.Table, stats: Mapping[str, Any] | None = None, key: str = ""
    ) -> None:
        """Write one Parquet part (zstd). `stats` are added to the manifest's, number by number,
        over parts. Under a `key`, the hash of everything that the part was computed from, a later
        dataset of the same asset can take the part over (`take`)."""
        table = with_items(table)
        content = logical_hash(table)
        size = self.lake.write_parquet(
            self._staged(path),
            table.replace_schema_metadata({HASH: content}),
            compression="zstd",
            compression_level=3,
            row_group_size=8192,
            write_page_checksum=True,
        )
        part = Part(path, table.num_rows, size, content, key, dict(stats or {}) if key else {})
        self._finish(path, part, str(table.schema.remove_metadata()), stats)

    def write_bytes(self, path: str, data: bytes, stats: Mapping[str, Any] | None = None) -> None:
        """Write one file that is not Parquet."""
        self.lake.write_bytes(self._staged(path), data)
        self._finish(path, Part(path, 0, len(data), hashlib.sha256(data).hexdigest()), "", stats)

    def write_json(self, path: str, value: Any) -> None:
        self.write_bytes(
            path, (json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()
        )

    def add_file(self, path: str, local: Path, stats: Mapping[str, Any] | None = None) -> None:
        """Take over a local file, of any size, as one part."""
        target, h = self._staged(path), hashlib.sha256()
        with (
            open(local, "rb") as source,
            self.lake.writing(target),
            self.lake.fs.open_output_stream(target) as sink,
        ):
            while block := source.read(1 << 20):
                h.update(block)
                sink.write(block)
        self._finish(path, Part(path, 0, local.stat().st_size, h.hexdigest()), "", stats)

    def reuse(self, path: str, dataset: Dataset, part: Part, stats: Mapping[str, Any] | None = None) -> None:
        """Take over a part of another dataset unchanged (a hard link in a folder, a server-side
        copy on S3)."""
        source, target = dataset.file(part.path), self._staged(path)
        self.lake.fs.create_dir(os.path.dirname(target), recursive=True)
        if self.lake.is_s3:
            self.lake.fs.copy_file(source, target)
        else:
            # What a killed try wrote of that name may be another's, or half.
            Path(self.lake.root, target).unlink(missing_ok=True)
            os.link(Path(self.lake.root, source), Path(self.lake.root, target))
        taken = Part(path, part.rows, part.bytes, part.hash, part.key, part.stats)
        self._finish(path, taken, dataset.manifest.schema, part.stats if stats is None else stats)

    def take(self, key: str, known: Mapping[str, Sequence[tuple[Dataset, Part]]]) -> bool:
        """Take over the parts that were written under `key` (see Lake.reusable), by their own
        paths; False where there are none."""
        for dataset, part in known.get(key, ()):
            self.reuse(part.path, dataset, part)
        return key in known

    def _finish(self, path: str, part: Part, schema: str, stats: Mapping[str, Any] | None) -> None:
        self.lake.write_json(
            self._sidecar(path), {"part": part.to_json(), "schema": schema, "stats": dict(stats or {})}
        )

    def publish(self, parameters: dict[str, Any], inputs: dict[str, str]) -> Dataset:
        """Make the staged parts visible as one dataset, atomically. LakeError where another process
        has taken over."""
        self._still_mine()
        sidecars = [self.lake.read_json(p) for p in self.lake.files(f"{self.staging}/done")]
        sidecars.sort(key=lambda s: s["part"]["path"])
        schemas = sorted({s["schema"] for s in sidecars if s["schema"]})
        if len(schemas) > 1:
            raise LakeError(
                f"parts of {self.asset}/{self.partition} have {len(schemas)} different schemas:\n"
                + "\n--\n".join(schemas)
            )
        parts = tuple(Part(**s["part"]) for s in sidecars)
        schema = schemas[0] if schemas else ""
        stats: dict[str, Any] = {}
        for sidecar in sidecars:
            merge_stats(stats, sidecar["stats"])
        manifest = Manifest(
            self.asset, self.partition, "", self.key, schema, parameters, inputs, parts, stats
        )
        manifest = replace(manifest, content_hash=manifest.recomputed_hash())
        path = f"tables/{self.asset}/{self.partition}/{manifest.content_hash}"
        if self.lake.exists(f"{path}/{MANIFEST}"):
            self._restore(path, manifest)
        else:
            self._move(path, manifest)
        self.lake.write_json(f"keys/{self.key}.json", {"path": path})
        self.lake.delete(self.staging)
        return open_dataset(self.lake, path)

    def _move(self, path: str, manifest: Manifest) -> None:
        """In a folder: one rename. On S3: copies, then the manifest, which alone makes them
        visible."""
        if self.lake.is_s3:
            for part in manifest.parts:
                self.lake.fs.copy_file(self._staged(part.path), f"{path}/{part.path}")
            self.lake.write_json(f"{path}/{MANIFEST}", manifest.to_json())
            return
        self.lake.write_json(self._staged(MANIFEST), manifest.to_json())
        source, target = Path(self.lake.root, self.staging, "parts"), Path(self.lake.root, path)
        sync_folders(source)
        make_folder(target.parent)
        if target.exists():  # a leftover without a manifest is not a dataset
            shutil.rmtree(target)
        os.rename(source, target)
        sync_folder(target.parent)

    def _restore(self, path: str, manifest: Manifest) -> None:
        """Put parts in the place of those of an equal dataset that are damaged, each as a whole."""
        try:
            damaged = set(damaged_parts(open_dataset(self.lake, path)))
        except DamagedFile:  # the manifest itself, without which nothing is known of the parts
            damaged = {part.path for part in manifest.parts}
        for part in manifest.parts:
            if part.path not in damaged:
                continue
            source, target = self._staged(part.path), f"{path}/{part.path}"
            if self.lake.is_s3:
                self.lake.fs.copy_file(source, target)
                continue
            local = Path(self.lake.root, target)
            make_folder(local.parent)
            os.replace(Path(self.lake.root, source), local)
            sync_folder(local.parent)
        if damaged:
            self.lake.write_json(f"{path}/{MANIFEST}", manifest.to_json())
            self.lake.delete(f"{path}/{DAMAGED}")

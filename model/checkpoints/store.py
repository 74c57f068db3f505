"""A copy of a run's checkpoints on S3 (or in another folder), for a machine that has lost the
ranks' shared storage.

Belongs here: what stands where, sending, fetching and deleting it, each once. Does not belong here:
when that is done and tried again (uploads.py), what is in a checkpoint (manifest.py).

The store mirrors the run's folder: `checkpoints/<tag>/` with the files of a checkpoint and, written
last, its `checkpoint.json`, byte for byte. A checkpoint without one is not there. `run.json`,
`skips.json` and `logs/` are what a fresh machine needs beside the states.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.fs as pafs

from model.checkpoints.manifest import (
    MANIFEST,
    CheckpointError,
    finished_checkpoints,
    latest_checkpoint,
    read_manifest,
)
from model.checkpoints.retention import expired
from model.checkpoints.signing import check_signature
from model.checkpoints.write import finish_checkpoint
from model.plan.run_file import RUN_FILE, RunFile
from model.run.logs import supersede
from model.training import distributed
from pipelines.lake import Lake, LakeError, safe_name
from pipelines.lake.atomic import make_folder, space_for

FOLDER = "checkpoints"
TAG = re.compile(r"step-\d{8}")
BESIDE = (
    "skips.json",
    "logs/steps.jsonl",
    "logs/validation.jsonl",
)
"""What a fresh machine needs beside the run file and the states."""
STREAMS = 4
"""Files that move at the same time; pyarrow sends the parts of each in the background."""
CHUNK_BYTES = 8 << 20


def run_folder(lake: Lake, runs: str, name: str) -> Path:
    """`runs/<name>`, or `<name>` in `runs` (SKYPILE_RUNS). LakeError for a lake on S3 without that
    setting: ranks write to a folder."""
    if runs:
        return Path(runs, safe_name(name))
    if lake.is_s3:
        raise LakeError(
            f"the lake is {lake.root}: set SKYPILE_RUNS to a folder on storage that all ranks share,"
            f" for the work of run {name}"
        )
    return lake.local(f"runs/{name}")


def ignore(_: int) -> None:
    """What is done with the count of moved bytes where nobody wants it."""


class CheckpointStore:
    """`root` is `s3://bucket/prefix` or a folder. OSError where it does not answer; CheckpointError
    for bytes that differ."""

    def __init__(self, root: str) -> None:
        self.lake = Lake(root)

    @property
    def root(self) -> str:
        """Its address."""
        return self.lake.root

    def manifests(self) -> dict[str, bytes]:
        """The manifests of the complete checkpoints by tag, oldest first."""
        tags = [t for p in self.lake.folders(FOLDER) if TAG.fullmatch(t := PurePosixPath(p).name)]
        return {
            t: self.lake.read_bytes(name)
            for t in tags
            if self.lake.exists(name := f"{FOLDER}/{t}/{MANIFEST}")
        }

    def begun(self) -> tuple[RunFile, int] | None:
        """The run file and the last saved step of a run that has been here before."""
        steps = [int(json.loads(data)["step"]) for data in self.manifests().values()]
        if not steps:
            return None
        return RunFile.parse(self.lake.read_json(RUN_FILE), f"{self.root}/{RUN_FILE}"), max(steps)

    def send(self, path: Path, moved: Callable[[int], None] = ignore) -> bool:
        """Copy the files of a checkpoint folder, all but its manifest; False if it is complete
        there already.

        Every copy is read back and compared with the manifest's hash; one that an earlier try has
        left whole is not sent again. `moved` gets the bytes sent and read, and may raise to end it.
        """
        there, known = f"{FOLDER}/{path.name}", read_manifest(path)
        if self.lake.exists(f"{there}/{MANIFEST}"):
            if self.lake.read_bytes(f"{there}/{MANIFEST}") == (path / MANIFEST).read_bytes():
                return False
            self.lake.delete(
                f"{there}/{MANIFEST}"
            )  # of the same step in an abandoned history: its files give way
        _parallel(
            lambda item: self._send_file(path / item[0], f"{there}/{item[0]}", item[1], moved),
            known["files"].items(),
        )
        return True

    def publish(self, path: Path) -> None:
        """Make a checkpoint whose files were sent visible: the run's small files, then the
        manifest."""
        self.lake.settle(f"{FOLDER}/{path.name}")
        for name in (RUN_FILE, *BESIDE):
            with contextlib.suppress(FileNotFoundError):
                self.lake.write_bytes(name, (path.parent.parent / name).read_bytes())
        self.lake.write_bytes(f"{FOLDER}/{path.name}/{MANIFEST}", (path / MANIFEST).read_bytes())

    def _send_file(
        self, source: Path, target: str, known: dict[str, Any], moved: Callable[[int], None]
    ) -> None:
        if self._is_whole(target, known, moved):
            return
        with (
            open(source, "rb") as stream,
            self.lake.writing(target),
            self.lake.fs.open_output_stream(target) as sink,
        ):
            while chunk := stream.read(CHUNK_BYTES):
                sink.write(chunk)
                moved(len(chunk))
        if not self._is_whole(target, known, moved):
            raise CheckpointError(
                f"{source}, copied to {self.root}/{target}, is not the file that {MANIFEST} names"
            )

    def _is_whole(self, target: str, known: dict[str, Any], moved: Callable[[int], None]) -> bool:
        info = self.lake.fs.get_file_info(safe_name(target))
        if info.type != pafs.FileType.File or info.size != known["bytes"]:
            return False
        return self._read(target, moved) == known["sha256"]

    def _read(self, target: str, moved: Callable[[int], None], sink: Any = None) -> str:
        """SHA-256 of a file of the store, its bytes also written to `sink`."""
        digest = hashlib.sha256()
        with self.lake.fs.open_input_stream(safe_name(target)) as stream:
            while chunk := stream.read(CHUNK_BYTES):
                digest.update(chunk)
                if sink is not None:
                    sink.write(chunk)
                moved(len(chunk))
        return digest.hexdigest()

    def fetch(
        self, tag: str, files: dict[str, Any], folder: Path, moved: Callable[[int], None] = ignore
    ) -> None:
        """Copy some files of a checkpoint (name to manifest entry) into `folder`, synced, and
        compare them with their hashes."""
        _parallel(lambda item: self._fetch_file(tag, item[0], item[1], folder, moved), files.items())

    def _fetch_file(
        self, tag: str, name: str, known: dict[str, Any], folder: Path, moved: Callable[[int], None]
    ) -> None:
        target = folder / safe_name(name, "file of a checkpoint")
        make_folder(target.parent)
        with space_for(target), open(target, "wb") as sink:
            found = self._read(f"{FOLDER}/{tag}/{name}", moved, sink)
            sink.flush()
            os.fsync(sink.fileno())
        if found != known["sha256"]:
            raise CheckpointError(
                f"{self.root}/{FOLDER}/{tag}/{name} is not the file that its {MANIFEST} names:"
                f" delete that {MANIFEST}, and the checkpoint before it is taken"
            )

    def abandon(self, step: int) -> None:
        """Take the manifests of checkpoints after `step` away: the run went back, and no fresh
        machine may go on from them."""
        for tag, data in self.manifests().items():
            if json.loads(data)["step"] > step:
                self.lake.delete(f"{FOLDER}/{tag}/{MANIFEST}")

    def retain(self, keep_last: int, keep_every: int, pinned: frozenset[str] = frozenset()) -> list[str]:
        """Delete what `retention.retain` would, and what was begun before the newest and never
        finished. Returns the tags that went.

        For the one writer of the store, while it sends nothing.
        """
        found = {tag: json.loads(data) for tag, data in self.manifests().items()}
        pinned |= {tag for tag in found if self.lake.exists(f"{FOLDER}/{tag}/pinned")}
        gone = expired(found, keep_last, keep_every, pinned)
        newest = max(found, default="")
        gone += [
            t
            for p in self.lake.folders(FOLDER)
            if TAG.fullmatch(t := PurePosixPath(p).name) and t not in found and t < newest
        ]
        for tag in gone:
            self.lake.delete(f"{FOLDER}/{tag}/{MANIFEST}")  # first, so that half a checkpoint has none
            self.lake.delete(f"{FOLDER}/{tag}")
        return gone


def begun(run_dir: Path, store: str) -> tuple[RunFile, int] | None:
    """The run file and the last saved step of a run that has checkpoints in its folder or, where it
    has none there, in the store of this address."""
    steps = [int(read_manifest(p)["step"]) for p in finished_checkpoints(run_dir / FOLDER)]
    if steps:
        return RunFile.load(run_dir), max(steps)
    return CheckpointStore(store).begun() if store else None


def _parallel(act: Callable[[Any], None], items: Iterable[Any]) -> None:
    """Act on every item, STREAMS at a time; the first error ends it."""
    pool = ThreadPoolExecutor(STREAMS, thread_name_prefix="checkpoint-store")
    try:
        for _ in pool.map(act, items):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


def newer(store: CheckpointStore, folder: Path, last_step: int) -> int:
    """The step of the newest complete checkpoint up to `last_step`, if it is newer than those of
    `folder` and not abandoned; else -1."""
    here = latest_checkpoint(folder)
    local = int(read_manifest(here)["step"]) if here else -1
    abandoned = {p.read_bytes() for p in folder.glob(f"step-*.abandoned-*/{MANIFEST}")}
    try:
        steps = [
            int(json.loads(data)["step"]) for data in store.manifests().values() if data not in abandoned
        ]
    except OSError as error:
        if here is None:
            raise  # to begin at step 0 because a network is away would be worse than to fail
        print(f"{store.root} does not answer ({error}): going on from {here}", flush=True)
        return -1
    return max((s for s in steps if local < s <= last_step), default=-1)


def restore(
    store: CheckpointStore, run_dir: Path, last_step: int, moved: Callable[[int], None] = ignore
) -> int:
    """Fetch the checkpoint that `newer` names into the run's folder and make it the latest; its
    step, or -1 if there is none.

    Every rank calls it and fetches its share. `run_dir` is on storage that all ranks share.
    """
    folder = run_dir / FOLDER
    step = int(
        distributed.gather_rows([newer(store, folder, last_step) if distributed.rank() == 0 else -1])[0, 0]
    )
    if step < 0:
        return step
    tag = f"step-{step:08d}"
    partial = folder / f"{tag}.partial"
    if distributed.rank() == 0:
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
    distributed.barrier()
    data = store.lake.read_bytes(f"{FOLDER}/{tag}/{MANIFEST}")
    check_signature(f"{store.root}/{FOLDER}/{tag}/{MANIFEST}", json.loads(data))
    files = json.loads(data)["files"]
    mine = sorted(files)[distributed.rank() :: distributed.world_size()]
    store.fetch(tag, {n: files[n] for n in mine}, partial, moved)
    distributed.barrier()
    if distributed.rank() == 0:
        own = Lake(run_dir)
        for name in BESIDE:
            if store.lake.exists(name):
                there = store.lake.read_bytes(name)
                if name.endswith(".jsonl") and (log := run_dir / name).exists():
                    here, text = log.read_text().splitlines(), there.decode().splitlines()
                    supersede(log, [line for line in here if line not in set(text)], text)
                own.write_bytes(name, there)
        Lake(partial).write_bytes(MANIFEST, data)
        finish_checkpoint(folder, tag)
    distributed.barrier()
    return step

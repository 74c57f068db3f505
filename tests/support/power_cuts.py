"""What a folder holds after a power cut: what was synced, and any part of the rest.

Belongs here: the record of syncs, and the folders that may be found after a cut. Does not belong
here: what has to hold of them (tests of the lake and of checkpoints).

A file's bytes are durable as they were at its last fsync, a folder's names as they were at the last
fsync of the folder; a rename is whole or not there (POSIX promises no more, journals keep this
much). Who writes is not watched, since Arrow writes outside of Python: at an fsync the file system
is asked what is there.
"""

from __future__ import annotations

import os
import random
import resource
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Mode = Literal["synced", "names", "mixed"]
MODES: tuple[Mode, ...] = ("synced", "names", "mixed")
"""What is found: only what was synced; every name, and only synced bytes; of each name and file by
chance what was synced or what was there."""
_WATCHED = ("fsync", "rename", "replace", "link", "unlink", "rmdir", "mkdir")
_OPEN_FILES = 8192


class Disk:
    """The record of one folder, from now on. What is there already is durable."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.bytes: dict[int, bytes] = {}
        self.names: dict[int, dict[str, int]] = {}
        self.held: dict[int, int] = {}
        """Descriptors of all that was synced, so that the file system gives no number twice."""
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        for path in [root, *root.rglob("*")]:
            descriptor = os.open(path, os.O_RDONLY)
            self.synced(descriptor)
            os.close(descriptor)

    def synced(self, descriptor: int) -> None:
        """Record what a file or folder holds at its fsync."""
        found = os.fstat(descriptor)
        path = f"/proc/self/fd/{descriptor}"
        if not os.path.realpath(path).startswith(str(self.root)):
            return
        if found.st_ino not in self.held:
            self.held[found.st_ino] = os.dup(descriptor)
        if not stat.S_ISDIR(found.st_mode):
            with open(path, "rb") as stream:
                self.bytes[found.st_ino] = stream.read()
            return
        with os.scandir(path) as entries:
            now = {e.name: e.inode() for e in entries}
            folders = {e for e in now.values() if e not in self.bytes}
        for number, names in self.names.items():  # a rename from elsewhere is durable at both ends
            if number != found.st_ino:
                for name in [n for n, e in names.items() if e in now.values() and e in folders]:
                    del names[name]
        self.names[found.st_ino] = now

    def close(self) -> None:
        """Let go of the files that are held."""
        for descriptor in self.held.values():
            os.close(descriptor)

    def after_a_cut(self, target: Path, mode: Mode, seed: int = 0) -> None:
        """Write into `target`, which is not there, what a cut now may leave."""
        chance = random.Random(seed)
        placed: set[int] = set()
        self._folder(self.root, self.root.stat().st_ino, target, mode, chance, placed)

    def _folder(
        self,
        here: Path | None,
        number: int,
        target: Path,
        mode: Mode,
        chance: random.Random,
        placed: set[int],
    ) -> None:
        """`here` is where the folder is now, None where it is gone."""
        target.mkdir()
        now = {p.name: p for p in here.iterdir()} if here else {}
        durable = self.names.get(number, {})
        present = {name: path.lstat().st_ino for name, path in now.items()}
        kept = {}
        for name in sorted({*present, *durable}):
            synced = mode == "synced" or (mode == "mixed" and chance.random() < 0.5)
            entry = (durable if synced else present).get(name)
            if entry is not None:
                kept[name] = entry
        for name, entry in present.items():  # renamed: under one of both names, not under none
            if mode == "mixed" and entry in durable.values() and entry not in kept.values():
                kept[name] = entry
        for name, entry in sorted(kept.items()):
            if entry in placed:
                continue
            where = next((now[n] for n, e in present.items() if e == entry), None)
            if entry in self.names or (where and where.is_dir()):
                placed.add(entry)
                self._folder(where or self._where(entry), entry, target / name, mode, chance, placed)
            elif mode == "mixed" and chance.random() < 0.5 and where:
                shutil.copyfile(where, target / name)
            else:
                (target / name).write_bytes(self.bytes.get(entry, b""))

    def _where(self, number: int) -> Path | None:
        """Where a folder is now that was synced under another name."""
        path = Path(os.path.realpath(f"/proc/self/fd/{self.held[number]}")) if number in self.held else None
        return path if path and path.is_dir() else None


@contextmanager
def watched(root: Path, at: Callable[[Disk], None]) -> Iterator[Disk]:
    """Record `root` in the block; `at` is called before and after everything that this process
    does to names or syncs."""
    disk, inner = Disk(root), {name: getattr(os, name) for name in _WATCHED}
    one_at_a_time, busy = threading.RLock(), threading.local()

    def outer(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if getattr(busy, "now", False):  # what is done to take the record
                return inner[name](*arguments, **named)
            one_at_a_time.acquire()
            busy.now = True
            try:
                at(disk)
                if name == "fsync":
                    answer = disk.synced(arguments[0])  # the disk itself need not be waited for
                else:
                    answer = inner[name](*arguments, **named)
                at(disk)
                return answer
            finally:
                busy.now = False
                one_at_a_time.release()

        return call

    for name in _WATCHED:
        setattr(os, name, outer(name))
    try:
        yield disk
    finally:
        for name in _WATCHED:
            setattr(os, name, inner[name])
        disk.close()


def cuts(root: Path, work: Callable[[Path], object], count: int) -> Iterator[Path]:
    """Do `work` in a folder below `root` and cut the power at `count` points, each in one of MODES
    in turn; the folders found. The last two are of a cut after the work.

    Points are drawn evenly, by a first run that nothing happens to.
    """
    seen = [0]

    def counted(_: Disk) -> None:
        seen[0] += 1

    for name in ("counted", "cut"):
        (root / name).mkdir(parents=True)
    with watched(root / "counted", counted):
        work(root / "counted")
    chosen = {i * seen[0] // count for i in range(count)}
    number = [0]
    found: list[Path] = []

    def cut(disk: Disk, modes: tuple[Mode, ...] = MODES) -> None:
        if number[0] in chosen:
            mode = modes[len(found) % len(modes)]
            found.append(root / f"{number[0]:05d}-{mode}")
            disk.after_a_cut(found[-1], mode, number[0])
        number[0] += 1

    with watched(root / "cut", cut) as disk:
        work(root / "cut")
        ends = [root / "end-synced", root / "end-mixed"]
        disk.after_a_cut(ends[0], "synced")
        disk.after_a_cut(ends[1], "mixed", 1)
    yield from found
    yield from ends

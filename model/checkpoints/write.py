"""Saving a checkpoint, so that what exists under its name is whole.

Belongs here: what all ranks write and in which order; what is recorded so that a load can be
compared with it. Does not belong here: the format of the states inside (DeepSpeed's), which
checkpoints stay (retention.py).

All ranks save into `<tag>.partial`; each hashes and syncs its share of the files; after a barrier
rank 0 writes `checkpoint.json`, syncs the names, renames the folder to `<tag>` and replaces
`latest`. The folder is on storage that all ranks share.
"""

from __future__ import annotations

import errno
import hashlib
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from model.checkpoints.manifest import MANIFEST, set_latest, write_json
from model.checkpoints.signing import signed
from model.training import distributed
from pipelines.lake.atomic import make_folder, space_for, sync_folder, sync_folders

UNIVERSAL = {"universal_checkpoint_version": 0.2}
"""DeepSpeed converts only checkpoints that carry this."""

REPLACED = ".replaced"
"""Ending of a checkpoint's folder while another of its step takes its name."""


@contextmanager
def torch_errors_as_full_disk() -> Iterator[None]:
    """Raise the error of torch's own writer as that of a full disk, which is its usual cause: it
    gives no number, only "unexpected pos". Room can be made while a job waits to be retried."""
    try:
        yield
    except RuntimeError as error:
        if "PytorchStreamWriter" not in str(error) and "inline_container" not in str(error):
            raise
        raise OSError(errno.ENOSPC, str(error).splitlines()[0]) from error


def save_checkpoint(engine: Any, folder: Path, tag: str, record: dict[str, Any]) -> Path:
    """Save all ranks' states as `folder/tag`. `record` goes into the manifest and must be equal on
    every rank."""
    target, partial = folder / tag, folder / f"{tag}.partial"
    if distributed.rank() == 0:
        make_folder(folder)
        shutil.rmtree(partial, ignore_errors=True)
    distributed.barrier()
    with space_for(partial), torch_errors_as_full_disk():
        engine.save_checkpoint(
            str(folder),
            tag=partial.name,
            client_state={"universal_checkpoint_info": UNIVERSAL, "skypile": record},
            save_latest=False,
        )
    distributed.barrier()
    names = sorted(str(p.relative_to(partial)) for p in partial.rglob("*") if p.is_file())
    mine = {}
    for name in names[distributed.rank() :: distributed.world_size()]:
        with open(partial / name, "rb") as f:
            mine[name] = {
                "bytes": os.fstat(f.fileno()).st_size,
                "sha256": hashlib.file_digest(f, "sha256").hexdigest(),
            }
            os.fsync(f.fileno())
    shares = distributed.gather_json(mine)
    if distributed.rank() == 0:
        files = {name: value for share in shares for name, value in share.items()}
        value = record | {"tag": tag, "files": files, "environment": environment()}
        write_json(partial / MANIFEST, signed(value))
        finish_checkpoint(folder, tag)
    distributed.barrier()
    return target


def finish_checkpoint(folder: Path, tag: str) -> None:
    """Give `<tag>.partial`, which is whole and has its manifest, its name, and name it the
    latest."""
    target, partial, earlier = folder / tag, folder / f"{tag}.partial", folder / f"{tag}{REPLACED}"
    sync_folders(partial)
    # The same step may be saved again after a stop; the older folder gives way only to a whole one,
    # and whoever is interrupted here leaves one of them under its name or `earlier`.
    shutil.rmtree(earlier, ignore_errors=True)
    if target.exists():
        os.rename(target, earlier)
        sync_folder(folder)
    os.rename(partial, target)
    sync_folder(folder)
    set_latest(folder, tag)
    shutil.rmtree(earlier, ignore_errors=True)


def undo_replacement(folder: Path) -> None:
    """Give a checkpoint its name back that was to be replaced when the process was ended."""
    for earlier in folder.glob(f"step-*{REPLACED}"):
        target = earlier.with_name(earlier.name.removesuffix(REPLACED))
        if (target / MANIFEST).exists():
            shutil.rmtree(earlier)
            continue
        shutil.rmtree(target, ignore_errors=True)
        os.rename(earlier, target)
        sync_folder(folder)


def environment() -> dict[str, Any]:
    """What bit-for-bit continuation depends on beside the strategy."""
    import deepspeed
    import torch

    return {
        "torch": torch.__version__,
        "deepspeed": deepspeed.__version__,
        "python": platform.python_version(),
        "machine": platform.machine(),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
    }


def moment_sums(engine: Any) -> list[float]:
    """Sums of both moments and the optimizer's step, over all ranks' partitions."""
    import torch

    inner = getattr(engine.optimizer, "optimizer", engine.optimizer)
    sums, steps = [0.0, 0.0], 0.0
    for state in inner.state.values():
        if torch.is_tensor(state.get("exp_avg")):
            sums[0] += float(state["exp_avg"].double().sum())
            sums[1] += float(state["exp_avg_sq"].double().sum())
            steps = max(steps, float(state["step"]))
    rows = distributed.gather_rows([*sums, steps])
    return [float(rows[:, 0].sum()), float(rows[:, 1].sum()), float(rows[:, 2].max())]

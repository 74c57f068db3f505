"""Checkpoints: written so that what exists under its name is whole, read only if it is.

Belongs here: folders, hashes, the manifest, retention, what is compared after a load. Does not
belong here: the format of the states inside (DeepSpeed's), export to other formats (export.py).

All ranks save into `<tag>.partial`; each hashes and syncs its share of the files; after a barrier
rank 0 writes `checkpoint.json`, renames the folder to `<tag>` and replaces `latest`. The folder is
on storage that all ranks share.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Mapping, Set
from pathlib import Path
from typing import Any

from model.training import distributed

MANIFEST = "checkpoint.json"
UNIVERSAL = {"universal_checkpoint_version": 0.2}
"""DeepSpeed converts only checkpoints that carry this."""


class CheckpointError(Exception):
    """A checkpoint that cannot be used: the message names the folder and what differs."""


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with open(path, "rb") as f:
        return hashlib.file_digest(f, "sha256").hexdigest()


def write_json(path: Path, value: Any) -> None:
    """Replace a JSON file as a whole, synced."""
    temporary = path.with_name(path.name + ".tmp")
    with open(temporary, "w") as f:
        json.dump(value, f, sort_keys=True, indent=1)
        f.flush()
        os.fsync(f.fileno())
    os.replace(temporary, path)


def sync_folder(path: Path) -> None:
    """Make names in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


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


def save(engine: Any, folder: Path, tag: str, record: dict[str, Any]) -> Path:
    """Save all ranks' states as `folder/tag`. `record` goes into the manifest and must be equal on
    every rank."""
    target, partial = folder / tag, folder / f"{tag}.partial"
    if distributed.rank() == 0:
        folder.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(partial, ignore_errors=True)
    distributed.barrier()
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
    import torch.distributed as dist

    shares: list[dict[str, Any]] = [{} for _ in range(distributed.world_size())]
    dist.all_gather_object(shares, mine)
    if distributed.rank() == 0:
        files = {name: value for share in shares for name, value in share.items()}
        write_json(partial / MANIFEST, record | {"tag": tag, "files": files, "environment": environment()})
        finish(folder, tag)
    distributed.barrier()
    return target


def finish(folder: Path, tag: str) -> None:
    """Give `<tag>.partial`, which is whole and has its manifest, its name, and name it the
    latest."""
    target, partial = folder / tag, folder / f"{tag}.partial"
    sync_folder(partial)
    # The same step may be saved again after a stop; the older folder gives way only to a whole one.
    shutil.rmtree(target, ignore_errors=True)
    os.rename(partial, target)
    sync_folder(folder)
    set_latest(folder, tag)


def set_latest(folder: Path, tag: str) -> None:
    """Name the checkpoint that the next start loads."""
    temporary = folder / "latest.tmp"
    with open(temporary, "w") as f:
        f.write(tag)
        f.flush()
        os.fsync(f.fileno())
    os.replace(temporary, folder / "latest")
    sync_folder(folder)


def manifest(path: Path) -> dict[str, Any]:
    """The manifest of a checkpoint folder; CheckpointError if there is none."""
    try:
        return dict(json.loads((path / MANIFEST).read_text()))
    except (OSError, ValueError) as e:
        raise CheckpointError(
            f"{path} has no readable {MANIFEST}: it was never finished, choose an older checkpoint ({e})"
        ) from e


def verify(path: Path) -> dict[str, Any]:
    """Compare every file with the manifest, and return it; CheckpointError names what differs."""
    value = manifest(path)
    compare(path, value["files"])
    return value


def compare(path: Path, files: Mapping[str, dict[str, Any]]) -> None:
    """Raise CheckpointError for the first file of a folder that is not as its manifest entry
    (bytes, sha256) says."""
    for name, known in files.items():
        file = path / name
        if not file.exists() or file.stat().st_size != known["bytes"] or sha256(file) != known["sha256"]:
            raise CheckpointError(
                f"{file} is not the file that {path / MANIFEST} names: restore it, or roll back to another checkpoint"
            )


def verify_together(path: Path) -> dict[str, Any]:
    """`verify` by all ranks, each reading its share of the files: all of them return the manifest,
    or raise the same CheckpointError."""
    import torch.distributed as dist

    value, wrong = manifest(path), ""
    try:
        compare(
            path,
            {
                n: value["files"][n]
                for n in sorted(value["files"])[distributed.rank() :: distributed.world_size()]
            },
        )
    except CheckpointError as error:
        wrong = str(error)
    found = [""] * distributed.world_size()
    dist.all_gather_object(found, wrong)
    if any(found):
        raise CheckpointError(next(w for w in found if w))
    return value


def latest(folder: Path) -> Path | None:
    """The folder that `latest` names, or None before the first save."""
    name = folder / "latest"
    if not name.exists():
        return None
    path = folder / name.read_text().strip()
    manifest(path)
    return path


def checkpoints(folder: Path) -> list[Path]:
    """Finished checkpoints, oldest first; not those set aside."""
    return sorted(
        (p for p in folder.glob("step-*") if p.name[5:].isdigit() and (p / MANIFEST).exists()),
        key=lambda p: int(manifest(p)["step"]),
    )


def refuse_differences(path: Path, found: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Raise CheckpointError for a checkpoint of another model, tokenizer, plan or strategy."""
    there, here = found.get("strategy", {}), wanted.get("strategy", {})
    for key, name in (("zero_stage", "ZeRO-{}"), ("pipeline_stages", "{} pipeline stages")):
        if there.get(key) != here.get(key):
            raise CheckpointError(
                f"{path} holds the states of {name.format(there.get(key))}, this run asks for {name.format(here.get(key))}: each cuts"
                " the optimizer's states in another way and DeepSpeed converts numbers of ranks only; go on as before"
            )
    different = [f"{k}: {found.get(k)!r} there, {v!r} here" for k, v in wanted.items() if found.get(k) != v]
    if different:
        raise CheckpointError(
            f"{path} belongs to another run ({'; '.join(different)}): name a new run, or use the old settings"
        )


def expired(
    found: Mapping[str, dict[str, Any]], keep_last: int, keep_every: int, kept: Set[str] = frozenset()
) -> list[str]:
    """Tags that retention lets go, of manifests by tag, oldest first: all but the last `keep_last`,
    every multiple of `keep_every` steps, the `kept` and stage ends. A stage's last checkpoint is
    the ancestor of the next stage and stays."""
    return [
        tag
        for tag in list(found)[: max(0, len(found) - keep_last)]
        if not (
            tag in kept
            or found[tag].get("stage_end")
            or (keep_every and found[tag]["step"] % keep_every == 0)
        )
    ]


def retain(folder: Path, keep_last: int, keep_every: int, kept: Set[str] = frozenset()) -> list[str]:
    """Delete what is `expired`, but not `kept` (those that are being uploaded), not the current
    one, not what has a file `pinned`.

    Returns the tags that went.
    """
    found = {p.name: manifest(p) for p in checkpoints(folder)}
    current = (folder / "latest").read_text().strip() if (folder / "latest").exists() else ""
    gone = expired(
        found,
        keep_last,
        keep_every,
        kept | {current} | {tag for tag in found if (folder / tag / "pinned").exists()},
    )
    for tag in gone:
        doomed = folder / f"{tag}.deleted"
        os.rename(folder / tag, doomed)
        shutil.rmtree(doomed)
    return gone


def rollback(folder: Path, tag: str) -> dict[str, Any]:
    """Make a verified older checkpoint the current one and record it in `rollbacks.jsonl`.

    Later ones are renamed `<tag>.abandoned-<n>`: they stay for whoever wants them, and no retention
    counts them.
    """
    value = verify(folder / tag)
    before = (folder / "latest").read_text().strip() if (folder / "latest").exists() else ""
    set_latest(folder, tag)
    for path in checkpoints(folder):
        if manifest(path)["step"] > value["step"]:
            earlier = len(list(folder.glob(f"{path.name}.abandoned-*")))
            os.rename(path, path.with_name(f"{path.name}.abandoned-{earlier + 1}"))
    with open(folder / "rollbacks.jsonl", "a") as f:
        f.write(json.dumps({"from": before, "to": tag, "step": value["step"]}) + "\n")
    return value


def to_universal(path: Path) -> str:
    """Convert a checkpoint for another number of ranks (rank 0 alone); returns the new tag.

    Needs about the checkpoint's size once more for the parts and once for the result:
    CheckpointError if the disk lacks it.
    """
    output = path.with_name(path.name + "_universal")
    size = sum(f["bytes"] for f in manifest(path)["files"].values())
    free = shutil.disk_usage(path.parent).free
    if free < 3 * size:
        raise CheckpointError(
            f"{path.parent} has {free} bytes free; converting {path.name} for another world size needs {3 * size}"
        )
    shutil.rmtree(output, ignore_errors=True)
    command = [
        sys.executable,
        "-m",
        "deepspeed.checkpoint.ds_to_universal",
        "--input_folder",
        str(path),
        "--output_folder",
        str(output),
    ]
    scrubbed = {
        k: v for k, v in os.environ.items() if k not in ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_PORT")
    }
    done = subprocess.run(
        [*command, "--num_extract_workers", "1", "--num_merge_workers", "1"],
        capture_output=True,
        text=True,
        env=scrubbed,
    )
    if done.returncode:
        raise CheckpointError(f"conversion of {path} failed: {done.stderr[-800:]}")
    return output.name


def drop_universal(path: Path) -> None:
    """Delete the conversion of a checkpoint once every rank has loaded it: the next save is of this
    number of ranks."""
    shutil.rmtree(path.with_name(path.name + "_universal"))
    (path.parent / "latest_universal").unlink(missing_ok=True)


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

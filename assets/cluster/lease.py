"""One writer per run folder: numbered leases, each created once.

Belongs here: who may write the checkpoints of a run. Does not belong here: starting the writer
(client.py); that a job which has lost the lease leaves (model/run/control.py).

`lease/00000003.json` names the job of epoch 3. Who launches creates the next number; creation is
atomic and exclusive on a folder (a hard link) and on S3 (If-None-Match), so where two launch at
once, one creates the lease and the other adopts its job."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from model.run.control import LEASES, latest_epoch
from pipelines.lake import Lake
from pipelines.lake.atomic import create_whole


@dataclass(frozen=True)
class Lease:
    """Epoch, job folder on the cluster, what the job does, and the Dagster run that took the
    lease."""

    epoch: int
    job: str
    purpose: str
    run_id: str


def path(epoch: int) -> str:
    """Where an epoch's lease stands in a run's store."""
    return f"{LEASES}/{epoch:08d}.json"


def current(store: Lake) -> Lease | None:
    """The lease of the highest epoch, if one was ever taken."""
    epoch = latest_epoch(store)
    return Lease(**store.read_json(path(epoch))) if epoch else None


def claim(store: Lake, lease: Lease) -> bool:
    """Create the lease; False if someone else has created that epoch."""
    data = (json.dumps(asdict(lease), indent=1) + "\n").encode()
    return (
        _create_object(store, path(lease.epoch), data)
        if store.is_s3
        else create_whole(Path(store.root, path(lease.epoch)), data)
    )


def _create_object(store: Lake, key: str, data: bytes) -> bool:
    import boto3
    from botocore.exceptions import ClientError

    bucket, _, prefix = store.root.removeprefix("s3://").partition("/")
    client: Any = boto3.client("s3")
    try:
        client.put_object(Bucket=bucket, Key=f"{prefix}/{key}".lstrip("/"), Body=data, IfNoneMatch="*")
    except ClientError as error:
        if error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412):
            return False
        raise
    return True

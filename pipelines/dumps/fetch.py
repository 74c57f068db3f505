"""Files at an address: what a server says of them, and fetching one to a local path.

Belongs here: https and s3, bounded retries, errors that name the object. Does not belong here: which
files a dump has (raw_dump.py), what is inside a file (readers.py).
"""

from __future__ import annotations

import contextlib
import os
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import tenacity

from pipelines.lake import LakeError

ATTEMPTS = 5  # tries for one request, waiting 0.5, 1, 2, 4 s between them
T = TypeVar("T")


class FetchError(LakeError):
    """An object that cannot be had: the message names it."""


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429


RETRIES = tenacity.Retrying(
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=tenacity.wait_exponential(multiplier=0.5),
    retry=tenacity.retry_if_exception(lambda e: isinstance(e, OSError | EOFError) and not _is_refusal(e)),
    reraise=True,
)


def retry(what: str, action: Callable[[], T]) -> T:
    """Call `action` up to ATTEMPTS times; server errors and lost connections are tried again,
    refusals are not. FetchError names `what`."""
    try:
        return RETRIES(action)
    except urllib.error.HTTPError as error:
        reason = f"{error.code} {error.reason}"
        if _is_refusal(error):
            raise FetchError(f"{what}: the server answered {reason}") from None
    except (OSError, EOFError) as error:
        reason = str(error)
    raise FetchError(f"{what}: gave up after {ATTEMPTS} tries ({reason})")


def s3_client() -> Any:
    """A boto3 client with bounded retries; unsigned where no credentials are configured."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    session = boto3.session.Session()
    unsigned = {} if session.get_credentials() else {"signature_version": UNSIGNED}
    config = Config(retries={"total_max_attempts": ATTEMPTS, "mode": "standard"}, **unsigned)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    return session.client("s3", config=config, endpoint_url=endpoint)


def _bucket_and_key(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def s3_objects(uri: str) -> list[tuple[str, int, str]]:
    """Objects that match an s3:// glob, or lie below a prefix that ends in '/': (uri, bytes,
    etag)."""
    import fnmatch

    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = _bucket_and_key(uri)
    stem = key[: min((key.index(c) for c in "*?[" if c in key), default=len(key))]
    found = []
    try:
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=stem):
            for item in page.get("Contents", ()):
                name = item["Key"]
                if (
                    name == key
                    or fnmatch.fnmatchcase(name, key)
                    or (key.endswith("/") and not name.endswith("/"))
                ):
                    found.append((f"s3://{bucket}/{name}", int(item["Size"]), item["ETag"].strip('"')))
    except (BotoCoreError, ClientError) as error:
        raise FetchError(f"{uri}: {error}") from None
    return found


def https_object(uri: str) -> tuple[str, int, str]:
    """(uri, bytes, etag) as the server says; FetchError where it does not answer."""

    def head() -> tuple[str, int, str]:
        request = urllib.request.Request(uri, method="HEAD", headers={"User-Agent": "skypile"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return (
                uri,
                int(reply.headers.get("Content-Length") or 0),
                (reply.headers.get("ETag") or "").strip('"'),
            )

    return retry(uri, head)


def absolute(uri: str, base: Path) -> str | Path:
    """The address itself, or the path that it is relative to `base`."""
    return uri if "://" in uri or os.path.isabs(uri) else base / uri


@contextlib.contextmanager
def fetched(uri: str, base: Path | None = None) -> Iterator[Path]:
    """A local path of a file for as long as the block runs; a download is deleted afterwards."""
    if "://" not in uri:
        path = Path(absolute(uri, base or Path()))
        if not path.is_file():
            raise FetchError(f"{path}: no such file; it was there when the dump was listed")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="skypile-") as folder:
        target = Path(folder, uri.rsplit("/", 1)[-1] or "file")
        if uri.startswith("s3://"):
            from botocore.exceptions import BotoCoreError, ClientError

            try:
                s3_client().download_file(*_bucket_and_key(uri), str(target))
            except (BotoCoreError, ClientError) as error:
                raise FetchError(f"{uri}: {error}") from None
        else:
            retry(uri, lambda: _download(uri, target))
        yield target


def _download(uri: str, target: Path) -> None:
    """Fetch `uri` into `target`, going on from the bytes that an earlier try left."""
    have = target.stat().st_size if target.exists() else 0
    headers = {"User-Agent": "skypile"} | ({"Range": f"bytes={have}-"} if have else {})
    with urllib.request.urlopen(urllib.request.Request(uri, headers=headers), timeout=60) as reply:
        goes_on = have and reply.status == 206
        with open(target, "ab" if goes_on else "wb") as sink:
            length = reply.headers.get("Content-Length")
            got = 0
            while block := reply.read(1 << 20):
                sink.write(block)
                got += len(block)
            if length is not None and got != int(length):
                raise OSError(f"{got} of {length} bytes came")

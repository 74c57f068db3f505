"""The table `raw_dump`: the files of a dump. Listing them and fetching one to a local path.

Belongs here: folders, `*.paths.gz`, https and s3; addresses, sizes, hashes, bounded retries. Does
not belong here: what is inside a file (readers.py).
"""

from __future__ import annotations

import contextlib
import glob
import gzip
import hashlib
import os
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import tenacity

from pipelines.cards.dump import DumpCard
from pipelines.lake import LakeError, digest
from pipelines.tables.columns import described
from pipelines.tables.stage import Building, Stage

VERSION = 1
RAW = described(
    "raw_dump",
    [
        ("file", pa.string(), "name of the file, unique in the dump"),
        ("uri", pa.string(), "where it is read from"),
        ("bytes", pa.int64(), "size as stored"),
        ("etag_or_sha256", pa.string(), "what tells its content: ETag of the object, or hash of the file"),
    ],
)
ATTEMPTS = 5  # tries for one request, waiting 0.5, 1, 2, 4 s between them
COMMON_CRAWL = (
    "https://data.commoncrawl.org/"  # where the lines of a *.paths.gz of Common Crawl are relative to
)


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


def _s3_client() -> Any:
    """A boto3 client with bounded retries; unsigned where no credentials are configured."""
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config

    session = boto3.session.Session()
    unsigned = {} if session.get_credentials() else {"signature_version": UNSIGNED}
    config = Config(retries={"total_max_attempts": ATTEMPTS, "mode": "standard"}, **unsigned)
    endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or None
    return session.client("s3", config=config, endpoint_url=endpoint)


def _s3_split(uri: str) -> tuple[str, str]:
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def _s3_list(uri: str) -> list[tuple[str, int, str]]:
    """Objects that match an s3:// glob, or lie below a prefix that ends in '/': (uri, bytes,
    etag)."""
    import fnmatch

    from botocore.exceptions import BotoCoreError, ClientError

    bucket, key = _s3_split(uri)
    stem = key[: min((key.index(c) for c in "*?[" if c in key), default=len(key))]
    found = []
    try:
        for page in _s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=stem):
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


def _https_head(uri: str) -> tuple[str, int, str]:
    def head() -> tuple[str, int, str]:
        request = urllib.request.Request(uri, method="HEAD", headers={"User-Agent": "skypile"})
        with urllib.request.urlopen(request, timeout=60) as reply:
            return (
                uri,
                int(reply.headers.get("Content-Length") or 0),
                (reply.headers.get("ETag") or "").strip('"'),
            )

    return retry(uri, head)


def _sha256(path: str | Path) -> str:
    h = hashlib.sha256()
    with open(path, "rb") as stream:
        while block := stream.read(1 << 20):
            h.update(block)
    return h.hexdigest()


def _kept(card: DumpCard, name: str) -> bool:
    """Whether a file is in the card's sample: a larger sample is a superset of a smaller one."""
    return int(digest("sample", name)[:13], 16) < card.sample * 16**13


def list_files(card: DumpCard, uri: str, base: Path) -> list[tuple[str, str, int, str]]:
    """(file, uri, bytes, etag or sha256) of what one entry of `uris` names. Raises FetchError where
    it names nothing.

    `base` is the folder that relative paths start from (the lake's own folder).
    """
    if uri.endswith(("paths.gz", ".paths")):
        with fetched(str(_absolute(uri, base))) as local:
            data = local.read_bytes()
        lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode().split()
        root = uri[: uri.index("crawl-data/")] if "crawl-data/" in uri else COMMON_CRAWL
        names = [line if "://" in line else root + line for line in lines]
        return [
            row
            for name in names
            if _kept(card, name.rsplit("/", 1)[-1])
            for row in list_files(card, name, base)
        ]
    if uri.startswith("s3://"):
        found = _s3_list(uri)
    elif uri.startswith(("https://", "http://")):
        found = [_https_head(uri)]
    else:
        paths = sorted(glob.glob(str(_absolute(uri, base)), recursive=True))
        files = [p for p in paths if os.path.isfile(p)]
        found = [(p, os.path.getsize(p), "") for p in files if _kept(card, os.path.basename(p))]
        if files and not found:
            return []
        found = [(p, size, _sha256(p)) for p, size, _ in found]
    if not found:
        raise FetchError(f"dump {card.name}: {uri} names no file; mend `uris` in the dump's card")
    return [
        (u.rsplit("/", 1)[-1], u, size, tag) for u, size, tag in found if _kept(card, u.rsplit("/", 1)[-1])
    ]


def _absolute(uri: str, base: Path) -> str | Path:
    return uri if "://" in uri or os.path.isabs(uri) else base / uri


def _relative(uri: str, base: Path) -> str:
    """The address as published: relative to the lake where the file lies in it, so that a lake can
    be moved."""
    if "://" in uri:
        return uri
    path, root = os.path.abspath(uri), os.path.abspath(base)
    return os.path.relpath(path, root) if path.startswith(root + os.sep) else path


@contextlib.contextmanager
def fetched(uri: str, base: Path | None = None) -> Iterator[Path]:
    """A local path of a file for as long as the block runs; a download is deleted afterwards."""
    if "://" not in uri:
        path = Path(_absolute(uri, base or Path()))
        if not path.is_file():
            raise FetchError(f"{path}: no such file; it was there when the dump was listed")
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="skypile-") as folder:
        target = Path(folder, uri.rsplit("/", 1)[-1] or "file")
        if uri.startswith("s3://"):
            from botocore.exceptions import BotoCoreError, ClientError

            try:
                _s3_client().download_file(*_s3_split(uri), str(target))
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


def raw_dump_stage(card: DumpCard, base: Path) -> Stage:
    """The list of the dump's files (schema RAW). They are listed now: the list is the stage's input.

    `base` is the lake's own folder, where relative paths start. Stats: files, bytes. Raises FetchError
    where the card names no file.
    """
    rows = {}
    for uri in card.uris:
        for file, address, size, tag in list_files(card, uri, base):
            rows[_relative(address, base)] = (file, size, tag)
    if not rows:
        raise FetchError(
            f"dump {card.name}: the sample of {card.sample} holds no file; raise `sample` in the card"
        )
    names = [file for file, _, _ in rows.values()]
    doubled = {n for n in names if names.count(n) > 1} if len(names) != len(set(names)) else set()
    records: list[dict[str, Any]] = [
        {
            "file": address if file in doubled else file,
            "uri": address,
            "bytes": size,
            "etag_or_sha256": tag,
        }
        for address, (file, size, tag) in sorted(rows.items())
    ]

    def compute(building: Building) -> None:
        stats = {"files": len(records), "bytes": sum(r["bytes"] for r in records)}
        building.writer.write_table("part-00000.parquet", pa.Table.from_pylist(records, RAW), stats)

    listing = digest(*(f"{r['file']}\0{r['uri']}\0{r['bytes']}\0{r['etag_or_sha256']}" for r in records))
    return Stage(
        "raw_dump",
        VERSION,
        compute,
        partition=card.name,
        parameters={"sample": card.sample},
        inputs={"files": listing},
    )

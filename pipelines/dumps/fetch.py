"""Files at an address: what a server says of them, and fetching one to a local path.

Belongs here: https and s3, bounded retries, files that change or come too slowly, errors that name the
object. Does not belong here: which files a dump has (raw_dump.py, listing.py), what an address may
reach (addresses.py), what is inside a file (readers.py).
"""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote, urljoin, urlsplit

import tenacity

from pipelines.cards.urls import without_secrets
from pipelines.dumps.addresses import FetchError, Reach, origin, requested

ATTEMPTS = 5  # tries for one request, waiting 0.5, 1, 2, 4 s between them
TIMEOUT = 60  # seconds without a byte
SLOW_SECONDS = 60  # over so long a time
SLOW_RATE = 1024  # bytes a second are the least: a server that sends one now and then is given up
MAX_DOWNLOAD = 1 << 40  # bytes of a file whose length nobody said
CLOCK = time.monotonic
T = TypeVar("T")


@dataclass(frozen=True)
class Listed:
    """A file as it was listed: `tag` is the hash of a local file, or the ETag that a server gave.

    What is read later must be of this size and tag; unknown ones (0, "") are not compared.
    """

    bytes: int = 0
    tag: str = ""


def _is_refusal(error: BaseException) -> bool:
    return isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code not in (408, 429)


def _may_pass(error: BaseException) -> bool:
    """Whether another try can help. http.client raises its own classes for replies that are cut."""
    lost = isinstance(error, OSError | EOFError | http.client.HTTPException)
    return lost and not _is_refusal(error) and not isinstance(error, http.client.InvalidURL)


RETRIES = tenacity.Retrying(
    stop=tenacity.stop_after_attempt(ATTEMPTS),
    wait=tenacity.wait_exponential(multiplier=0.5),
    retry=tenacity.retry_if_exception(_may_pass),
    reraise=True,
)


def retry(what: str, action: Callable[[], T]) -> T:
    """Call `action` up to ATTEMPTS times; server errors and lost connections are tried again,
    refusals are not. FetchError names `what`, without secrets."""
    name = without_secrets(what)
    try:
        return RETRIES(action)
    except urllib.error.HTTPError as error:
        reason = f"{error.code} {error.reason}"
        if _is_refusal(error):
            raise FetchError(f"{name}: the server answered {reason}") from None
    except (OSError, EOFError, http.client.HTTPException, ValueError) as error:
        reason = str(error) or type(error).__name__
        if not _may_pass(error):
            raise FetchError(f"{name}: {reason}") from None
    raise FetchError(f"{name}: gave up after {ATTEMPTS} tries ({reason})")


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect only within reach, with the credentials of its own origin."""

    def __init__(self, reach: Reach) -> None:
        self.reach = reach

    def redirect_request(self, req: Any, fp: Any, code: int, msg: str, headers: Any, newurl: str) -> Any:
        self.reach.check(newurl, req.full_url)
        made = super().redirect_request(req, fp, code, msg, headers, requested(newurl))
        if made is not None and origin(newurl) != origin(req.full_url):
            made.remove_header("Authorization")
            if user := self.reach.users.get(origin(newurl)):
                made.add_unredirected_header("Authorization", user)
        return made


def open_url(uri: str, reach: Reach, method: str = "GET", **headers: str) -> Any:
    """The reply to a request; redirects are followed within reach. A context manager."""
    given = {"User-Agent": "skypile", "Accept-Encoding": "identity", **headers}
    if user := reach.users.get(origin(uri)):
        given["Authorization"] = user
    request = urllib.request.Request(requested(uri), method=method, headers=given)
    return urllib.request.build_opener(_Redirects(reach)).open(request, timeout=TIMEOUT)


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


def bucket_and_key(uri: str) -> tuple[str, str]:
    """Of an s3:// address."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


@contextlib.contextmanager
def s3_errors(uri: str) -> Iterator[None]:
    """Errors of S3 as FetchError that names the object."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise FetchError(f"{uri}: {error}") from None


def s3_object(uri: str) -> Listed:
    """Size and ETag of an object; FetchError where there is none."""
    bucket, key = bucket_and_key(uri)
    with s3_errors(uri):
        said = s3_client().head_object(Bucket=bucket, Key=key)
    return Listed(int(said["ContentLength"]), said["ETag"].strip('"'))


def https_object(uri: str, reach: Reach) -> Listed:
    """Size and ETag as the server says; FetchError where it does not answer."""

    def head() -> Listed:
        with open_url(uri, reach, "HEAD") as reply:
            if reply.geturl() == requested(uri) + "/":
                raise FetchError(
                    f"{without_secrets(uri)} is a folder: write `/` at its end, for its files, in the card"
                )
            return Listed(_length(reply) or 0, _etag(reply))

    return retry(uri, head)


def _etag(reply: Any) -> str:
    return (reply.headers.get("ETag") or "").strip().strip('"')


def _length(reply: Any) -> int | None:
    """The length that a reply says it has; None where it says none that can be read."""
    said = (reply.headers.get("Content-Length") or "").strip()
    return int(said) if said.isascii() and said.isdigit() and len(said) < 16 else None


def absolute(uri: str, base: Path) -> str | Path:
    """The address itself, or the path that it is relative to `base`."""
    return uri if "://" in uri or os.path.isabs(uri) else base / uri


@contextlib.contextmanager
def fetched(
    uri: str,
    base: Path | None = None,
    reach: Reach | None = None,
    listed: Listed = Listed(),
    limit: int = MAX_DOWNLOAD,
) -> Iterator[Path]:
    """A local path of a file for as long as the block runs; a download is deleted afterwards.

    FetchError where the file is not what was `listed`, before or, of a local file, behind the block, and
    where it is larger than `limit` bytes. `reach`: by default the address' own origin.
    """
    if "://" not in uri:
        path = Path(absolute(uri, base or Path()))
        if not path.is_file():
            raise FetchError(f"{path}: no such file; it was there when the dump was listed")
        before = _state(path)
        if listed.tag and (before[0] != listed.bytes or sha256(path) != listed.tag):
            raise changed(str(path))
        yield path
        if listed.tag and (not path.is_file() or _state(path) != before):
            raise changed(str(path))
        return
    reach = reach or Reach.of([uri])
    uri = reach.whole.get(uri, uri)
    with tempfile.TemporaryDirectory(prefix="skypile-") as folder:
        target = Path(folder, file_name(uri))
        if uri.startswith("s3://"):
            _download_s3(uri, target, listed, limit)
        else:
            retry(uri, lambda: _download(uri, target, reach, listed, limit))
        if listed.bytes and target.stat().st_size != listed.bytes:
            raise changed(uri)
        yield target


def changed(uri: str) -> FetchError:
    return FetchError(
        f"{without_secrets(uri)} has changed since the dump was listed, and a table of other bytes would"
        " have the name of the old ones: run the dump again, which lists its files anew"
    )


def file_name(uri: str) -> str:
    """The last part of an address' path."""
    name = unquote(urlsplit(uri).path) if uri.startswith(("http://", "https://")) else uri
    return name.rstrip("/").rsplit("/", 1)[-1].replace("\0", "") or "file"


def sha256(path: str | Path) -> str:
    """Of a local file's bytes."""
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _state(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_size, found.st_mtime_ns, found.st_ino


def _download_s3(uri: str, target: Path, listed: Listed, limit: int) -> None:
    """Fetch an object whose ETag is the listed one before and behind."""
    if listed.tag and s3_object(uri) != listed:
        raise changed(uri)
    bucket, key = bucket_and_key(uri)
    with s3_errors(uri):
        if limit < MAX_DOWNLOAD and (size := s3_object(uri).bytes) > limit:
            raise too_large(uri, size, limit)
        s3_client().download_file(bucket, key, str(target))
    if listed.tag and s3_object(uri) != listed:
        raise changed(uri)


def too_large(uri: str, size: int, limit: int) -> FetchError:
    return FetchError(
        f"{without_secrets(uri)} has {size:,} bytes or more, where at most {limit:,} are expected"
    )


def _download(uri: str, target: Path, reach: Reach, listed: Listed, limit: int) -> None:
    """Fetch `uri` into `target`, going on from the bytes that an earlier try left."""
    have = target.stat().st_size if target.exists() else 0
    limit = listed.bytes or limit
    headers = {"Range": f"bytes={have}-"} if have else {}
    with open_url(uri, reach, **headers) as reply:
        goes_on = bool(have) and reply.status == 206
        if listed.tag and (tag := _etag(reply)) and tag != listed.tag:
            raise changed(uri)
        have = have if goes_on else 0
        with open(target, "ab" if goes_on else "wb") as sink:
            length, got = _length(reply), 0
            began, counted = CLOCK(), 0
            while block := reply.read1(1 << 20):
                sink.write(block)
                got += len(block)
                if have + got > limit:
                    raise too_large(uri, have + got, limit)
                if (spent := CLOCK() - began) > SLOW_SECONDS:
                    if got - counted < SLOW_RATE * spent:
                        raise OSError(f"{got - counted} bytes came in {spent:.0f} s")
                    began, counted = CLOCK(), got
            if length is not None and got != length:
                raise OSError(f"{got} of {length} bytes came")


def links_of(uri: str, reach: Reach, limit: int) -> list[str]:
    """The addresses that the page of a folder links to (as web servers list a folder), below it."""
    import html
    import re

    def read() -> tuple[str, str]:
        with open_url(uri, reach) as reply:
            data = b""
            while len(data) <= limit and (block := reply.read1(1 << 20)):
                data += block
            return reply.geturl(), data.decode("utf-8", "replace")

    address, page = retry(uri, read)
    if len(page) > limit:
        raise too_large(uri, len(page), limit)
    found = []
    for link in re.findall(r"""(?i)<a\b[^<>]{0,500}?\bhref\s{0,9}=\s{0,9}["']?([^"'<>\s]{1,2000})""", page):
        with contextlib.suppress(ValueError):
            found.append(urljoin(address, html.unescape(link)).split("#")[0].split("?")[0])
    return list(dict.fromkeys(found))

"""Which files the addresses of a card name: globs and listings.

Belongs here: globs over a folder, a bucket and a web server's folder, with one meaning; lines of
`*.paths.gz`; bounds on both. Does not belong here: the table (raw_dump.py), asking a server
(fetch.py).

`*`, `?` and `[...]` stay within a level, `**` goes over any number of them, and an address that ends in
`/` names the files of that level. What only marks a folder is no file; hidden files (`.name`) are
matched only by a dot.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from pipelines.cards.urls import without_secrets
from pipelines.dumps.addresses import COMMON_CRAWL, FetchError, Reach, origin
from pipelines.dumps.fetch import (
    Listed,
    absolute,
    bucket_and_key,
    fetched,
    https_object,
    links_of,
    s3_client,
    s3_errors,
    s3_object,
)
from pipelines.dumps.members import Stored, decoded

MAX_LISTING = 256 << 20  # bytes of a listing, stored and decoded; Common Crawl's have under 10 MB
MAX_FILES = 2_000_000  # files of a dump
MAX_FOLDERS = 10_000  # folders of a web server that one glob looks into
_GLOB = re.compile(r"[*?\[]")


def is_listing(uri: str) -> bool:
    """Whether an address is of a file whose lines are addresses."""
    return (urlsplit(uri).path if "://" in uri else uri).endswith(("paths.gz", ".paths"))


def files_of(
    uri: str, base: Path, reach: Reach, keep: Callable[[str], bool]
) -> Iterator[tuple[str, Listed | None]]:
    """(address, what is known of it) of every file that an address of a card names and `keep`s.

    FetchError where a listing is damaged, has no end, or leads out of reach. A local file's hash is not
    known yet: None.
    """
    if is_listing(uri):
        for line in _lines(uri, base, reach):
            if keep(line):
                yield line, s3_object(line) if line.startswith("s3://") else https_object(line, reach)
    elif uri.startswith("s3://"):
        yield from ((name, listed) for name, listed in _of_bucket(uri) if keep(name))
    elif uri.startswith(("https://", "http://")):
        names = (
            _of_server(uri, reach) if "*" in urlsplit(uri).path or urlsplit(uri).path.endswith("/") else [uri]
        )
        yield from ((name, https_object(name, reach)) for name in names if keep(name))
    else:
        path = os.path.normpath(absolute(uri, base)) + ("/" if uri.endswith("/") else "")
        yield from ((name, None) for name in _of_folder(path) if keep(name))


def is_folder(uri: str, base: Path) -> bool:
    """Whether an address that names no file is a folder, written without `/` at its end."""
    if uri.startswith("s3://"):
        bucket, key = bucket_and_key(uri)
        with s3_errors(uri):
            found = s3_client().list_objects_v2(Bucket=bucket, Prefix=f"{key}/", MaxKeys=1)
        return not uri.endswith("/") and bool(found.get("Contents"))
    return "://" not in uri and not uri.endswith("/") and os.path.isdir(absolute(uri, base))


def _lines(uri: str, base: Path, reach: Reach) -> list[str]:
    """The addresses in a listing, each checked to be within reach."""
    root = uri[: uri.index("crawl-data/")] if "crawl-data/" in uri and "://" in uri else COMMON_CRAWL
    damage: list[str] = []
    text = b""
    with fetched(str(absolute(uri, base)), base, reach, limit=MAX_LISTING) as local, Stored(local) as stored:
        for data in decoded(stored, lambda reason, at: damage.append(reason)):
            text += data
            if len(text) > MAX_LISTING:
                raise FetchError(f"{without_secrets(uri)} has more than {MAX_LISTING:,} bytes of addresses")
    if damage:
        raise FetchError(
            f"{without_secrets(uri)} is damaged or cut ({damage[0]}): its files would be missing"
        )
    names = [line.strip() for line in text.decode("utf-8", "replace").split("\n") if line.strip()]
    if len(names) > MAX_FILES:
        raise FetchError(
            f"{without_secrets(uri)} names {len(names):,} files, and a dump has at most {MAX_FILES:,}"
        )
    for name in names:
        if without_secrets(name) != name:
            raise FetchError(
                f"{without_secrets(uri)} holds signed addresses such as {without_secrets(name)}, and"
                " signatures are not kept: name these files in the card's `uris`"
            )
    addresses = [name if "://" in name else root + name.lstrip("/") for name in names]
    for address in addresses:
        try:
            reach.check(address, uri)
        except FetchError as error:
            raise FetchError(f"{without_secrets(uri)}: {error}") from None
    return addresses


@functools.cache
def pattern_of(path: str) -> re.Pattern[str]:
    """A glob over names with `/` between levels."""
    out, at = "", 0
    path += "*" if path.endswith("/") else ""
    while at < len(path):
        if path[at] in "*?[" and (at == 0 or path[at - 1] == "/"):
            out += r"(?!\.)"  # as in a shell, hidden files are named or not meant
        if path.startswith("**/", at):
            out, at = out + r"(?:[^/]+/(?!\.))*", at + 3
        elif path.startswith("**", at):
            out, at = out + r"(?:[^/]|/(?!\.))*", at + 2
        elif path[at] == "*":
            out, at = out + r"[^/]*", at + 1
        elif path[at] == "?":
            out, at = out + r"[^/]", at + 1
        elif path[at] == "[" and (end := path.find("]", at + 2)) > 0:
            inner = path[at + 1 : end].replace("\\", r"\\")
            out, at = out + "(?!/)[" + ("^" + inner[1:] if inner[0] == "!" else inner) + "]", end + 1
        else:
            out, at = out + re.escape(path[at]), at + 1
    return re.compile(out, re.DOTALL)


def _fixed(path: str) -> str:
    """What stands before the first sign of a glob."""
    found = _GLOB.search(path)
    return path[: found.start()] if found else path


def _of_folder(path: str) -> Iterator[str]:
    if os.path.isfile(path):
        yield path
        return
    top = _fixed(path)
    top = top[: top.rfind("/") + 1]
    wanted, deep = pattern_of(path), "**" in path
    for folder, folders, names in os.walk(top, followlinks=not deep):  # a link may lead back up
        folders.sort()
        at = folder.rstrip("/") + "/"
        if not deep and at.count("/") >= path.count("/"):
            folders.clear()
        for name in sorted(names):
            if wanted.fullmatch(at + name) and os.path.isfile(at + name):
                yield at + name


def _of_bucket(uri: str) -> Iterator[tuple[str, Listed]]:
    """Objects that a glob matches; one whose whole name it is."""
    bucket, key = bucket_and_key(uri)
    wanted, count = pattern_of(key), 0
    with s3_errors(uri):
        for page in s3_client().get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=_fixed(key)):
            for item in page.get("Contents", ()):
                name = item["Key"]
                if not name.endswith("/") and (name == key or wanted.fullmatch(name)):
                    count += 1
                    yield f"s3://{bucket}/{name}", Listed(int(item["Size"]), item["ETag"].strip('"'))
            if count > MAX_FILES:
                raise FetchError(f"{uri} names more than {MAX_FILES:,} files")


def _of_server(uri: str, reach: Reach) -> list[str]:
    """Files that the pages of a web server's folders link to and that the glob matches."""
    host = uri[: uri.index("/", uri.index("://") + 3)]
    path = unquote(urlsplit(uri).path)
    wanted, top = pattern_of(path), quote(_fixed(path))
    waiting, seen, found = [host + top[: top.rfind("/") + 1]], set[str](), list[str]()
    deep = path.count("/") if "**" not in path else None
    while waiting:
        folder = waiting.pop(0)
        if folder in seen:
            continue
        seen.add(folder)
        if len(seen) > MAX_FOLDERS or len(found) > MAX_FILES:
            raise FetchError(
                f"{without_secrets(uri)} has no end: {len(seen):,} folders, {len(found):,} files"
            )
        for link in links_of(folder, reach, MAX_LISTING):
            below, inside = urlsplit(link).path, unquote(urlsplit(folder).path)
            if not link.startswith(("http://", "https://")) or not unquote(below).startswith(inside):
                continue
            if origin(link) != origin(folder):
                continue
            if link.endswith("/"):
                if deep is None or below.count("/") <= deep:
                    waiting.append(host + below)
            elif wanted.fullmatch(unquote(below)):
                found.append(host + below)
    return sorted(set(found))

"""Addresses of files: what a dump may reach, and what of an address is a secret.

Belongs here: origins that a card names, user names and signatures in addresses. Does not belong here:
asking a server (fetch.py), addresses of pages as documents carry them (cards/urls.py).
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit, urlunsplit

from pipelines.cards.urls import without_secrets
from pipelines.lake import LakeError

COMMON_CRAWL = "https://data.commoncrawl.org/"
"""What the lines of a *.paths.gz of Common Crawl are relative to."""
_PORTS = {"http": 80, "https": 443}


class FetchError(LakeError):
    """An object that cannot be had: the message names it."""


def origin(uri: str) -> str:
    """`host:port` of an http or https address, `s3://bucket`, or "" for a path. FetchError where it
    cannot be read, or is of another scheme."""
    if "://" not in uri:
        return ""
    try:
        parts = urlsplit(uri)
        if parts.scheme == "s3":
            return f"s3://{parts.netloc}"
        if parts.scheme in _PORTS and parts.hostname:
            return f"{_ascii_host(parts.hostname)}:{parts.port or _PORTS[parts.scheme]}"
    except ValueError as error:
        raise FetchError(f"{without_secrets(uri)}: not a readable address ({error})") from None
    raise FetchError(f"{without_secrets(uri)}: a dump is read from paths, s3://, https:// or http://")


def _ascii_host(host: str) -> str:
    """A host as the network knows it: international names in punycode. ValueError where none can be."""
    return host if host.isascii() else host.encode("idna").decode("ascii").lower()


def requested(uri: str) -> str:
    """The address as a request may carry it: without user name and fragment, an international host in
    punycode, other letters escaped."""
    origin(uri)
    parts = urlsplit(uri)
    host = _ascii_host(parts.hostname or "")
    place = f"[{host}]" if ":" in host else host
    place += f":{parts.port}" if parts.port else ""
    safe = "%/:=&?~+!$,;'@()*[]"
    return urlunsplit((parts.scheme, place, quote(parts.path, safe), quote(parts.query, safe), ""))


@dataclass(frozen=True)
class Reach:
    """What a dump may reach: the origins of the addresses that a person wrote into its card, and those
    that its `hosts` names. A listing or a redirect leads nowhere else."""

    origins: frozenset[str]
    users: dict[str, str] = field(default_factory=dict)
    """Authorization header by origin, from `user:password@` of the card's addresses."""
    whole: dict[str, str] = field(default_factory=dict)
    """The card's addresses by what is published of them."""

    @classmethod
    def of(cls, uris: Iterable[str], hosts: Iterable[str] = ()) -> Reach:
        """FetchError where an address cannot be read."""
        named, users, whole = {origin(COMMON_CRAWL)}, {}, {}
        for uri in uris:
            if "://" not in uri:
                continue
            named.add(origin(uri))
            whole[without_secrets(uri)] = uri
            parts = urlsplit(uri)
            if parts.scheme == "http":  # a server may send on to its own https
                named.add(origin("https" + uri.removeprefix("http").replace(":80/", "/", 1)))
            if parts.username is not None and parts.scheme in _PORTS:
                pair = f"{parts.username}:{parts.password or ''}".encode()
                users[origin(uri)] = "Basic " + base64.b64encode(pair).decode()
        for host in hosts:
            if host.startswith("s3://"):
                named.add(origin(host))
            else:
                named |= {origin(f"{scheme}://{host}") for scheme in _PORTS}
        return cls(frozenset(named), users, whole)

    def check(self, uri: str, led_by: str) -> None:
        """FetchError where `led_by` (a listing, a redirect) leads out of reach."""
        where = origin(uri)
        if where not in self.origins:
            host = where.removesuffix(":443").removesuffix(":80")
            raise FetchError(
                f"{without_secrets(led_by)} leads to {without_secrets(uri)}, and the dump's card names no"
                f" {'file there' if where else 'such path'}: if that is meant, add `hosts: [{host}]` to it"
            )

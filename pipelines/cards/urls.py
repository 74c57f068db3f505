"""Addresses of pages: what tells two pages apart, rules over them, and what of an address is a secret.

Belongs here: the normal form by which rules, tombstones, groups and questions find a page; the grammar
of `allow` and `block`; user names and signatures in addresses. Does not belong here: fetching (dumps/).
"""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote_to_bytes

_SECRET = re.compile(
    r"(?i)(?<=[?&])(?:x-amz-[a-z\-]+|x-goog-[a-z\-]+|x-oss-[a-z\-]+|awsaccesskeyid|googleaccessid|ossaccesskeyid"
    r"|signature|sig|key-pair-id|security-token|access_token|auth_token|id_token|token|api_?key|password|passwd"
    r"|pwd|secret)=[^&#]*&?"
)
_USER = re.compile(r"(?<=://)[^/?#@]*@")
_SCHEME = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.\-]{0,30}:)?//")
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}|[^\x21-\x7e]|[\"<>\\^`{|}]")
_SAFE = "!$%&'()*+,-./:;=?@[]_~"
_UNRESERVED = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_HOST = re.compile(r"[a-z0-9_]([a-z0-9_\-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_\-]*[a-z0-9_])?)*|\[[0-9a-f:.]+\]")


def without_secrets(url: str) -> str:
    """The address without `user:password@`, and without those parts of its query that sign it or are a
    password."""
    if "@" in url:
        url = _USER.sub("", url, count=1)
    if "=" in url and (cleaned := _SECRET.sub("", url)) != url:
        url = cleaned.replace("?#", "#").replace("&#", "#").rstrip("?&")
    return url


@functools.lru_cache(1 << 16)
def normal_host(host: str) -> str:
    """A host name in lower case and punycode, without `www.` and a dot at its end."""
    host = host.lower().rstrip(".")
    if not host.isascii():
        with contextlib.suppress(UnicodeError):  # no name that the network knows stays as it is
            host = host.encode("idna").decode("ascii").lower()
    bare = host.removeprefix("www.")
    return bare if "." in bare else host


def _escaped(text: str) -> str:
    """A path or query with one spelling: letters that need no escape without one, all others with
    theirs in capitals."""
    if not _ESCAPED.search(text):
        return text

    def one(found: re.Match[str]) -> str:
        part = found[0]
        if part[0] == "%" and len(part) == 3:
            plain = chr(unquote_to_bytes(part)[0])
            return plain if plain in _UNRESERVED else part.upper()
        return quote(part, safe="", errors="replace")

    return _ESCAPED.sub(one, text)


def _parts(url: str) -> tuple[str, str, str]:
    """(normal host, port, path with query) of an address; default ports are empty. The fragment is
    left out."""
    bare = url.strip().split("#", 1)[0]
    if found := _SCHEME.match(bare):
        bare = bare[found.end() :]
    ends = [at for at in (bare.find("/"), bare.find("?")) if at >= 0]
    place, rest = (bare[: min(ends)], bare[min(ends) :]) if ends else (bare, "")
    host, colon, port = place.rpartition("@")[2].rpartition(":")
    if not colon or not (port.isdigit() or not port):
        host, port = place.rpartition("@")[2], ""
    return normal_host(host), "" if port in ("80", "443") else port, _escaped(rest)


def normal_url(url: str) -> str:
    """The normal form of an address, without what does not tell pages apart: scheme, user, `www.`, the
    default port, fragment, slash at the end of the path; the host in lower case and punycode, one
    spelling of escapes."""
    host, port, rest = _parts(url)
    path, mark, query = rest.partition("?")
    return f"{host}{':' + port if port else ''}{path.rstrip('/')}{mark if query else ''}{query}"


@dataclass(frozen=True)
class UrlRule:
    """One entry of `allow` or `block`.

    `example.org` covers a host and its subdomains, `*.example.org` the subdomains alone;
    `example.org/private/` the addresses of that very host whose path begins so, `*.example.org/private/`
    those of its subdomains. Scheme, `www.`, case and the spelling of international names make no
    difference; a port is compared where the rule names one.
    """

    text: str
    host: str
    port: str
    prefix: str
    below: bool

    @classmethod
    def parse(cls, text: str) -> UrlRule:
        """ValueError for a rule that can match no address."""
        below = False
        bare = text
        if "://" in bare:
            scheme, _, bare = bare.partition("://")
            if scheme.lower() not in ("http", "https"):
                raise ValueError(f"{text!r} can match no page: pages are of http or https")
        if bare.startswith("*."):
            below, bare = True, bare[2:]
        if any(c.isspace() for c in text) or "#" in text:
            raise ValueError(f"{text!r} can match no page: an address has no spaces, and rules no fragment")
        if "*" in bare:
            raise ValueError(
                f"{text!r} can match no page: `*` stands before a host alone (*.example.org), and a path is"
                " the beginning of those it covers (example.org/private/)"
            )
        host, port, prefix = _parts("//" + bare)
        if not _HOST.fullmatch(host) or (port and int(port) > 65535):
            raise ValueError(
                f"{text!r} can match no page: write a host (example.org), its subdomains (*.example.org),"
                " or a host with the beginning of a path (example.org/private/)"
            )
        return cls(text, host, port, "" if prefix == "/" else prefix, below)

    def covers(self, port: str, path: str, subdomain: bool) -> bool:
        """Whether it covers an address of its host or of a subdomain."""
        if self.port and self.port != port:
            return False
        if subdomain != self.below and (self.below or self.prefix):
            return False
        return path.startswith(self.prefix) or path + "/" == self.prefix


class UrlRules:
    """Rules, found by host."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._by_host: dict[str, list[UrlRule]] = {}
        for text in dict.fromkeys(texts):
            rule = UrlRule.parse(text)
            self._by_host.setdefault(rule.host, []).append(rule)

    def covering(self, url: str) -> Iterator[str]:
        """The texts of the rules that cover an address."""
        if not self._by_host:
            return
        host, port, path = _parts(url)
        name = host
        while name:
            for rule in self._by_host.get(name, ()):
                if rule.covers(port, path or "/", name != host):
                    yield rule.text
            name = name.partition(".")[2]


@functools.lru_cache(64)
def rules_of(texts: tuple[str, ...]) -> UrlRules:
    """The rules of a card, made once a process."""
    return UrlRules(texts)

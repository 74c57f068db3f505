"""Addresses of pages: what tells two pages apart, and what of an address is a secret.

Belongs here: the normal form by which rules, tombstones and questions find a page; user names and
signatures in addresses. Does not belong here: fetching (dumps/), which rules there are (cards/).
"""

from __future__ import annotations

import re

_SECRET = re.compile(
    r"(?i)(?<=[?&])(?:x-amz-[a-z\-]+|x-goog-[a-z\-]+|x-oss-[a-z\-]+|awsaccesskeyid|googleaccessid|ossaccesskeyid"
    r"|signature|sig|key-pair-id|security-token|access_token|auth_token|id_token|token|api_?key|password|passwd"
    r"|pwd|secret)=[^&#]*&?"
)
_USER = re.compile(r"(?<=://)[^/?#@]*@")


def without_secrets(url: str) -> str:
    """The address without `user:password@`, and without those parts of its query that sign it or are a
    password."""
    if "@" in url:
        url = _USER.sub("", url, count=1)
    if "=" in url and (cleaned := _SECRET.sub("", url)) != url:
        url = cleaned.replace("?#", "#").replace("&#", "#").rstrip("?&")
    return url

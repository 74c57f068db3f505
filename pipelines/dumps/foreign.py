"""What a file is that is none of the kind that the card says: an archive to unpack, another format.

Belongs here: first bytes of other formats. Does not belong here: reading any of them, kinds that are read
(readers.py).
"""

from __future__ import annotations

import re

HEAD = 512  # decoded bytes that tell
_FORMATS = {
    "zip": rb"PK\x03\x04|PK\x05\x06",
    "7z": rb"7z\xbc\xaf\x27\x1c",
    "rar": rb"Rar!\x1a\x07",
    "bzip2": rb"BZh[1-9]1AY&SY",
    "xz": rb"\xfd7zXZ\0",
    "gzip": rb"\x1f\x8b\x08",
    "zstd": rb"\x28\xb5\x2f\xfd",
    "tar": rb".{257}ustar",
    "parquet": rb"PAR1",
    "arrow": rb"ARROW1",
    "sqlite": rb"SQLite format 3\0",
    "pdf": rb"%PDF-",
    "warc": rb"\s{0,9}WARC/\d\.\d",
    "git_lfs_pointer": rb"version https://git-lfs\.github\.com/spec/",
    "html": rb"(?i:\s{0,99}<(?:!doctype html|html|head)\b)",
    "xml": rb"(?:\xef\xbb\xbf)?<\?xml\b",
    "json": rb"(?:\xef\xbb\xbf)?\s{0,99}[{\[]\s{0,99}[\"{\[]",
}
_FORMS = {name: re.compile(source, re.DOTALL) for name, source in _FORMATS.items()}


def format_of(head: bytes) -> str:
    """The format of a file that begins so, once a compression of one level is undone; "" where its bytes tell
    none."""
    return next((name for name, form in _FORMS.items() if form.match(head)), "")

from __future__ import annotations

import gzip
import http.server
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from pipelines.cards.dump import DumpCard
from pipelines.dumps import fetch, listing
from pipelines.dumps.addresses import FetchError
from pipelines.dumps.raw_dump import list_files
from tests.support.file_server import FileServer, serve

NAMES = (
    "crawl/a.jsonl",
    "crawl/b.jsonl",
    "crawl/c.txt",
    "crawl/.hidden.jsonl",
    "crawl/deep/d.jsonl",
    "crawl/deep/er/e.jsonl",
    "crawl/deep/.cache/f.jsonl",
    "crawlers/g.jsonl",
    "第 1 批/甲 #1.jsonl",
    "第 1 批/乙%20&.jsonl",
    "第 1 批/里/丙+.jsonl",
)
EVERYWHERE = {
    "crawl/*.jsonl": ["crawl/a.jsonl", "crawl/b.jsonl"],
    "crawl/**/*.jsonl": ["crawl/a.jsonl", "crawl/b.jsonl", "crawl/deep/d.jsonl", "crawl/deep/er/e.jsonl"],
    "crawl/": ["crawl/a.jsonl", "crawl/b.jsonl", "crawl/c.txt"],
    "crawl/**/": [
        "crawl/a.jsonl",
        "crawl/b.jsonl",
        "crawl/c.txt",
        "crawl/deep/d.jsonl",
        "crawl/deep/er/e.jsonl",
    ],
    "crawl/d**": ["crawl/deep/d.jsonl", "crawl/deep/er/e.jsonl"],
    "crawl/deep/.cache/*": ["crawl/deep/.cache/f.jsonl"],
    "crawl/*/*.jsonl": ["crawl/deep/d.jsonl"],
    "crawl*/g.jsonl": ["crawlers/g.jsonl"],
    "*/deep/**/e.*": ["crawl/deep/er/e.jsonl"],
    "crawl/b.jsonl": ["crawl/b.jsonl"],
    "第 1 批/*.jsonl": ["第 1 批/乙%20&.jsonl", "第 1 批/甲 #1.jsonl"],
    "第 1 批/": ["第 1 批/乙%20&.jsonl", "第 1 批/甲 #1.jsonl"],
    "第 1 批/**/丙*": ["第 1 批/里/丙+.jsonl"],
}
"""What a glob names of a folder, a bucket and a web server's folders."""
CLASSES = {
    "crawl/[ab].jsonl": ["crawl/a.jsonl", "crawl/b.jsonl"],
    "crawl/[!a].jsonl": ["crawl/b.jsonl"],
    "crawl/?.txt": ["crawl/c.txt"],
}
"""What one names of a folder and a bucket: in a web address `?` begins the query."""


class Folders(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


def names(card_uris: list[str], base: Path, **fields: Any) -> list[str]:
    card = DumpCard(name="d", kind="jsonl", uris=tuple(card_uris), **fields)
    return [address for _, address, _ in list_files(card, base)]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in NAMES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "crawl" / "empty.jsonl").mkdir()  # a folder is no file, whatever it is called
    return tmp_path


@pytest.fixture
def place(request: pytest.FixtureRequest, tree: Path) -> Iterator[str]:
    """The address of the tree, with a slash at its end, where `request.param` says that it lies."""
    if request.param == "relative":
        yield ""
    elif request.param == "folder":
        yield f"{tree}/"
    elif request.param == "server":
        with serve(partial(Folders, directory=str(tree))) as address:
            yield f"{address}/"
    else:
        s3 = request.getfixturevalue("s3")
        for name in (*NAMES, "crawl/", "crawl/deep/"):  # marks of folders are no files
            s3.put_object(Bucket="dump", Key=f"globs/{name}", Body=name.encode())
        yield "s3://dump/globs/"


def found_at(place: str, pattern: str, tree: Path) -> list[str]:
    """What a pattern names below a place, as the names of the tree."""
    found = sorted(n.removeprefix(place or f"{tree}/") for n in names([place + pattern], tree))
    return sorted(map(unquote, found)) if place.startswith("http") else found


@pytest.mark.parametrize("place", ["relative", "folder", "bucket", "server"], indirect=True)
def test_a_glob_means_one_thing_wherever_the_files_are(place: str, tree: Path) -> None:
    found = {pattern: found_at(place, pattern, tree) for pattern in EVERYWHERE}
    assert found == EVERYWHERE
    if not place.startswith("http"):
        assert {pattern: found_at(place, pattern, tree) for pattern in CLASSES} == CLASSES


@pytest.mark.parametrize("place", ["relative", "folder", "bucket", "server"], indirect=True)
def test_a_folder_without_its_slash_is_named(place: str, tree: Path) -> None:
    with pytest.raises(FetchError, match=r"crawl/ for the files of that folder|is a folder: write `/`"):
        names([f"{place}crawl"], tree)
    with pytest.raises(FetchError, match="none"):
        names([f"{place}none"], tree)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(fetch.RETRIES, "sleep", lambda seconds: None)
    with serve(FileServer) as address:
        yield address


@pytest.mark.parametrize(
    "line", ["http://127.0.0.1:1/x", "http://169.254.169.254/x", "s3://victim/x", "file:///etc/passwd"]
)
def test_a_listing_leads_nowhere_that_the_card_does_not_name(server: str, tmp_path: Path, line: str) -> None:
    FileServer.files = {
        "/a.paths.gz": gzip.compress(f"{server}/1.jsonl\n{line}\n".encode()),
        "/1.jsonl": b"x",
    }
    FileServer.failures = {}
    with pytest.raises(FetchError, match=r"a\.paths\.gz"):
        names([f"{server}/a.paths.gz"], tmp_path)


def test_a_listing_may_lead_where_the_card_says(server: str, tmp_path: Path) -> None:
    FileServer.files, FileServer.failures = {"/1.jsonl": b"x"}, {}
    (tmp_path / "a.paths").write_text(f"{server}/1.jsonl\n")
    with pytest.raises(FetchError, match="hosts"):
        names(["a.paths"], tmp_path)
    host = server.removeprefix("http://")
    assert names(["a.paths"], tmp_path, hosts=[host]) == [f"{server}/1.jsonl"]


def test_listings_that_are_cut_or_bombs_are_refused(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = gzip.compress(b"".join(b"crawl-data/%d.gz\n" % n for n in range(5000)))
    FileServer.files, FileServer.failures = {"/a.paths.gz": whole[:-500]}, {}
    with pytest.raises(FetchError, match=r"a\.paths\.gz is damaged or cut"):
        names([f"{server}/a.paths.gz"], tmp_path)
    monkeypatch.setattr(listing, "MAX_LISTING", 1 << 20)
    FileServer.files = {"/a.paths.gz": gzip.compress(b"x\n" * (4 << 20)), "/b.paths": b"x\n" * (1 << 20)}
    for name in FileServer.files:
        with pytest.raises(FetchError, match=r"paths.* bytes"):
            names([f"{server}{name}"], tmp_path)
    monkeypatch.setattr(listing, "MAX_FILES", 10)
    FileServer.files = {"/a.paths": b"crawl-data/x\n" * 11}
    with pytest.raises(FetchError, match="11 files"):
        names([f"{server}/a.paths"], tmp_path)


def test_folders_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Endless(FileServer):
        def do_GET(self) -> None:
            body = (
                b'<a href="deeper/">deeper</a><a href="../">up</a><a href="http://127.0.0.1:1/x.jsonl">x</a>'
            )
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    monkeypatch.setattr(listing, "MAX_FOLDERS", 20)
    with serve(Endless) as address, pytest.raises(FetchError, match="no end"):
        names([f"{address}/**/*.jsonl"], tmp_path)

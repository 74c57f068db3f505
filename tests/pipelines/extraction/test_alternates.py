from __future__ import annotations

from pathlib import Path

import pytest

from jobs.demo.pack import PageFile, write_warc
from pipelines.extraction.alternates import MAX_ALTERNATES, alternates, parted
from pipelines.lake import Lake
from tests.support.archives import warc
from tests.support.dumps import TEXT, documents_of
from tests.support.time_bounds import assert_linear

URL = "https://a.org/zh/x.html"


def link(tag: str, href: str, rel: str = "alternate") -> str:
    return f'<link rel="{rel}" hreflang="{tag}" href="{href}">'


@pytest.mark.parametrize(
    ("markup", "lines"),
    [
        (link("en", "https://a.org/en/x.html"), ["en https://a.org/en/x.html"]),
        (link("zh_Hant_TW", "/tw/x.html"), ["zh-hant-tw https://a.org/tw/x.html"]),
        (link("EN-us", "../en/x.html?a=1&amp;b=2"), ["en-us https://a.org/en/x.html?a=1&b=2"]),
        (link("x-default", "//b.org/"), ["x-default https://b.org/"]),
        ("<LINK href=https://a.org/en hreflang=en rel=alternate />", ["en https://a.org/en"]),
        ('<link rel="alternate" hrefLang="en" href="/e"/>', ["en https://a.org/e"]),
        ('<LINK REL="alternate" HREFLANG="en" HREF="/e">', ["en https://a.org/e"]),
        (link("en", "/e", "canonical alternate"), ["en https://a.org/e"]),
        (link("en", "/e") * 3 + link("zh", "/z"), ["en https://a.org/e", "zh https://a.org/z"]),
        (link("en", "https://u:p@a.org/e?token=s"), ["en https://a.org/e"]),
        (link("de", "/d") + link("english", "/e") + link("", "/n"), []),
        (link("en", "/e", "stylesheet") + link("en", "") + link("en", "javascript:x"), []),
        (link("en", "https://[a/") + link("en", "/a b"), []),
        ("<p>hreflang</p><a hreflang=en href=/e>English</a>", []),
    ],
)
def test_links_of_the_head_are_read(markup: str, lines: list[str]) -> None:
    found = alternates(f"<head>{markup}</head><p>text", URL)
    assert found.splitlines() == lines
    assert parted(found) == [tuple(line.split(" ")) for line in lines]


def test_links_of_a_header_are_read() -> None:
    header = '<https://a.org/en>; rel="alternate"; hreflang="en", </zh>; rel=alternate; hreflang=zh-CN'
    assert alternates("<p>text", URL, header).splitlines() == [
        "en https://a.org/en",
        "zh-cn https://a.org/zh",
    ]
    both = alternates(link("en", "https://a.org/en"), URL, header)
    assert len(both.splitlines()) == 2
    assert_linear(lambda data: alternates("", URL, data.decode()), b"<a>; hreflang=")


def test_links_of_a_page_are_bounded_and_read_in_linear_time() -> None:
    many = "".join(link("en", f"/{n}") for n in range(500))
    assert len(parted(alternates(many, URL))) == MAX_ALTERNATES
    for unit in (b"<link ", b"<link hreflang=", b"<link rel=alternate hreflang=en href=", b"<link x='"):
        assert_linear(lambda data: alternates("hreflang" + data.decode(), URL), unit)


def test_headers_name_other_languages_of_a_page(tmp_path: Path) -> None:
    header = b'Link: </zh/>; rel="alternate"; hreflang="zh"\r\nLink: </e>; rel=alternate; hreflang=en\r\n'
    (tmp_path / "a.warc").write_bytes(warc(0, f"<p>{TEXT}</p>".encode(), headers=header))
    table = documents_of(Lake(tmp_path), kind="warc", uris=["a.warc"]).read()
    assert [line.split()[0] for line in table["alternates"][0].as_py().splitlines()] == ["zh", "en"]


def test_pages_name_their_other_languages(tmp_path: Path) -> None:
    link = '<link rel="alternate" hreflang="zh-CN" href="/zh/">'
    page = PageFile("https://a.invalid/en/", "x", f"<head>{link}</head>{TEXT}".encode())
    write_warc(tmp_path / "a.warc", [page], "2023-01-01T00:00:00Z")
    table = documents_of(Lake(tmp_path), kind="warc", uris=["a.warc"]).read()
    assert table["alternates"].to_pylist() == ["zh-cn https://a.invalid/zh/"]

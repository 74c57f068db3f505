from __future__ import annotations

import gzip
import zlib

import brotli
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.dumps.http import Response, looks_binary, media_type, parse_response
from tests.support.time_bounds import assert_linear

BODY = "<html>正文</html>".encode() * 20


def response(body: bytes, limit: int = 1 << 20, **headers: str) -> Response:
    lines = "".join(f"{k.replace('_', '-')}: {v}\r\n" for k, v in headers.items())
    made = parse_response(b"HTTP/1.1 200 OK\r\n" + lines.encode() + b"\r\n" + body, limit)
    assert made is not None
    return made


def chunked(body: bytes, size: int) -> bytes:
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    return b"".join(f"{len(p):x};x=y\r\n".encode() + p + b"\r\n" for p in pieces) + b"0\r\n\r\n"


def test_encodings_are_undone_where_they_are() -> None:
    raw_deflate = zlib.compressobj(wbits=-15)
    packed = {
        "gzip": gzip.compress(BODY),
        "deflate": zlib.compress(BODY),
        "Deflate": raw_deflate.compress(BODY) + raw_deflate.flush(),
        "br": brotli.compress(BODY),
        "zstd": zstandard.compress(BODY),
    }
    for name, data in packed.items():
        assert (response(data, Content_Encoding=name).body, response(data, Content_Encoding=name).notes) == (
            BODY,
            [],
        ), name
        assert response(BODY, Content_Encoding=name).body == BODY, name
    assert (
        response(chunked(gzip.compress(BODY), 7), Transfer_Encoding="chunked", Content_Encoding="gzip").body
        == BODY
    )
    assert response(BODY, Transfer_Encoding="chunked").body == BODY


def test_damage_gives_what_was_readable_and_a_note() -> None:
    cut = response(chunked(BODY, 100)[:250], Transfer_Encoding="chunked")
    assert cut.body == BODY[: len(cut.body)] and len(cut.body) > 200 and cut.notes == ["chunks"]
    data = gzip.compress(bytes(range(256)) * 400)
    torn = response(data[:300] + b"\xff" * 50, Content_Encoding="gzip")
    assert torn.body or torn.notes == ["encoding"]


@pytest.mark.parametrize("name", ["gzip", "br", "zstd"])
def test_a_bomb_stops_at_the_limit(name: str) -> None:
    bomb = {"gzip": gzip.compress, "br": brotli.compress, "zstd": zstandard.compress}[name](bytes(50_000_000))
    made = response(bomb, 1 << 20, Content_Encoding=name)
    assert len(made.body) == 1 << 20 and "cut" in made.notes


@pytest.mark.parametrize("codec", ["utf-16", "utf-16-le", "utf-16-be"])
def test_utf16_is_text_with_a_mark_and_without(codec: str) -> None:
    page = BODY.decode().encode(codec)
    assert not looks_binary(page) and media_type("", page) == "text/plain"
    assert looks_binary(b"GIF89a\1\0\1\0\0\0") and looks_binary(b"\0\0\1\0icon")


def test_heads() -> None:
    made = parse_response(b'HTTP/1.0 404\nContent-Type: Text/HTML; Charset="GBK"\nX: 1\n\nabc\r\n\r\n', 99)
    assert made is not None and (made.status, made.content_type, made.charset, made.body) == (
        404,
        "text/html",
        "GBK",
        b"abc\r\n\r\n",
    )
    assert parse_response(b"GET / HTTP/1.1\r\n\r\n", 9) is None and parse_response(b"", 9) is None


@settings(max_examples=200, deadline=None)
@given(
    st.binary(max_size=200),
    st.sampled_from(["gzip", "deflate", "br", "zstd", "gzip, br", "x"]),
    st.booleans(),
)
def test_any_bytes_are_answered_within_the_limit(body: bytes, encoding: str, in_chunks: bool) -> None:
    headers = {"Content_Encoding": encoding} | ({"Transfer_Encoding": "chunked"} if in_chunks else {})
    assert len(response(body, 64, **headers).body) <= 64


@pytest.mark.parametrize("start", [b"charset", b"charset=", b"charset='", b""])
@pytest.mark.parametrize("unit", [b" ", b"charset ", b"charset="])
def test_headers_are_read_in_linear_time(start: bytes, unit: bytes) -> None:
    def charset(value: bytes) -> None:
        head = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; " + start + value + b"?\r\n\r\n"
        made = parse_response(head, 1)
        assert made is not None and len(made.charset) <= 40

    assert_linear(charset, unit)


@pytest.mark.parametrize("unit", [b"1\r\na\r\n", b"1;" + b" " * 99 + b"\r\na\r\n", b"0001\na", b" "])
def test_chunks_are_joined_in_linear_time(unit: bytes) -> None:
    assert_linear(lambda body: response(body, transfer_encoding="chunked"), unit)


def response_of(head: bytes, body: bytes, limit: int = 1 << 20) -> Response:
    made = parse_response(b"HTTP/1.1 200 OK\r\n" + head + b"\r\n\r\n" + body, limit)
    assert made is not None
    return made


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Encoding: gzip, gzip",
        b"Content-Encoding: gzip\r\nContent-Encoding: gzip",
        b"Transfer-Encoding: gzip\r\nContent-Encoding: gzip",
        b"Transfer-Encoding: gzip, gzip",
    ],
)
def test_encodings_of_several_headers_are_all_undone(head: bytes) -> None:
    twice = gzip.compress(gzip.compress(BODY))
    assert (response_of(head, twice).body, response_of(head, twice).notes) == (BODY, [])
    chunks = response_of(head + b"\r\nTransfer-Encoding: chunked", chunked(twice, 9))
    assert chunks.body == BODY


@pytest.mark.parametrize("declared", [b"text/html; charset=utf-8", b"text/plain", b""])
def test_gzip_that_no_header_says_is_undone_in_a_page(declared: bytes) -> None:
    head = b"Content-Type: " + declared
    for body in (gzip.compress(BODY), gzip.compress(gzip.compress(BODY))):
        made = response_of(head, body)
        assert (made.body, made.notes) == (BODY, ["unsaid"])
        said = response_of(head + b"\r\nContent-Encoding: gzip", gzip.compress(body))
        assert (said.body, said.notes) == (BODY, ["unsaid"])
    assert response_of(b"Content-Type: application/gzip", gzip.compress(BODY)).notes == []


def test_all_members_and_frames_of_a_body_are_read() -> None:
    parts = [BODY[:99], BODY[99:]]
    for name, pack in (("gzip", gzip.compress), ("zstd", zstandard.compress)):
        assert response(b"".join(map(pack, parts)), Content_Encoding=name).body == BODY, name
    assert len(response(gzip.compress(b"x") * 100_000, Content_Encoding="gzip").body) <= 101


@pytest.mark.parametrize("name", ["gzip", "deflate", "br"])
def test_a_body_that_ends_too_soon_is_noted(name: str) -> None:
    pack = {"gzip": gzip.compress, "deflate": zlib.compress, "br": brotli.compress}[name]
    text = bytes(range(256)) * 400
    cut = response(pack(text)[:-9], Content_Encoding=name)
    assert cut.notes == ["encoding"] and text.startswith(cut.body)


def test_interim_answers_before_the_response_are_left_out() -> None:
    made = parse_response(
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\n\r\nx", 9
    )
    assert made is not None and (made.status, made.headers, made.body) == (200, {}, b"x")
    alone = parse_response(b"HTTP/1.1 101 Switching\r\n\r\nraw", 9)
    assert alone is not None and alone.status == 101

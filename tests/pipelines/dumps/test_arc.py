from __future__ import annotations

from pipelines.dumps.arc import ARC


def test_headers_of_both_versions_are_read() -> None:
    first = ARC.head(b"http://a.org/a b 1.2.3.4 20080101000000 text/html 12\nblock")
    second = ARC.head(b"http://a.org/a b 1.2.3.4 20080101000000 text/html 200 sum - 99 x.arc 12\nblock")
    for head in (first, second):
        assert head and head.length == 12
        assert head.values["url"] == "http://a.org/a%20b" and head.values["content-type"] == "text/html"
    assert ARC.head(b"http://a.org/ 1.2.3.4 null text/html 12\n") is None

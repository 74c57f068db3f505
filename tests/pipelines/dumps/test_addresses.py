from __future__ import annotations

import pytest

from pipelines.dumps.addresses import FetchError, Reach, origin, requested

REACH = Reach.of(
    ["https://files.example.org/a", "http://10.1.2.3:8080/b", "s3://mine/x"],
    ["cdn.example.org", "s3://other"],
)


@pytest.mark.parametrize(
    "uri",
    [
        "https://files.example.org/other",
        "https://FILES.example.org:443/other",
        "http://10.1.2.3:8080/c",
        "s3://mine/y",
        "https://cdn.example.org/z",
        "http://cdn.example.org/z",
        "s3://other/z",
        "https://data.commoncrawl.org/crawl-data/x",
    ],
)
def test_what_the_card_names_is_within_reach(uri: str) -> None:
    REACH.check(uri, "https://files.example.org/list.paths.gz")


@pytest.mark.parametrize(
    "uri",
    [
        "http://files.example.org/downgrade",
        "https://files.example.org:8443/other-port",
        "https://files.example.org.evil.example/",
        "https://files.example.org@evil.example/",
        "http://127.0.0.1/",
        "http://localhost:9000/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://10.1.2.3/",
        "http://192.168.0.1/",
        "s3://victim/secret",
        "file:///etc/passwd",
        "ftp://files.example.org/x",
        "gopher://127.0.0.1/",
        "https://files.example.org:99999/",
        "https://[broken/",
        "https://" + "ü" * 80 + ".example/",
        "/etc/passwd",
    ],
)
def test_everything_else_is_refused_by_name(uri: str) -> None:
    with pytest.raises(FetchError):
        REACH.check(uri, "https://user:pass@files.example.org/list.paths.gz")
    try:
        REACH.check(uri, "https://user:pass@files.example.org/list.paths.gz")
    except FetchError as error:
        assert "pass" not in str(error).replace("/etc/passwd", "") and len(str(error)) > 20


def test_addresses_are_asked_for_as_the_network_knows_them() -> None:
    assert (
        requested("https://例子.中国/文件 1.gz?a=b c#x")
        == "https://xn--fsqu00a.xn--fiqs8s/%E6%96%87%E4%BB%B6%201.gz?a=b%20c"
    )
    assert requested("https://user:pass@h.example:8443/a%20b") == "https://h.example:8443/a%20b"
    assert origin("https://例子.中国/") == origin("https://xn--fsqu00a.xn--fiqs8s:443/x")

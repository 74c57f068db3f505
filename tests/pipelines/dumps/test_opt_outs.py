from __future__ import annotations

import pytest

from pipelines.dumps.opt_outs import opt_outs


@pytest.mark.parametrize(
    ("robots", "signals"),
    [
        ("", []),
        (" robots=index, follow", []),
        (" robots=NOINDEX,nofollow", ["noindex"]),
        ("googlebot: none", ["noindex"]),
        ("noai, noimageai robots=noarchive tdm-reservation=1", ["noai", "tdm"]),
        (" tdm-reservation=0", []),
        (" tdm-reservation=10", []),
        ("max-image-preview:none", []),
        (" robots=max-image-preview:none", []),
        (" robots=index, max-image-preview : none, max-snippet:-1", []),
        (" robots=max-snippet:-1 noindex", ["noindex"]),
        (" robots=none", ["noindex"]),
        ("otherbot: noindex", []),
        ("otherbot: noindex, nofollow", []),
        ("otherbot: noindex\nnofollow, none", ["noindex"]),
        ("otherbot: noindex, *: noai", ["noai"]),
        ("googlebot: nofollow, otherbot: noindex, nofollow", []),
        ("unavailable_after: 25 jun 2010 15:00:00 pst, noindex", ["noindex"]),
        ("unavailable_after: none of these days", []),
        ("ccbot: max-snippet: 5, noindex", ["noindex"]),
        ("noindexed, nonesuch, no-index", []),
        (" robots=noindex;nofollow", ["noindex"]),
        (" robots=all googlebot=noindex", ["noindex"]),
        ("a: " * 2000 + "noindex", []),
    ],
)
def test_signals(robots: str, signals: list[str]) -> None:
    assert opt_outs(robots) == signals

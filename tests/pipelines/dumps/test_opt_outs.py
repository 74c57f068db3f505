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
    ],
)
def test_signals(robots: str, signals: list[str]) -> None:
    assert opt_outs(robots) == signals

from __future__ import annotations

from reports.vocabulary import markdown, page

ROW = {
    "tokens": 10,
    "bytes_per_token": 4.25,
    "characters_per_token": 1.5,
    "fertility": 1.2,
    "fallback_share": 0.001,
}
REPORT = {
    "domains": {"web<zh>": {"ours": ROW, "peer & co": {**ROW, "bytes_per_token": 2.5}}},
    "vocab_size": {"ours": 65_536, "peer & co": 32_000},
    "unused_ids": {"ours": 1_234, "peer & co": 7},
}


def test_page_and_table_hold_every_figure_escaped() -> None:
    text = page("full", REPORT)
    assert (
        all(s in text for s in ("4.25", "2.5", "1,234", "65,536", "web&lt;zh&gt;", "peer &amp; co"))
        and "web<zh>" not in text
    )
    assert markdown(REPORT).splitlines()[2] == "| web<zh> | 4.250 | 2.500 |"

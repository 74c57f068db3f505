"""The page holds every figure and is well-formed."""

from __future__ import annotations

from xml.etree import ElementTree

from pipelines.tokenizer.figure import markdown, page, plot_svg

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


def test_plot_is_xml_with_a_bar_for_each_vocabulary_as_long_as_its_bytes_smallest_first() -> None:
    root = ElementTree.fromstring(plot_svg("web<zh>", REPORT["domains"]["web<zh>"], REPORT["vocab_size"]))
    bars = [
        (float(b.get("y", 0)), float(b.get("width", 0)))
        for b in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    (peer_y, peer), (ours_y, ours) = bars
    assert peer_y < ours_y and abs(ours / peer - 4.25 / 2.5) < 0.01


def test_page_and_table_hold_every_figure_escaped() -> None:
    text = page("full", REPORT)
    assert (
        all(s in text for s in ("4.25", "2.5", "1,234", "65,536", "web&lt;zh&gt;", "peer &amp; co"))
        and "web<zh>" not in text
    )
    assert markdown(REPORT).splitlines()[2] == "| web<zh> | 4.250 | 2.500 |"

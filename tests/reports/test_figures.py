from __future__ import annotations

from xml.etree import ElementTree

from reports.figures import bars_svg, curves_svg, vocabularies_svg


def test_the_same_numbers_give_the_same_drawing() -> None:
    curves = {"a": [(float(k), 1.0 / (k + 1)) for k in range(5000)]}
    assert curves_svg(curves, "x", "y") == curves_svg(curves, "x", "y") != ""
    assert curves_svg({"a": []}, "x", "y") == ""


def test_bars_are_one_for_each_value() -> None:
    svg = bars_svg({"here": {"en": 1.0, "zh": 2.0}, "paper": {"en": 3.0}}, "percent")
    assert "percent" in svg and "paper" in svg and bars_svg({}, "x") == ""


def test_plot_is_xml_with_a_bar_for_each_vocabulary_as_long_as_its_bytes_smallest_first() -> None:
    rows = {"ours": {"bytes_per_token": 4.25}, "peer & co": {"bytes_per_token": 2.5}}
    sizes = {"ours": 65_536, "peer & co": 32_000}
    root = ElementTree.fromstring(vocabularies_svg("web<zh>", rows, sizes))
    bars = [
        (float(b.get("y", 0)), float(b.get("width", 0)))
        for b in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    (peer_y, peer), (ours_y, ours) = bars
    assert peer_y < ours_y and abs(ours / peer - 4.25 / 2.5) < 0.01

from __future__ import annotations

from reports.graph import direct, graph_svg, layers

EDGES = {
    "raw": [],
    "documents": ["raw"],
    "edits": ["documents"],
    "decisions": ["documents", "edits"],
    "corpus": ["decisions", "edits"],
}


def test_layers_put_every_asset_behind_its_inputs() -> None:
    depth = {node: index for index, row in enumerate(layers(EDGES)) for node in row}
    assert all(depth[i] < depth[node] for node, inputs in EDGES.items() for i in inputs)
    assert sorted(depth) == sorted(EDGES)


def test_edges_that_a_longer_way_implies_are_not_drawn() -> None:
    assert direct(EDGES)["decisions"] == ["edits"] and direct(EDGES)["corpus"] == ["decisions"]
    svg = graph_svg(EDGES, {"raw": "3 <rows>"})
    assert svg.count("<path") == 4 and svg.count("<rect") == 5 and "3 &lt;rows&gt;" in svg
    assert graph_svg({}, {}) == ""

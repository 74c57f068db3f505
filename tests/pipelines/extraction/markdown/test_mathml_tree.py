from __future__ import annotations

from pipelines.extraction.markdown.mathml import to_tex
from pipelines.extraction.markdown.mathml_tree import annotation, parse


def test_prefixes_unclosed_elements_and_bounds() -> None:
    node = parse("<m:math><m:mi>a</m:mi><m:mo>+")
    assert node is not None and to_tex(node) == "a+"
    assert parse("<mrow/>") is None
    assert parse("<math>" + "<mrow>" * 100) is None
    assert parse("<math>" + "<mi>a</mi>" * 5000) is None


def test_the_tex_beside_the_mathml() -> None:
    tex = '<annotation encoding="application/x-tex">\\xi</annotation>'
    node = parse(f"<math><semantics><mi>x</mi>{tex}</semantics></math>")
    assert node is not None and annotation(node) == r"\xi"

from __future__ import annotations

import numpy as np

from pipelines.extraction.html import columns as col
from pipelines.extraction.html import tree
from pipelines.extraction.html.runs import text_words
from pipelines.extraction.markdown import containers as con


def test_each_element_knows_what_it_lies_in_and_a_table_ends_items() -> None:
    markup = b"<ul><li>a<table><tr><td><p>b</table><li>c</ul><dl><dt>d</dl>e"
    elements, blocks, *_ = tree.parse(np.frombuffer(markup, np.uint8), text_words(""), False)
    inside = con.containers(elements)[blocks[:, col.B_ELEMENT]]
    assert (inside[:, con.ITEM] >= 0).tolist() == [True, False, True, False, False]
    assert (inside[:, con.CELL] >= 0).tolist() == [False, True, False, False, False]
    assert ((inside[:, con.TABLE] >= 0) == (inside[:, con.ROW] >= 0)).all()
    assert (inside[:, con.DEFINITIONS] >= 0).tolist() == [False, False, False, True, False]

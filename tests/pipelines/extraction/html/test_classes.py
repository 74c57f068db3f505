from __future__ import annotations

import numpy as np

from pipelines.extraction.html.classes import CLASS_HASHES, CLASS_MASKS, HOLDS_CODE, HOLDS_FORMULA, IS_UNSEEN
from pipelines.extraction.html.tags import find, name_hash
from tests.support.html_pages import texts


def test_names_have_one_meaning_each() -> None:
    assert (np.diff(CLASS_HASHES.astype(object)) > 0).all()
    for name, bit in (("katex", HOLDS_FORMULA), ("syntaxhighlighter", HOLDS_CODE), ("jammer", IS_UNSEEN)):
        assert CLASS_MASKS[find(CLASS_HASHES, np.uint64(name_hash(name)))] == bit


def test_text_of_unseen_classes_is_left_out() -> None:
    assert texts('<p>a<font class="jammer">x1y</font>b <span class="a sr-only">skip</span>c</p>') == ["ab c"]
    assert texts('<p class="sr-only-focusable jammers">a</p>') == ["a"]


def test_panels_of_tabs_are_shown() -> None:
    assert texts('<div hidden>a</div><div role="tabpanel" hidden>b</div>') == ["b"]
    assert texts("<div id=p hidden role=region aria-labelledby=b>b</div>") == ["b"]
    assert texts('<section role=tabpanel style="display:none">b</section>') == ["b"]

from __future__ import annotations

import numpy as np
import pytest

from pipelines.extraction.html import tree
from pipelines.extraction.html.displayed import BEGINS, HOLDS, NO_FORMULA, formulas_in


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ("<p> $$x$$</p>", BEGINS),
        (r"<p>&nbsp;\[x\] and</p>", BEGINS),
        (r"<p><b> </b>\begin{align}x\end{align}</p>", BEGINS),
        ("<p><math><mi>x</mi></math></p>", BEGINS),
        ("<p>so <math><mi>x</mi></math></p>", HOLDS),
        ("<p>so $$x$$</p>", HOLDS),
        (r"<p>so <b>here \(x\)</b></p>", HOLDS),
        ("<p>$5 and $6</p>", NO_FORMULA),
        (r"<p>\begin it</p>", NO_FORMULA),
        ("<pre>$$</pre>", NO_FORMULA),
        ("<p><code>$$</code> is</p>", NO_FORMULA),
        ("<p>so $</p>", NO_FORMULA),
    ],
)
def test_formulas_of_a_block_by_their_elements_and_delimiters(markup: str, found: int) -> None:
    data = np.frombuffer(markup.encode(), np.uint8)
    _, blocks, segments, _, _ = tree.parse(data, np.zeros(0, np.uint64), False)
    assert formulas_in(data, blocks, segments, True).tolist() == [found]
    begins = formulas_in(data, blocks, segments, False) == BEGINS
    assert begins.tolist() == [found == BEGINS]

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.extraction.blocks.equal_keys import first_equal


@given(st.lists(st.integers(-3, 3), max_size=30))
def test_a_key_is_in_the_class_of_the_first_that_equals_it(keys: list[int]) -> None:
    assert first_equal(np.array(keys, np.int64)).tolist() == [keys.index(key) for key in keys]

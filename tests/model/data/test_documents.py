from __future__ import annotations

import numpy as np

from model.data.documents import document_numbers


def test_a_document_ends_with_its_token() -> None:
    assert document_numbers(np.array([[5, 2, 7, 2, 2, 9]])).tolist() == [[0, 0, 1, 1, 2, 3]]

"""The fold table against the plain definition."""

from __future__ import annotations

import numpy as np

from pipelines.kernels import normal_form, reference


def test_every_code_point_folds_by_definition() -> None:
    for point, folded in enumerate(normal_form.fold_table().tolist()):
        if not 0xD800 <= point < 0xE000:
            assert (folded >> 2, folded & 3) == reference.fold(chr(point)), hex(point)


def test_beyond_the_first_plane_only_ideographs_are_tokens() -> None:
    for point in (0x10000, 0x1F600, 0x1FFFF, 0x20000, 0x3FFFF, 0x40000, 0x10FFFF):
        folded = int(normal_form.fold(normal_form.fold_table(), np.uint32(point)))
        assert (folded >> 2, folded & 3) == reference.fold(chr(point)), hex(point)

"""Work in this process: in order, once, without a session."""

from __future__ import annotations

import pytest

from pipelines.engine import InProcess


def test_parts_are_worked_on_in_order() -> None:
    done: list[int] = []
    InProcess().map_parts(4, done.append)
    assert done == [0, 1, 2, 3] and InProcess().session is None


def test_a_failure_stops_the_parts_behind_it() -> None:
    done: list[int] = []

    def work(index: int) -> None:
        if index == 2:
            raise KeyError(index)
        done.append(index)

    with pytest.raises(KeyError):
        InProcess().map_parts(4, work)
    assert done == [0, 1]

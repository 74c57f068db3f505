"""How functions are compiled: the decorators that every kernel uses.

Belongs here: the decorators and why there are three. Does not belong here: any kernel.

A compiled function is written with types, so that mypy checks it and its callers like any other;
Numba ignores them and infers its own. `Array` is a NumPy array whose element type and shape the
docstring gives. A number that Numba keeps as int64 is an `int`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

Array: TypeAlias = npt.NDArray[Any]
Value: TypeAlias = int | np.integer[Any]  # what may be hashed
Function = TypeVar("Function", bound=Callable[..., Any])

int64 = cast("Callable[[Any], int]", np.int64)
"""np.int64, which mypy takes for int: a number of a narrower or unsigned array as int64."""


def kernel(function: Function) -> Function:
    """Compile at the first call for the types that it is given; machine code is kept on disk.

    The interpreter's lock is released meanwhile, so that threads of the process go on.
    """
    compiled: Function = njit(cache=True, nogil=True)(function)
    return compiled


def inlined(function: Function) -> Function:
    """As `kernel`, copied into each caller: for what is done for every byte or character."""
    compiled: Function = njit(cache=True, nogil=True, inline="always")(function)
    return compiled


def leaf(function: Function) -> Function:
    """As `kernel`, without counting references to its array arguments.

    Numba counts them by atomic operations on entry and on exit. In functions that are called for
    every character or tag of a page these took more time than the work: the parse needed twice as
    long as one whole function. A leaf allocates nothing and keeps nothing; Numba refuses to compile
    it otherwise.
    """
    compiled: Function = njit(cache=True, _nrt=False)(function)
    return compiled

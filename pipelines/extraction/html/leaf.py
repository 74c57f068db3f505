"""The decorator of the compiled functions that a parse is made of.

Belongs here: why they are compiled this way. Does not belong here: any of them.

A function that Numba compiles counts the references to its array arguments, by atomic operations on
entry and on exit. Of functions that are called for every character or tag of a page, these took
more time than their work: the parse needed twice as long as one whole function. Leaf functions
allocate nothing and keep nothing (Numba refuses to compile them otherwise), so they count nothing.
"""

from __future__ import annotations

from numba import njit

leaf = njit(cache=True, _nrt=False)

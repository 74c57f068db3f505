"""The forms in which items and texts are compared: tokens, skeletons and shapes, compiled.

Belongs here: from bytes to the 64-bit ids of each form. Does not belong here: which items there are
(index.py), finding them (matching.py), the normal form of a character (kernels/normal_form.py), from
which this one differs in two things: see `item_fold_table`.

Tokens are what stands alone (Han, kana) or a run of letters and digits. A skeleton is the tokens
without numbers, words with a capital, letters alone and commands of TeX. A shape is all tokens with
`0` for each run of digits, and one `0` for numbers in a row: it tells formulas apart, of which a
skeleton has nothing.
The plain definitions are those of reference.py; tests/pipelines/contamination/test_forms.py proves
ids equal to them.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np

from pipelines.kernels.compiled import Array, kernel, leaf
from pipelines.kernels.hashing64 import FNV_PRIME, GOLDEN, STEP, U32, U64, avalanche
from pipelines.kernels.normal_form import ALONE, DIGIT, LETTER, fold, fold_table
from pipelines.kernels.simd import trailing_zeros
from pipelines.kernels.tokens import any_token, ascii_block, ascii_token
from pipelines.kernels.utf8 import decode

SHORTEST = 2  # bytes of a word that a skeleton keeps: a letter alone is a variable
WHOLE, SKELETON, SHAPE = 0, 1, 2
BACKSLASH, BRACE = 92, 123
ZERO, NINE = U32(48), U32(57)


class Tables(NamedTuple):
    """fold: `item_fold_table`; alone: `alone_ids`."""

    fold: Array
    alone: Array


class Tokens(NamedTuple):
    """Room for the tokens of one text: ids uint64; starts, ends int32 in bytes of the text; whether
    a token has a digit, bool."""

    ids: Array
    starts: Array
    ends: Array
    numbered: Array


class FormRoom(NamedTuple):
    """Room for another form of the tokens: ids uint64; places int32, the first token of each."""

    ids: Array
    places: Array


@cache
def script_converter() -> Any:
    """Traditional to simplified characters, str to str; None where OpenCC is not installed."""
    try:
        import opencc
    except ImportError:
        return None
    return opencc.OpenCC("t2s").convert


@cache
def item_fold_table() -> Array:
    """`fold_table` with simplified characters for traditional ones, and digits as letters: `H2O` is
    one token; uint32 [65536].

    With digits apart, as deduplication has them, nine times as many clean documents were taken for
    items of a few numbers and units.
    """
    table, convert = fold_table().copy(), script_converter()
    digits = (table & 3) == DIGIT
    table[digits] = table[digits] & ~np.uint32(3) | LETTER
    if convert:
        for point in np.flatnonzero((table & 3) == ALONE).tolist():
            simplified = convert(chr(int(table[point]) >> 2))
            if len(simplified) == 1 and ord(simplified) < 65536:
                table[point] = ord(simplified) << 2 | ALONE
    return table


@kernel
def alone_ids(table: Array) -> Array:
    """The id of each code point of three bytes that stands alone by a fold table, 0 for the others;
    uint64 [65536]."""
    out, data = np.zeros(65536, np.uint64), np.empty(3, np.uint8)
    for point in range(0x800, 65536):
        if fold(table, U32(point)) & U32(3) == ALONE:
            data[0], data[1], data[2] = 0xE0 | point >> 12, 0x80 | point >> 6 & 0x3F, 0x80 | point & 0x3F
            value, _ = any_token(data, 0, 3, table)
            out[point] = avalanche(value)
    return out


@cache
def tables() -> Tables:
    """The tables that `tokens_of` needs."""
    return Tables(item_fold_table(), alone_ids(item_fold_table()))


@leaf
def _has_digit(data: Array, i: int, end: int, table: Array) -> bool:
    while i < end:
        point, width = decode(data, i, end)
        folded = U32(fold(table, point) >> U32(2))
        if ZERO <= folded <= NINE:
            return True
        i += width
    return False


@leaf
def find_tokens(data: Array, begin: int, end: int, tables: Tables, room: Tokens) -> int:
    """Write the tokens of data[begin:end] into `room`; returns how many.

    As kernels.tokens.tokenize, one step takes the ASCII tokens of 64 bytes, or one character that
    stands alone.
    """
    i, count = begin, 0
    while i < end:
        if data[i] >= 0x80:
            if 0xE0 <= data[i] < 0xF0 and i + 3 <= end:
                second, third = U32(data[i + 1] & 0x3F), U32(data[i + 2] & 0x3F)
                own = tables.alone[U32(data[i] & 0x0F) << U32(12) | second << U32(6) | third]
                if own:
                    room.ids[count], room.numbered[count] = own, False
                    room.starts[count], room.ends[count] = i - begin, i + 3 - begin
                    count += 1
                    i += 3
                    continue
            point, width = decode(data, i, end)
            if fold(tables.fold, point) & U32(3):
                value, stop = any_token(data, i, end, tables.fold)
                room.ids[count], room.numbered[count] = (
                    avalanche(value),
                    _has_digit(data, i, stop, tables.fold),
                )
                room.starts[count], room.ends[count] = i - begin, stop - begin
                count += 1
                i = stop
            else:
                i += width
            continue
        starts, ends, digits, following, mixed = ascii_block(data, i, end, tables.fold, False)
        while starts:
            start = trailing_zeros(starts)
            length = trailing_zeros(ends) - start
            room.ids[count] = avalanche(ascii_token(data, i + start, length))
            room.starts[count], room.ends[count] = i + start - begin, i + start + length - begin
            room.numbered[count] = (digits >> U64(start)) << U64(64 - length) != U64(0)
            count += 1
            starts &= starts - U64(1)
            ends &= ends - U64(1)
        i = following
        if mixed:
            value, stop = any_token(data, i, end, tables.fold)
            room.ids[count], room.numbered[count] = avalanche(value), _has_digit(data, i, stop, tables.fold)
            room.starts[count], room.ends[count] = i - begin, stop - begin
            count += 1
            i = stop
    return count


@leaf
def skeleton(data: Array, begin: int, count: int, room: Tokens, out: FormRoom) -> int:
    """Write what is left of the tokens without numbers, names, letters alone and commands of TeX;
    returns how many.

    A word that begins with a capital is taken for a name wherever it stands, so that an item and its
    variant lose the like words. Characters that stand alone stay. A command goes with the first word
    of its braces (`\\begin{cases}`): formulas of a kind have these in common, whatever they say.
    """
    kept, command, behind = 0, False, 0
    for k in range(count):
        start = begin + room.starts[k]
        first = data[start]
        before = data[start - 1] if room.starts[k] else 0
        out.ids[kept], out.places[kept] = room.ids[k], k
        long = room.ends[k] - room.starts[k] >= SHORTEST
        argument = command & (before == BRACE) & (room.starts[k] == behind + 1)
        command, behind = before == BACKSLASH, room.ends[k]
        kept += (first >= 128) | ((first >= 97) & (first <= 122) & long & (not command) & (not argument))
    return kept


@leaf
def _without_digits(data: Array, i: int, end: int, table: Array) -> tuple[np.uint64, bool]:
    """(id of a token with `0` for each run of digits, whether it is one run of digits)."""
    h, before, number, first = GOLDEN, False, True, i
    while i < end:
        point, width = decode(data, i, end)
        folded = U32(fold(table, point) >> U32(2))
        digit = bool(ZERO <= folded <= NINE)
        if not (digit and before):
            h = (h ^ U64(ZERO if digit else folded)) * FNV_PRIME
            h ^= h >> U64(32)
        number &= digit
        before = digit
        i += width
    return avalanche(h * STEP), number and i > first


@leaf
def shape(data: Array, begin: int, count: int, tables: Tables, room: Tokens, out: FormRoom) -> int:
    """Write the tokens with `0` for each run of digits, numbers in a row as one; returns how many."""
    kept, after_number = 0, False
    for k in range(count):
        own, number = room.ids[k], False
        if room.numbered[k]:
            own, number = _without_digits(data, begin + room.starts[k], begin + room.ends[k], tables.fold)
        out.ids[kept], out.places[kept] = own, k
        kept += not (number and after_number)
        after_number = number
    return kept


@kernel
def tokens_room(size: int) -> Tokens:
    """Room for `size` tokens."""
    return Tokens(
        np.empty(size, np.uint64),
        np.empty(size, np.int32),
        np.empty(size, np.int32),
        np.empty(size, np.bool_),
    )


@kernel
def form_room(size: int) -> FormRoom:
    """Room for a form of `size` tokens."""
    return FormRoom(np.empty(size, np.uint64), np.empty(size, np.int32))


@kernel
def forms_of(data: Array, offsets: Array, tables: Tables, which: int) -> tuple[Array, Array, Array, Array]:
    """(ids uint64 of all texts in the form `which`, offsets int64 [n + 1]; of each text's tokens, how
    many stand alone int64 [n], which every form keeps, and whether one begins with an ASCII digit bool
    [n])."""
    kept, used = np.empty(1024, np.uint64), 0
    bounds = np.zeros(len(offsets), np.int64)
    alone, numbers = np.zeros(len(offsets) - 1, np.int64), np.zeros(len(offsets) - 1, np.bool_)
    room, form = tokens_room(1024), form_room(1024)
    for doc in range(len(offsets) - 1):
        begin, size = offsets[doc], offsets[doc + 1] - offsets[doc]
        if size > len(room.ids):
            room, form = tokens_room(2 * size), form_room(2 * size)
        count = find_tokens(data, begin, begin + size, tables, room)
        for k in range(count):
            point, _ = decode(data, begin + room.starts[k], begin + size)
            alone[doc] += fold(tables.fold, point) & U32(3) == ALONE
            numbers[doc] |= 48 <= data[begin + room.starts[k]] <= 57
        ids = room.ids
        if which != WHOLE:
            ids = form.ids
            if which == SKELETON:
                count = skeleton(data, begin, count, room, form)
            else:
                count = shape(data, begin, count, tables, room, form)
        if used + count > len(kept):
            more = np.empty(2 * (used + count), np.uint64)
            more[:used] = kept[:used]
            kept = more
        kept[used : used + count] = ids[:count]
        used += count
        bounds[doc + 1] = used
    return kept[:used].copy(), bounds, alone, numbers

"""Instructions that the compiled loops need and numba does not spell: unaligned words, 64 bytes
classified at once.

Belongs here: intrinsics over byte arrays, without knowledge of tokens or hashes. Does not belong
here: any loop. LLVM lowers the 64-byte vectors to what the machine has (AVX-512, AVX2, SSE2, NEON);
the values are the same.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

I64 = ir.IntType(64)
BLOCK_BYTES = 64


def _address(context: Any, builder: Any, kind: Any, array: Any, index: Any, to: Any) -> Any:
    """A pointer of type `to` at byte `index` of a uint8 array."""
    data = cgutils.create_struct_proxy(kind)(context, builder, value=array).data
    return builder.bitcast(builder.gep(data, [index]), to.as_pointer())


def _splat(builder: Any, value: Any, vector: Any) -> Any:
    """A vector that holds one value everywhere."""
    index = ir.IntType(32)
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(index, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(index, vector.count), None))


@intrinsic
def load_word(typing: Any, data: Any, index: Any) -> Any:
    """The 8 bytes from `index` on, little-endian, as uint64. The caller answers for index + 8 <=
    len(data)."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        word = builder.load(_address(context, builder, signature.args[0], values[0], values[1], I64))
        word.align = 1
        return word

    return types.uint64(data, types.intp), code


@intrinsic
def class_masks(typing: Any, data: Any, index: Any) -> Any:
    """(ASCII letters, ASCII digits, bytes of 128 and more) among the 64 bytes from `index` on:
    uint64 each, bit k for byte k."""
    vector = ir.VectorType(ir.IntType(8), BLOCK_BYTES)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        block = builder.load(_address(context, builder, signature.args[0], values[0], values[1], vector))
        block.align = 1

        def splat(value: int) -> Any:
            return ir.Constant(vector, [value] * BLOCK_BYTES)

        letters = builder.icmp_unsigned(
            "<", builder.sub(builder.or_(block, splat(0x20)), splat(ord("a"))), splat(26)
        )
        digits = builder.icmp_unsigned("<", builder.sub(block, splat(ord("0"))), splat(10))
        high = builder.icmp_unsigned(">", block, splat(0x7F))
        return context.make_tuple(
            builder, signature.return_type, [builder.bitcast(m, I64) for m in (letters, digits, high)]
        )

    return types.UniTuple(types.uint64, 3)(data, types.intp), code


@intrinsic
def either_mask(typing: Any, data: Any, index: Any, first: Any, second: Any) -> Any:
    """Which of the 64 bytes from `index` on are `first` or `second` (int64): uint64, bit k for byte k. The
    caller answers for index + 64 <= len(data)."""
    byte = ir.IntType(8)
    vector = ir.VectorType(byte, BLOCK_BYTES)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        block = builder.load(_address(context, builder, signature.args[0], values[0], values[1], vector))
        block.align = 1
        equal = [
            builder.icmp_unsigned("==", block, _splat(builder, builder.trunc(value, byte), vector))
            for value in values[2:]
        ]
        return builder.bitcast(builder.or_(*equal), I64)

    return types.uint64(data, types.intp, types.int64, types.int64), code


@intrinsic
def pair_mask(typing: Any, data: Any, index: Any, value: Any, fold: Any, kept: Any) -> Any:
    """Which of the 64 bytes from `index` on begin with the first two bytes of `value`: uint64, bit k for
    byte k. `value`, `fold` and `kept` are uint64, byte by byte: bits of `fold` are set before comparing, a
    second byte that is 0 in `kept` is not compared. The caller answers for index + 65 <= len(data)."""
    byte = ir.IntType(8)
    vector = ir.VectorType(byte, BLOCK_BYTES)

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        def splat(word: Any, place: int) -> Any:
            one = builder.trunc(builder.lshr(word, ir.Constant(I64, 8 * place)), byte)
            return _splat(builder, one, vector)

        equal = []
        for place in (0, 1):
            start = builder.add(values[1], ir.Constant(values[1].type, place))
            block = builder.load(_address(context, builder, signature.args[0], values[0], start, vector))
            block.align = 1
            folded = builder.and_(builder.or_(block, splat(values[3], place)), splat(values[4], place))
            equal.append(builder.icmp_unsigned("==", folded, splat(values[2], place)))
        return builder.bitcast(builder.and_(*equal), I64)

    return types.uint64(data, types.intp, types.uint64, types.uint64, types.uint64), code


@intrinsic
def trailing_zeros(typing: Any, value: Any) -> Any:
    """Number of zero bits below the lowest set bit of a uint64; 64 for 0."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.cttz(values[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code


@intrinsic
def leading_zeros(typing: Any, value: Any) -> Any:
    """Number of zero bits above the highest set bit of a uint64; 64 for 0."""

    def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.ctlz(values[0], ir.Constant(ir.IntType(1), 0))

    return types.int64(types.uint64), code

"""Complex FFTs of eight signals at once: passes of radix 8 and 4, in place, frequencies in the order of their digits.

The decimation in frequency of Gentleman and Sande (1966): a pass makes of a transform of L rows R transforms of L / R,
of the frequencies that leave the same remainder when divided by R. Code is generated for each radix.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types

from mixprior.stats.fft.lanes import LANES, Complex, Memory, constant, index, inline, turned

_POWERS_OF_8 = 0x49249249


def radices(length: int) -> tuple[int, ...]:
    """Return the radix of each pass of a transform: powers of two from 4 on.

    >>> radices(512), radices(1024), radices(2048)
    ((8, 8, 8), (4, 4, 8, 8), (4, 8, 8, 8))
    """
    exponent = length.bit_length() - 1
    fours = -exponent % 3
    if length != 1 << exponent or exponent < 2 * fours:
        raise ValueError(f"{length} is no product of 4 and 8")
    return (4,) * fours + (8,) * ((exponent - 2 * fours) // 3)


@cache
def positions(length: int) -> np.ndarray:
    """Return the row in which each frequency of a transform is found, int64, shape (length,)."""
    rows = np.zeros(length, np.int64)
    frequency, block = np.arange(length), length
    for radix in radices(length):
        block //= radix
        rows += frequency % radix * block
        frequency //= radix
    return rows


@cache
def twiddles(length: int) -> np.ndarray:
    """Return the factors of all passes but the last, float32: for each row of a block real and imaginary parts."""
    parts, block = [], length
    for radix in radices(length)[:-1]:
        turns = np.outer(np.arange(block // radix), np.arange(1, radix)) / block
        factors = np.exp(-2j * np.pi * turns)
        parts.append(np.stack([factors.real, factors.imag], axis=-1).ravel())
        block //= radix
    return np.concatenate([np.zeros(0), *parts]).astype(np.float32)


def _butterfly(radix: int, is_last: bool) -> Any:
    @inline
    def butterfly(
        typing_context: Any,
        re: types.Array,
        im: types.Array,
        row: types.Integer,
        step: types.Integer,
        factors: types.Array,
        at: types.Integer,
    ) -> Any:
        """Transform `radix` rows in place, and multiply all but the first by the factors from an index on."""

        def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
            real, imaginary, table = (Memory(context, builder, signature.args[k], args[k]) for k in (0, 1, 4))
            places = [builder.mul(args[2], index(builder, LANES))]
            for _ in range(radix - 1):
                places.append(builder.add(places[-1], builder.mul(args[3], index(builder, LANES))))
            values = _transform(builder, [(real.load(place), imaginary.load(place)) for place in places])
            for r, (place, (a, b)) in enumerate(zip(places, values, strict=True)):
                if r and not is_last:
                    c, s = (table.spread(builder.add(args[5], index(builder, 2 * (r - 1) + part))) for part in (0, 1))
                    a, b = turned((a, b), (c, s))
                real.store(place, a)
                imaginary.store(place, b)
            return context.get_dummy_value()

        return types.void(re, im, types.intp, types.intp, factors, types.intp), code

    return butterfly


def _transform(builder: ir.IRBuilder, values: list[Complex]) -> list[Complex]:
    """Emit a transform of two, four or eight numbers, by halves of even and odd places."""
    count = len(values)
    if count == 1:
        return values
    even, odd = _transform(builder, values[::2]), _transform(builder, values[1::2])
    turned = [_turned(builder, value, k, count) for k, value in enumerate(odd)]
    pairs = list(zip(even, turned, strict=True))
    sums = [(a + c, b + d) for (a, b), (c, d) in pairs]
    return sums + [(a - c, b - d) for (a, b), (c, d) in pairs]


def _turned(builder: ir.IRBuilder, value: Complex, k: int, count: int) -> Complex:
    """Emit the product with exp(-2 pi i k / count), k under half of count, count at most 8."""
    a, b = value
    if k == 0:
        return value
    if 4 * k == count:
        return b, constant(builder, 0.0) - a
    half = constant(builder, math.sqrt(0.5))
    if 8 * k == count:
        return (a + b) * half, (b - a) * half
    return (b - a) * half, constant(builder, 0.0) - (a + b) * half


_eight_turned, _four_turned, _eight = _butterfly(8, False), _butterfly(4, False), _butterfly(8, True)


@numba.njit(nogil=True)
def transform(re: np.ndarray, im: np.ndarray, first: int, length: int, factors: np.ndarray) -> None:
    """Transform `length` rows of eight, from row `first` on, in place; frequency k comes to row `positions(length)[k]`.

    Args:
        re: float32, shape (8 rows,): the real parts.
        im: the imaginary parts.
        first: row of the first number.
        length: of the transforms, a product of 8, or of one or two times 4 and of 8.
        factors: `twiddles(length)`.
    """
    step, begin = _pass(re, im, first, length, length, factors, 0)
    # Each of the smaller transforms in turn: it stays in the first cache from pass to pass.
    for row in range(first, first + length, step):
        block, after = step, begin
        while block > 1:
            block, after = _pass(re, im, row, step, block, factors, after)


@numba.njit(nogil=True)
def _pass(
    re: np.ndarray, im: np.ndarray, first: int, length: int, block: int, factors: np.ndarray, begin: int
) -> tuple[int, int]:
    """Transform blocks of rows into smaller ones; return how many rows these have, and where the next factors begin."""
    if block == 8:
        for row in range(first, first + length, 8):
            _eight(re, im, row, 1, factors, 0)
        return 1, begin
    radix = 8 if block & _POWERS_OF_8 else 4
    step = block // radix
    for j in range(step):
        at = begin + 2 * (radix - 1) * j
        for row in range(first + j, first + length, block):
            if radix == 8:
                _eight_turned(re, im, row, step, factors, at)
            else:
                _four_turned(re, im, row, step, factors, at)
    return step, begin + 2 * (radix - 1) * step

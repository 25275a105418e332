"""Complex FFTs of several signals at once: radix 3, 5, 8 and 4, in place, frequencies in order of their digits.

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
_ODD = (3, 5)


def radices(length: int) -> tuple[int, ...]:
    """Return the radix of each pass of a transform.

    >>> radices(512), radices(1024), radices(720)
    ((8, 8, 8), (4, 4, 8, 8), (3, 3, 5, 4, 4))
    """
    odd, left = [], length
    for radix in _ODD:
        while left and left % radix == 0:
            odd.append(radix)
            left //= radix
    exponent = left.bit_length() - 1
    fours = -exponent % 3
    if left != 1 << max(exponent, 0) or exponent < max(2 * fours, 2):
        raise ValueError(f"{length} is no product of 4 and 8, and of 3 and 5")
    return (*odd, *(4,) * fours, *(8,) * ((exponent - 2 * fours) // 3))


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
    """Emit a transform of three or five numbers, or of two, four or eight, by halves of even and odd places."""
    count = len(values)
    if count == 1:
        return values
    if count in _ODD:
        return _odd_transform(builder, values)
    even, odd = _transform(builder, values[::2]), _transform(builder, values[1::2])
    turned = [_turned(builder, value, k, count) for k, value in enumerate(odd)]
    pairs = list(zip(even, turned, strict=True))
    sums = [(a + c, b + d) for (a, b), (c, d) in pairs]
    return sums + [(a - c, b - d) for (a, b), (c, d) in pairs]


def _odd_transform(builder: ir.IRBuilder, values: list[Complex]) -> list[Complex]:
    """Emit it by sums and differences of the numbers that are equally far from the first, before and after it."""
    count, (a, b) = len(values), values[0]
    half = range(1, count // 2 + 1)
    sums = [tuple(x + y for x, y in zip(values[k], values[-k], strict=True)) for k in half]
    differences = [tuple(x - y for x, y in zip(values[k], values[-k], strict=True)) for k in half]
    results = [(sum((c for c, _ in sums), a), sum((d for _, d in sums), b))] + [(a, b)] * (count - 1)
    for k in half:
        real, imaginary, across, down = a, b, constant(builder, 0.0), constant(builder, 0.0)
        for n, (of_sum, of_difference) in enumerate(zip(sums, differences, strict=True), 1):
            angle = 2 * math.pi * k * n / count
            cosine, sine = constant(builder, math.cos(angle)), constant(builder, math.sin(angle))
            real, imaginary = of_sum[0].times_plus(cosine, real), of_sum[1].times_plus(cosine, imaginary)
            across, down = of_difference[1].times_plus(sine, across), of_difference[0].times_plus(sine, down)
        results[k], results[-k] = (real + across, imaginary - down), (real - across, imaginary + down)
    return results


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


_three_turned, _five_turned = _butterfly(3, False), _butterfly(5, False)
_eight_turned, _four_turned = _butterfly(8, False), _butterfly(4, False)
_eight, _four = _butterfly(8, True), _butterfly(4, True)


@numba.njit(nogil=True)
def transform(re: np.ndarray, im: np.ndarray, first: int, length: int, factors: np.ndarray) -> None:
    """Transform `length` rows, from row `first` on, in place; frequency k comes to row `positions(length)[k]`.

    Args:
        re: float32, shape (`LANES` rows,): the real parts.
        im: the imaginary parts.
        first: row of the first number.
        length: of the transforms: see `radices`.
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
    if block == 4:
        for row in range(first, first + length, 4):
            _four(re, im, row, 1, factors, 0)
        return 1, begin
    radix = 3 if block % 3 == 0 else 5 if block % 5 == 0 else 8 if block & _POWERS_OF_8 else 4
    step = block // radix
    for j in range(step):
        at = begin + 2 * (radix - 1) * j
        for row in range(first + j, first + length, block):
            if radix == 8:
                _eight_turned(re, im, row, step, factors, at)
            elif radix == 4:
                _four_turned(re, im, row, step, factors, at)
            elif radix == 3:
                _three_turned(re, im, row, step, factors, at)
            else:
                _five_turned(re, im, row, step, factors, at)
    return step, begin + 2 * (radix - 1) * step

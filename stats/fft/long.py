"""Spectra of long frames of one real signal: 64 interleaved parts are transformed, then what they have in common.

The four steps of Bailey, "FFTs in external or hierarchical memory" (1990): sample 64 n + m of a frame of 64 L is row n
of part m. The parts are transformed, `LANES` at once, and turned by exp(-2 pi i m k / 64 L). For each frequency k the
64 parts are transformed, `LANES` frequencies at once. Of real samples the upper half of the k is not needed.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types

from mixprior.stats.fft import butterflies
from mixprior.stats.fft.lanes import LANES, Memory, aligned, index, inline, load, store, transposed, turned
from mixprior.stats.fft.real import Tables, parted, tables

PARTS = 64

Plan = tuple[np.ndarray, Tables, np.ndarray, np.ndarray, np.ndarray]
"""What is known of a transform before its samples: see `plan`."""


def size(frame: int) -> int:
    """Return how many numbers a spectrum takes, in the order in which it comes: see `places`."""
    return _groups(frame) * PARTS * LANES


def work_size(frame: int) -> int:
    """Return how many numbers each of the four rows takes that `columns` works in."""
    return _groups(frame) * LANES * LANES


def _groups(frame: int) -> int:
    """Groups of `LANES` frequencies of a part, half of them and one."""
    return frame // PARTS // 2 // LANES + 1


@cache
def places(frame: int) -> np.ndarray:
    """Return where the frequencies 0 to frame / 2 are in what `columns` and `rows` leave, int64."""
    length, frequency = frame // PARTS, np.arange(frame // 2 + 1)
    of_part = frequency % length
    upper = of_part > length // 2  # of these the conjugate is there, of the frequency of opposite sign
    frequency = np.where(upper, frame - frequency, frequency)
    of_part = np.where(upper, length - of_part, of_part)
    row = butterflies.positions(PARTS)[frequency // length]
    return (of_part // LANES * PARTS + row) * LANES + of_part % LANES


def plan(window: np.ndarray) -> Plan:
    """Return what `columns` takes, for a frame of a window: 64 times two times a product of 8, or of 4 and 8."""
    length = window.size // PARTS
    frequencies = np.arange(_groups(window.size) * LANES)[np.newaxis, :, np.newaxis]
    parts = np.arange(PARTS).reshape(-1, 1, LANES)
    turns = np.exp(-2j * np.pi * frequencies * parts / window.size)
    real, imaginary = (aligned(part.ravel()) for part in (turns.real, turns.imag))
    return aligned(window * 0.5), tables(length), real, imaginary, butterflies.twiddles(PARTS)


@numba.njit(nogil=True)
def columns(sound: np.ndarray, group: int, plan: Plan, work: np.ndarray, re: np.ndarray, im: np.ndarray) -> None:
    """Transform `LANES` of the parts of a frame, and turn them.

    Args:
        sound: float32, shape (frame or more,), neighbours in memory.
        group: which parts: from `LANES` `group` on.
        plan: of the window of the frames.
        work: float32, shape (4, `work_size(frame)`): overwritten; zeros when it is first used.
        re: float32, shape (`size(frame)`,): takes the real parts.
        im: likewise takes the imaginary parts.
    """
    window, (factors, where, turns), turn_re, turn_im, _ = plan
    length = window.size // PARTS
    for n in range(0, length, 2):
        at = PARTS * n + LANES * group
        store(work[0], LANES // 2 * n, load(sound, at) * load(window, at))
        store(work[1], LANES // 2 * n, load(sound, at + PARTS) * load(window, at + PARTS))
    butterflies.transform(work[0], work[1], 0, length // 2, factors)
    parted(work[0], work[1], where, turns, work[2], work[3])
    groups = length // 2 // LANES + 1
    for k in range(groups):
        at = (group * groups + k) * LANES * LANES
        _turn(work[2], work[3], k * LANES * LANES, turn_re, turn_im, at, re, im, (k * PARTS + group * LANES) * LANES)


@numba.njit(nogil=True)
def rows(re: np.ndarray, im: np.ndarray, group: int, plan: Plan) -> None:
    """Transform a group of `LANES` frequencies of all parts, in place: the numbers from 64 `LANES` `group` on."""
    butterflies.transform(re, im, PARTS * group, PARTS, plan[4])


@inline
def _turn(
    typing_context: Any,
    re: types.Array,
    im: types.Array,
    at: types.Integer,
    turn_re: types.Array,
    turn_im: types.Array,
    turn_at: types.Integer,
    out_re: types.Array,
    out_im: types.Array,
    to: types.Integer,
) -> Any:
    """Multiply as many rows as a row has numbers, and write them transposed."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        real, imaginary, cosine, sine, out_real, out_imaginary = (
            Memory(context, builder, signature.args[k], args[k]) for k in (0, 1, 3, 4, 6, 7)
        )
        results = []
        for k in range(LANES):
            row, turn = (builder.add(args[n], index(builder, LANES * k)) for n in (2, 5))
            results.append(turned((real.load(row), imaginary.load(row)), (cosine.load(turn), sine.load(turn))))
        for out, values in zip((out_real, out_imaginary), zip(*results, strict=True), strict=True):
            for k, value in enumerate(transposed(builder, values)):
                out.store(builder.add(args[8], index(builder, LANES * k)), value)
        return context.get_dummy_value()

    return types.void(re, im, types.intp, turn_re, turn_im, types.intp, out_re, out_im, types.intp), code

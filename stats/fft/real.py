"""Spectra of several real signals at once: frames of samples in, rows of a number of each by frequency out."""

from __future__ import annotations

from functools import cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import types

from mixprior.stats.fft import butterflies
from mixprior.stats.fft.lanes import (
    LANES,
    Memory,
    aligned,
    all_of,
    index,
    inline,
    load,
    minus_times,
    store,
    times_plus,
    transposed,
)

Tables = tuple[np.ndarray, np.ndarray, np.ndarray]
Plan = tuple[np.ndarray, Tables]
"""What is known of a transform before its samples: see `plan`."""


@cache
def tables(length: int) -> Tables:
    """Return what transforms of a length take: factors of the butterflies, rows of the frequencies, and turns."""
    half = length // 2
    rows = np.append(butterflies.positions(half), 0)
    turns = np.exp(-2j * np.pi * np.arange(half // 2 + 1) / length)
    factors = np.stack([turns.real, turns.imag], axis=-1).astype(np.float32).ravel()
    return butterflies.twiddles(half), rows, factors


def plan(window: np.ndarray) -> Plan:
    """Return what `frames` takes, for frames of a window: their length is two times a product of 8, or of 4 and 8."""
    return aligned(window * 0.5), tables(window.size)


@numba.njit(nogil=True)
def frames(
    sound: np.ndarray, hop: int, count: int, plan: Plan, work: np.ndarray, re: np.ndarray, im: np.ndarray
) -> None:
    """Transform up to `LANES` frames.

    Args:
        sound: float32, neighbours in memory; the first frame begins with it. Samples past its end are read where the
            frames reach there.
        hop: samples from one frame to the next.
        count: how many frames, 1 to `LANES`; the lanes after them repeat the last one.
        plan: of the window of the frames.
        work: float32, shape (2, `LANES` / 2 length): overwritten.
        re: float32, shape (`LANES` (length / 2 + 1) or more,): takes the real parts; row k is frequency k.
        im: likewise takes the imaginary parts.
    """
    window, (factors, rows, turns) = plan
    for n in range(0, window.size, LANES):
        _gather(sound, n, hop, count, window, work[0], work[1])
    butterflies.transform(work[0], work[1], 0, window.size // 2, factors)
    parted(work[0], work[1], rows, turns, re, im)


@numba.njit(nogil=True)
def parted(
    re: np.ndarray, im: np.ndarray, rows: np.ndarray, turns: np.ndarray, out_re: np.ndarray, out_im: np.ndarray
) -> None:
    """Make the spectrum of real signals of the transform of their even samples + i their odd ones, taken half."""
    half = rows.size - 1
    for k in range(half // 2 + 1):
        at, mirrored = LANES * rows[k], LANES * rows[half - k]
        a, b, c, d = load(re, at), load(im, at), load(re, mirrored), load(im, mirrored)
        even_re, even_im, odd_re, odd_im = a + c, b - d, b + d, c - a
        cosine, sine = all_of(turns[2 * k]), all_of(turns[2 * k + 1])
        turned_re, turned_im = (
            minus_times(odd_re * cosine, odd_im, sine),
            times_plus(odd_re, sine, odd_im * cosine),
        )
        store(out_re, LANES * k, even_re + turned_re)
        store(out_im, LANES * k, even_im + turned_im)
        store(out_re, LANES * (half - k), even_re - turned_re)
        store(out_im, LANES * (half - k), turned_im - even_im)


@inline
def _gather(
    typing_context: Any,
    sound: types.Array,
    at: types.Integer,
    hop: types.Integer,
    count: types.Integer,
    window: types.Array,
    re: types.Array,
    im: types.Array,
) -> Any:
    """Weight `LANES` samples of each frame, and put even ones into rows of `re`, odd ones into rows of `im`."""

    def code(context: Any, builder: ir.IRBuilder, signature: Any, args: Any) -> ir.Value:
        samples, weights, real, imaginary = (Memory(context, builder, signature.args[k], args[k]) for k in (0, 4, 5, 6))
        weight, last = weights.load(args[1]), builder.sub(args[3], index(builder, 1))
        rows = []
        for k in range(LANES):
            frame = builder.select(builder.icmp_signed("<", args[3], index(builder, k + 1)), last, index(builder, k))
            rows.append(samples.load(builder.add(args[1], builder.mul(frame, args[2]))) * weight)
        first = builder.mul(args[1], index(builder, LANES // 2))
        for k, row in enumerate(transposed(builder, rows)):
            place = builder.add(first, index(builder, LANES * (k // 2)))
            (imaginary if k % 2 else real).store(place, row)
        return context.get_dummy_value()

    return types.void(sound, types.intp, types.intp, types.intp, window, re, im), code

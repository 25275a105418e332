"""Panning by frequency: gains for left and right that give a sound the similarity of a reference, exactly.

The measure is that of FxNorm-automix (sony/FxNorm-automix, automix/utils_data_normalization.py, get_SPS; Tzanetakis,
Jones and McNally, ISMIR 2007); its own way there is in `mixprior.mixing.normalise.fxnorm_panning`.
"""

from __future__ import annotations

import math

import numba
import numpy as np
import scipy.fft
import scipy.optimize
import scipy.signal

from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.rules.spectrum import (
    BAND_EDGES_HZ,
    BAND_SIZES,
    BAND_STARTS,
    BINS_HZ,
    END_BIN,
    FIRST_BIN,
    LEAST_DB,
    THIRD,
)
from mixprior.stats.long_term_spectra import FRAME, HOP, excitation_floors
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

PANNED_BELOW_HZ = {"vocals": 16_000.0, "drums": 6_000.0, "bass": 16_000.0, "other": 16_000.0}
"""Where FxNorm-automix stops panning, by stem."""

_WINDOW = np.sqrt(scipy.signal.get_window("hann", FRAME)).astype(np.float32)
_PARTS = 8  # of a band: within each the panning is taken as one
_PART_CENTRES_HZ = np.outer(BAND_CENTRES_HZ, THIRD ** ((np.arange(_PARTS) + 0.5) / _PARTS - 0.5)).ravel()
_PART_OF_BIN = np.searchsorted(
    BAND_EDGES_HZ[0] * THIRD ** (np.arange(1, len(_PART_CENTRES_HZ)) / _PARTS), BINS_HZ, side="right"
)
_LEANING = np.linspace(-5.0, 5.0, 501)  # ln |R|/|L|; what is beyond is on one side and stays there
_MOVES = np.linspace(-3.0, 3.0, 301)
_LEAST_GAIN = 0.01  # of similarity: a band moves only where it comes this much nearer
_AS_FAR = 0.3  # nepers: both sides are about as near
_IN_TURN = 3
_DB_PER_NEPER = 20.0 * math.log10(math.e)
_FRAMES_AT_ONCE = 8


def panning_curves(audio: np.ndarray, reference: np.ndarray, stem: str) -> tuple[Curve, Curve] | None:
    """Find gains by frequency for left and right after which the panning similarity is that of the reference.

    With the leaning l = ln |R|/|L| of a bin in a frame, the similarity 2|L||R| / (|L|^2 + |R|^2) is sech(l), and gains
    move l by d = ln(g_R/g_L): the mean of sech(l + d) over frames and bins of a third of an octave is solved for d,
    which for a mono sound is the exact inverse arcosh(1/phi). Of two solutions the smaller move is taken; where both
    are as near (a sound in the centre), octaves take turns, so that the whole stays in the centre. FxNorm-automix
    moves every bin of every frame to one side, and its inverse is approximate: `mixing.normalise.fxnorm_panning`.

    The gains keep |L| + |R| of each band, and with it the mean spectrum; for a mono sound they are the linear law.

    Args:
        audio: float32, (2, samples) at 44.1 kHz, with sound in it.
        reference: shape (32769,): `panning` of `mixprior.analysis.constants.constants.Features`.
        stem: its name; drums are panned up to 6 kHz, the others up to 16 kHz.

    Returns:
        Gains of the left and of the right channel; None where neither has one above 0.05 dB. Where a sound is wider
        than the reference wherever it is moved to, it comes as near as it can.
    """
    counts, left, right = _leanings(audio)
    sounding = counts.reshape(len(BAND_CENTRES_HZ), -1).any(axis=1) & (np.minimum(left, right) > 0.0)
    panned = sounding & (PANNED_BELOW_HZ[stem] >= BAND_CENTRES_HZ)
    target = np.add.reduceat(reference[FIRST_BIN:END_BIN], BAND_STARTS) / BAND_SIZES
    moves = _first_moves(counts, target, panned)
    if not moves.any():
        return None
    moves = _coupled_moves(counts, target, panned, moves)
    places, centres = np.log(_PART_CENTRES_HZ), np.log(BAND_CENTRES_HZ)
    leaning = np.interp(places, centres[panned], np.log(right[panned] / left[panned]))
    moved = np.interp(places, centres, moves)
    left_db = _DB_PER_NEPER * np.log((1.0 + np.exp(leaning)) / (1.0 + np.exp(leaning + moved)))
    right_db = left_db + _DB_PER_NEPER * moved
    if max(np.abs(left_db).max(), np.abs(right_db).max()) < LEAST_DB:
        return None
    frequencies_hz = tuple(_PART_CENTRES_HZ.tolist())
    return Curve(frequencies_hz, tuple(left_db.tolist())), Curve(frequencies_hz, tuple(right_db.tolist()))


def by_band(phi: np.ndarray) -> list[float | None]:
    """Mean similarity in each third of an octave from 25 Hz to 20 kHz.

    Args:
        phi: shape (32769,): `mixprior.stats.long_term_spectra.LongTermSpectra.phi`; NaN where there is no sound.

    Returns:
        30 numbers; None where there is no sound.
    """
    known = np.isfinite(phi[FIRST_BIN:END_BIN])
    sums = np.add.reduceat(np.where(known, phi[FIRST_BIN:END_BIN], 0.0), BAND_STARTS)
    counts = np.add.reduceat(known, BAND_STARTS, dtype=np.intp)
    return [total / n if n else None for total, n in zip(sums.tolist(), counts.tolist(), strict=True)]


def _leanings(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Histograms of ln |R|/|L|, shape (parts of bands, 501), and each band's sums of |L| and |R|.

    Frames and floors are those of `mixprior.stats.long_term_spectra`, so that the mean of sech is its phi.
    """
    audio = np.pad(audio, ((0, 0), (0, max(0, FRAME - audio.shape[-1]))))
    floors = excitation_floors(audio, FRAME, HOP)
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=-1)[:, ::HOP]
    counts = np.zeros((len(_PART_CENTRES_HZ), len(_LEANING)))
    sums = np.zeros((2, len(BINS_HZ)))
    for start in range(0, len(floors), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        left, right = np.abs(scipy.fft.rfft(frames[:, part] * _WINDOW, axis=-1)[..., FIRST_BIN:END_BIN])
        _count(left, right, floors[part], _PART_OF_BIN, _LEANING, counts)
        sums += left.sum(axis=0), right.sum(axis=0)
    left_sum, right_sum = np.add.reduceat(sums, BAND_STARTS, axis=1)
    return counts, left_sum, right_sum


@numba.njit(cache=True)
def _count(
    left: np.ndarray, right: np.ndarray, floors: np.ndarray, rows: np.ndarray, axis: np.ndarray, counts: np.ndarray
) -> None:
    """Add frames, shape (frames, bins), to the histograms: each value is shared by the two points it is between."""
    step, last = axis[1] - axis[0], len(axis) - 1
    for frame in range(len(floors)):
        for k in range(left.shape[1]):
            a, b = np.float64(left[frame, k]), np.float64(right[frame, k])
            if a * a + b * b > floors[frame]:
                leaning = np.log(max(b, 1e-30) / max(a, 1e-30))
                place = min(max((leaning - axis[0]) / step, 0.0), last - 1e-9)
                point = int(place)
                counts[rows[k], point] += point + 1 - place
                counts[rows[k], point + 1] += place - point


def _first_moves(counts: np.ndarray, target: np.ndarray, panned: np.ndarray) -> np.ndarray:
    """Move of each band as if the same held throughout the band: the least that comes nearest to the target."""
    by_leaning = counts.reshape(len(target), _PARTS, -1).sum(axis=1)
    kernel = _sech(_LEANING[:, np.newaxis] + _MOVES)
    moves = np.zeros(len(target))
    for band in np.flatnonzero(panned):
        error = np.abs(by_leaning[band] @ kernel / by_leaning[band].sum() - target[band])
        if error[len(_MOVES) // 2] - error.min() < _LEAST_GAIN:
            continue
        good = _MOVES[error < error.min() + _LEAST_GAIN]
        sides = [min(side, key=abs) for side in (good[good < 0.0], good[good > 0.0]) if len(side)]
        alike = len(sides) == 2 and abs(abs(sides[0]) - abs(sides[1])) < _AS_FAR
        moves[band] = sides[band // _IN_TURN % 2] if alike else min(sides, key=abs)
    return moves


def _coupled_moves(counts: np.ndarray, target: np.ndarray, panned: np.ndarray, first: np.ndarray) -> np.ndarray:
    """Moves that meet the targets when they run as straight lines from band to band, by least squares."""
    hats = np.array([np.interp(np.log(_PART_CENTRES_HZ), np.log(BAND_CENTRES_HZ), row) for row in np.eye(len(target))])
    shares = counts.reshape(len(target), _PARTS, -1).sum(axis=(1, 2))[panned, np.newaxis]

    def kernel(moves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        spread = np.zeros(len(target))
        spread[panned] = moves
        shifted = _LEANING + (spread @ hats)[:, np.newaxis]
        return _sech(shifted.T).T, shifted

    def per_band(values: np.ndarray) -> np.ndarray:
        return values.reshape(len(target), _PARTS, -1).sum(axis=1)[panned] / shares

    def error(moves: np.ndarray) -> np.ndarray:
        sech, _ = kernel(moves)
        return per_band((counts * sech).sum(axis=1))[:, 0] - target[panned]

    def slope(moves: np.ndarray) -> np.ndarray:
        sech, shifted = kernel(moves)
        fall = -(counts * sech * np.tanh(shifted)).sum(axis=1)
        return per_band(fall[:, np.newaxis] * hats[panned].T)

    moves = np.zeros(len(target))
    bounds = (_MOVES[0] * 1.5, _MOVES[-1] * 1.5)
    moves[panned] = scipy.optimize.least_squares(error, first[panned], slope, bounds=bounds, xtol=1e-6).x
    return moves


def _sech(leanings: np.ndarray) -> np.ndarray:
    """Similarity at moved leanings, shape (501, moves): none at the ends, where a sound is on one side only."""
    similarity = 1.0 / np.cosh(leanings)
    similarity[[0, -1]] = 0.0
    return similarity

"""FxNorm-automix's own panning normalisation, for those who must have what its networks were trained on.

Source: sony/FxNorm-automix, automix/utils_data_normalization.py, get_panning_matching (commit 916bf7e). Every bin of
every frame is moved to the side the stem leans to, so that its similarity phi becomes 0.9 times the reference's; but by
p = 1 - phi/2, which is not the inverse of phi (0.638 for a pan of 0.7), and after a fixed pan of 0.7. Done twice it
moves twice; `mixprior.mixing.normalise.repanning` does not.
"""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.signal

from mixprior.mixing.normalise.repanning import PANNED_BELOW_HZ
from mixprior.stats.long_term_spectra import FRAME as LONG_FRAME
from mixprior.stats.statistic import SAMPLE_RATE_HZ

_FRAME = 2048
_HOP = 1024
_WINDOW = np.sqrt(scipy.signal.get_window("hann", _FRAME)).astype(np.float32)
_FIRST_POSITION = 0.7
_REFERENCE_FACTOR = 0.9
_SILENT = 10.0 ** (-10.0 / 20)  # largest |L + R| of an unscaled spectrum below which a frame is left alone
_SIDE_BINS = slice(50 * _FRAME // SAMPLE_RATE_HZ, 2500 * _FRAME // SAMPLE_RATE_HZ)
_SMOOTHED = 501
_FRAMES_AT_ONCE = 256


def repanned(audio: np.ndarray, reference: np.ndarray, stem: str) -> np.ndarray:
    """Pan a stem as FxNorm-automix does.

    One fault of it is not kept: the gains above its upper frequency are to be 1, and it sets those of all frames
    after the first seconds to 1 instead. What it leaves alone is left as it is here, without the pan of 0.7, and a
    sound in the centre keeps its level.

    Args:
        audio: float32, (2, samples) at 44.1 kHz.
        reference: shape (32769,): `panning` of `mixprior.analysis.constants.constants.Features`.
        stem: its name.

    Returns:
        float32, (2, samples).
    """
    samples = audio.shape[1]
    padded = np.pad(audio, ((0, 0), (_FRAME, 2 * _FRAME)))
    frames = np.lib.stride_tricks.sliding_window_view(padded, _FRAME, axis=-1)[:, ::_HOP]
    side = _side(frames)
    first = np.array([1.0 - side * (2.0 * _FIRST_POSITION - 1.0), 1.0 + side * (2.0 * _FIRST_POSITION - 1.0)])
    pooled = reference[:-1].reshape(-1, LONG_FRAME // _FRAME).mean(axis=1)
    wanted = _gains(_REFERENCE_FACTOR * np.append(pooled, reference[-1]), side)
    end = int(PANNED_BELOW_HZ[stem] * _FRAME / SAMPLE_RATE_HZ)
    out = np.zeros_like(padded)
    for start in range(0, frames.shape[1], _FRAMES_AT_ONCE):
        spectra = scipy.fft.rfft(frames[:, start : start + _FRAMES_AT_ONCE] * _WINDOW)
        panned = spectra * first[:, np.newaxis, np.newaxis].astype(np.float32)
        gains = wanted[:, np.newaxis] / _gains(_similarity(panned), side) * first[:, np.newaxis, np.newaxis]
        gains[:, np.abs(panned.sum(axis=0)).max(axis=-1) < _SILENT] = 1.0
        gains[..., end:] = 1.0
        for frame, sound in enumerate(np.moveaxis(scipy.fft.irfft(spectra * gains, _FRAME) * _WINDOW, 1, 0)):
            place = (start + frame) * _HOP
            out[:, place : place + _FRAME] += sound
    return out[:, _FRAME : _FRAME + samples]


def _side(frames: np.ndarray) -> int:
    """1 right, -1 left: what most bins from 50 to 2,500 Hz lean to, right if none does."""
    leaning = np.zeros(_FRAME // 2 + 1)
    for start in range(0, frames.shape[1], _FRAMES_AT_ONCE):
        spectra = scipy.fft.rfft(frames[:, start : start + _FRAMES_AT_ONCE] * _WINDOW)
        left, right = np.abs(spectra)
        leaning += ((1.0 - _similarity(spectra)) * np.sign(right - left)).sum(axis=0)
    leaning = scipy.signal.savgol_filter(leaning / frames.shape[1], _SMOOTHED, 1, mode="mirror")
    return 1 if np.sign(leaning[_SIDE_BINS] + 1e-10).sum() >= 0 else -1


def _similarity(spectra: np.ndarray) -> np.ndarray:
    left, right = np.abs(spectra).astype(np.float64)
    both = left**2 + right**2
    return np.divide(2.0 * left * right, both, out=np.ones_like(both), where=both > 0.0)


def _gains(similarity: np.ndarray, side: int) -> np.ndarray:
    """Left and right gain of a sound of that similarity, by FxNorm-automix's inverse; none below its 1e-20."""
    nearer = 1.0 - np.clip(similarity, 0.0, 1.0) / 2.0
    position = nearer if side > 0 else 1.0 - nearer
    return np.maximum(np.stack([1.0 - position, position]), 1e-20)

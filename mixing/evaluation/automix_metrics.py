"""The metric set of automix-toolkit and FxNorm-automix: percentage errors of features of two mixes, frame by frame.

The definitions are those of csteinmetz1/automix-toolkit, automix/evaluation/utils_evaluation.py, of August 2024
(cb895ce, `VERSION`): features of every frame, running means over 40 frames, mean absolute percentage error (MAPE)
against those of the target, channels averaged. Before (2afa6aa, 2022) flatness was a ratio, and each band of the
spectral contrast weighed as much as another feature: numbers of then and now do not compare. Two details differ:
loudness is BS.1770's momentary loudness of one pass over the whole sound, where the toolkit starts a meter in every
frame (0.4 s, every 0.2 s), and loudness leaves out frames in which the target is silent. All but loudness is measured
with the sample peak at -1 dBFS.
"""

from __future__ import annotations

import librosa
import numpy as np

from mixprior.stats import loudness_blocks
from mixprior.stats.measures.loudness import ABSOLUTE_GATE_LUFS, momentary_lufs
from mixprior.stats.statistic import SAMPLE_RATE_HZ

VERSION = "automix-toolkit cb895ce (2024)"
"""The definition that is followed."""

FRAME, HOP = 4096, 1024
CATEGORIES = ("loudness", "spectral", "panning", "dynamic")

_CONTRAST = "contrast"
_RUN = 40
_PEAK = 10 ** (-1 / 20)
_TINY = 1e-10
_SILENCE = 1e-30
_WINDOW = np.sqrt(np.hanning(FRAME + 1)[:-1]).astype(np.float32)
_FREQUENCIES_HZ = np.arange(FRAME // 2 + 1) * SAMPLE_RATE_HZ / FRAME
_ROLLOFF = 0.85
_PANNING_BANDS_HZ = {"total": (0, 22_050), "lows": (0, 250), "mids": (250, 2500), "highs": (2500, 22_050)}

Features = dict[str, np.ndarray]


def features(audio: np.ndarray) -> Features:
    """Running means of a mix's features, by category and name.

    Args:
        audio: float32, (2, samples), 44.1 kHz, with sound in it, at least 10 s for loudness to have running means.

    Returns:
        float64 arrays of shape (channels, values).
    """
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=-1)[:, ::HOP]
    frames = frames * np.float32(_PEAK / np.abs(audio).max())
    magnitude = np.abs(np.fft.rfft(frames * _WINDOW, axis=-1)).astype(np.float32)
    found = {**_loudness(audio), **_spectral(magnitude), **_panning(magnitude), **_dynamic(frames)}
    return {name: _running_mean(np.atleast_2d(values)) for name, values in found.items()}


def mape(target: Features, mix: Features) -> dict[str, float | None]:
    """Mean absolute percentage error, as a share, of each category: the mean over its features.

    The bands of the spectral contrast together are one of five spectral features.

    Args:
        target: features of the mix that is aimed for.
        mix: features of the mix that is judged.

    Returns:
        An error for each of `CATEGORIES`; None where it has no feature to measure, as has the panning of a mono mix.
    """
    errors: dict[str, dict[str, list[float]]] = {category: {} for category in CATEGORIES}
    for name, wanted in target.items():
        audible = np.isfinite(wanted) & np.isfinite(mix[name])
        if audible.any():
            off = np.abs(mix[name] - wanted)[audible] / np.maximum(np.abs(wanted[audible]), _TINY)
            category, *feature = name.split()
            errors[category].setdefault(_CONTRAST if _CONTRAST in feature else name, []).append(float(off.mean()))
    return {
        category: float(np.mean([np.mean(bands) for bands in found.values()])) if found else None
        for category, found in errors.items()
    }


def _running_mean(values: np.ndarray) -> np.ndarray:
    """Means over 40 frames, or over all there are if they are fewer."""
    run = min(_RUN, values.shape[-1])
    return np.lib.stride_tricks.sliding_window_view(values, run, axis=-1).mean(axis=-1)


def _loudness(audio: np.ndarray) -> Features:
    lufs = momentary_lufs(loudness_blocks.measure(audio, SAMPLE_RATE_HZ).weighted)[::2]
    frames = np.lib.stride_tricks.sliding_window_view(audio, 17_640, axis=-1)[:, ::8_820]
    peaks = np.abs(frames).max(axis=(0, 2))
    with np.errstate(divide="ignore"):
        peaks_db = 20 * np.log10(peaks)
    return {
        "loudness lufs": np.where(lufs > ABSOLUTE_GATE_LUFS, lufs, np.nan),
        "loudness peak": np.where(np.isfinite(peaks_db), peaks_db, np.nan),
    }


def _spectral(magnitude: np.ndarray) -> Features:
    total = np.maximum(magnitude.sum(axis=-1), _SILENCE)
    centroid = magnitude @ _FREQUENCIES_HZ / total
    square = magnitude @ _FREQUENCIES_HZ**2 / total
    power = np.maximum(magnitude.astype(np.float64) ** 2, 1e-10)
    below = np.cumsum(magnitude, axis=-1)
    rolloff = _FREQUENCIES_HZ[np.argmax(below >= _ROLLOFF * below[..., -1:], axis=-1)]
    contrast = librosa.feature.spectral_contrast(
        S=magnitude.swapaxes(-1, -2), sr=SAMPLE_RATE_HZ, fmin=250.0, n_bands=4, quantile=0.02
    )
    return {
        "spectral centroid": centroid + 1,
        "spectral bandwidth": np.sqrt(np.maximum(square - centroid**2, 0)) + 1,
        "spectral rolloff": rolloff + 1,
        "spectral flatness": 20 * np.log10(np.exp(np.log(power).mean(axis=-1)) / power.mean(axis=-1) + _SILENCE),
        "spectral contrast lows": contrast[:, 0],
        "spectral contrast mids": contrast[:, 1:4].mean(axis=1),
        "spectral contrast highs": contrast[:, 4],
    }


def _panning(magnitude: np.ndarray) -> Features:
    left, right = magnitude.astype(np.float64)
    unlike = (left - right) ** 2 / np.maximum(left**2 + right**2, _SILENCE)  # 1 - phi
    found = {}
    for band, edges_hz in _PANNING_BANDS_HZ.items():
        first, end = (int(edge_hz * FRAME / SAMPLE_RATE_HZ) for edge_hz in edges_hz)
        rms = np.sqrt(np.mean(unlike[:, first:end] ** 2, axis=-1))
        found[f"panning {band}"] = np.where(rms > 0, rms, np.nan)
    return found


def _dynamic(frames: np.ndarray) -> Features:
    levels_db = 20 * np.log10(np.abs(frames) + _SILENCE)
    rms_db = 20 * np.log10(np.sqrt(np.mean(np.square(frames), axis=-1)) + _SILENCE)
    spread_db = levels_db.mean(axis=-1) - rms_db
    crest = levels_db.max(axis=-1) / rms_db
    return {
        "dynamic rms": 1 - rms_db.mean(axis=0),
        "dynamic spread": 1 - spread_db.mean(axis=0),
        "dynamic crest": crest.mean(axis=0),
    }

"""What is measured on an impulse response: energy over time and frequency, reverberation times, wet level."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy
from scipy.fft import next_fast_len, rfft

from mixprior.stats.errors import InputError

DIRECT_WINDOW_S = 0.0025
OCTAVE_BANDS_HZ = (250.0, 500.0, 1000.0, 2000.0, 4000.0)

# One grid for all fits: 22 third-octave bands, and frames whose distance grows by a fifth and whose length ends at
# 50 ms, so that no frame spans more than a few dB of decay.
_BAND_COUNT = 22
_EDGES_HZ = 100.0 * 2.0 ** ((np.arange(_BAND_COUNT + 1) - 0.5) / 3.0)
_CENTRES_HZ = 100.0 * 2.0 ** (np.arange(_BAND_COUNT) / 3.0)
_FIRST_FRAME_S, _LAST_FRAME_S, _FRAME_COUNT = 0.005, 2.4, 36
_TIMES_S = np.geomspace(_FIRST_FRAME_S, _LAST_FRAME_S, _FRAME_COUNT)
_LENGTHS_S = np.minimum(_TIMES_S * (_TIMES_S[1] / _TIMES_S[0] - 1.0), 0.05)
# Hann windows: long ones part the low bands, short ones follow the high bands in time.
_LOW_WINDOW_S, _HIGH_WINDOW_S, _CROSSOVER_HZ = 0.032, 0.0107, 700.0
_LOWEST_LEVEL_DB = -200.0
_LOWEST_RATE_HZ = 32_000


@dataclass(frozen=True)
class EnergyDecay:
    """Energy after the direct sound, per second and hertz, against the energy of the direct sound per hertz.

    Attributes:
        level_db: float64, shape (bands, frames): 10 log10 of late energy per (s Hz) over direct energy per Hz.
        times_s: middles of the frames after the direct sound, shape (frames,).
        centres_hz: of the bands, shape (bands,).
        edges_hz: shape (bands + 1,).
    """

    level_db: np.ndarray
    times_s: np.ndarray
    centres_hz: np.ndarray
    edges_hz: np.ndarray


def on_grid(level_db: np.ndarray) -> EnergyDecay:
    """Levels of shape (bands, frames) that stand on the grid of all fits."""
    if level_db.shape != (_BAND_COUNT, _FRAME_COUNT):
        raise InputError(
            f"levels are {level_db.shape}, the grid is {(_BAND_COUNT, _FRAME_COUNT)}: measure() gives such"
        )
    return EnergyDecay(level_db, _TIMES_S, _CENTRES_HZ, _EDGES_HZ)


def frame_times_s() -> np.ndarray:
    """Middles of the grid's frames, shape (frames,)."""
    return _TIMES_S


def band_centres_hz() -> np.ndarray:
    """Centres of the grid's bands, shape (bands,)."""
    return _CENTRES_HZ


def is_low_band() -> np.ndarray:
    """Which bands are measured with long windows, shape (bands,)."""
    return _CENTRES_HZ < _CROSSOVER_HZ


def resolved_cells() -> np.ndarray:
    """Which cells are far enough after the direct sound for the windows of their band, shape (bands, frames)."""
    return np.where(is_low_band()[:, None], _LOW_WINDOW_S / 2, _HIGH_WINDOW_S / 2) <= _TIMES_S


def frame_kernels() -> list[list[tuple[np.ndarray, np.ndarray]]]:
    """What enters each frame, for the low bands and for the high: instants and their shares of it, summing to one."""
    kernels = []
    for window_s in (_LOW_WINDOW_S, _HIGH_WINDOW_S):
        row = []
        for middle, length in zip(_TIMES_S, _LENGTHS_S, strict=True):
            reach = (window_s + length) / 2
            time_s = middle + np.linspace(-reach, reach, 2001)
            starts = middle + length * ((np.arange(32) + 0.5) / 32 - 0.5)
            phase = np.clip((time_s[:, None] - starts) / window_s, -0.5, 0.5)
            share = np.sum(np.cos(np.pi * phase) ** 4, axis=1) * (time_s > DIRECT_WINDOW_S)
            row.append((time_s, share / share.sum()))
        kernels.append(row)
    return kernels


def measure(impulse_response: np.ndarray, sample_rate_hz: int) -> EnergyDecay:
    """Energy decay relief (J.-M. Jot, ICASSP 1992) of an impulse response, in third octaves and log-spaced frames.

    The direct sound is what comes within 2.5 ms of the strongest peak; it is cut out, and its mean energy per hertz in
    the range of the bands is the reference, so that the levels do not depend on the sample rate or the file's gain.

    Args:
        impulse_response: shape (channels, samples) or (samples,); energies are averaged over the channels.
        sample_rate_hz: 32 kHz or more.

    Raises:
        InputError: if the rate is too low, or the response is silent.
    """
    if sample_rate_hz < _LOWEST_RATE_HZ:
        raise InputError(f"impulse response at {sample_rate_hz} Hz: resample it to {_LOWEST_RATE_HZ} Hz or more")
    direct, late = _direct_and_late(impulse_response, sample_rate_hz)
    frequencies = np.fft.rfftfreq(direct.shape[1], 1.0 / sample_rate_hz)
    in_range = (frequencies >= _EDGES_HZ[0]) & (frequencies <= _EDGES_HZ[-1])
    reference = np.mean(np.abs(np.fft.rfft(direct)) ** 2, axis=0)[in_range].mean() / sample_rate_hz
    if not reference > 0:
        raise InputError("the impulse response is silent between 90 Hz and 14 kHz: nothing to measure")
    low = is_low_band()
    energy = np.empty((_BAND_COUNT, _FRAME_COUNT))
    energy[low] = _band_energy(late, sample_rate_hz, _LOW_WINDOW_S)[low]
    energy[~low] = _band_energy(late, sample_rate_hz, _HIGH_WINDOW_S)[~low]
    return on_grid(10.0 * np.log10(np.maximum(energy / reference, 10.0 ** (_LOWEST_LEVEL_DB / 10.0))))


def wet_dry_db(impulse_response: np.ndarray, sample_rate_hz: int) -> float | None:
    """Energy after the direct sound against the direct sound (within 2.5 ms of the strongest peak), in dB.

    None where there is no direct sound or nothing after it.
    """
    direct, late = _direct_and_late(impulse_response, sample_rate_hz)
    after, at = float(np.sum(late**2)), float(np.sum(direct**2))
    return 10.0 * float(np.log10(after / at)) if after > 0 and at > 0 else None


def has_direct_sound(impulse_response: np.ndarray, sample_rate_hz: int) -> bool:
    """Whether the strongest peak is a direct sound, and not an echo in the middle of a reverb that grows.

    It is none where a hundredth of all energy comes before it, and less than a fifth within 2.5 ms of it.

    >>> has_direct_sound(np.eye(1, 32_000)[0], 32_000)
    True
    """
    energy = np.sum(np.atleast_2d(np.asarray(impulse_response, dtype=np.float64)) ** 2, axis=0)
    peak, reach = int(np.argmax(energy)), round(DIRECT_WINDOW_S * sample_rate_hz)
    start, total = max(peak - reach, 0), energy.sum()
    return bool(energy[:start].sum() <= 0.01 * total or energy[start : peak + reach + 1].sum() >= 0.2 * total)


def _direct_and_late(impulse_response: np.ndarray, sample_rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
    """The direct sound in a frame of 2^13 samples, and what comes after, beginning at the strongest peak."""
    response = np.atleast_2d(np.asarray(impulse_response, dtype=np.float64))
    peak = int(np.argmax(np.sum(response**2, axis=0)))
    reach = round(DIRECT_WINDOW_S * sample_rate_hz)
    direct = np.zeros((response.shape[0], 8192))
    around = response[:, max(peak - reach, 0) : peak + reach + 1]
    direct[:, : around.shape[1]] = around
    late = response[:, peak:].copy()
    late[:, : reach + 1] = 0.0
    return direct, late


def _band_energy(late: np.ndarray, sample_rate_hz: int, window_s: float) -> np.ndarray:
    """Energy per second and hertz in the grid's cells, shape (bands, frames), averaged over the channels."""
    size = next_fast_len(round(window_s * sample_rate_hz), real=True)
    window = np.sin(np.pi * (np.arange(size) + 0.5) / size) ** 2
    hop = max(size // 8, 1)
    end = round((_TIMES_S[-1] + _LENGTHS_S[-1]) * sample_rate_hz) + size
    padded = np.zeros((late.shape[0], size // 2 + end))
    kept = late[:, :end]
    padded[:, size // 2 : size // 2 + kept.shape[1]] = kept
    frames = np.lib.stride_tricks.sliding_window_view(padded, size, axis=1)[:, ::hop]
    spectra = rfft(frames * window, axis=2)
    power = np.mean(spectra.real**2 + spectra.imag**2, axis=0) / np.sum(window**2)
    bin_hz = sample_rate_hz / size
    share = _overlap(_EDGES_HZ, (np.arange(power.shape[1]) - 0.5) * bin_hz, bin_hz)
    frame_s = hop / sample_rate_hz
    starts, ends = _TIMES_S - _LENGTHS_S / 2, _TIMES_S + _LENGTHS_S / 2
    # Frames shorter than the hop take the two nearest spectra in the measure in which they overlap.
    span = np.maximum(ends - starts, frame_s)
    middles = (starts + ends) / 2
    time_edges = np.stack([middles - span / 2, middles + span / 2], axis=1)
    weights = np.stack([_overlap(e, (np.arange(power.shape[0]) - 0.5) * frame_s, frame_s)[0] for e in time_edges])
    return share @ power.T @ weights.T


def _overlap(edges: np.ndarray, starts: np.ndarray, width: float) -> np.ndarray:
    """Shares of [edges k, k+1] that fall into the cells [start, start + width], rows summing to one."""
    inside = np.minimum(edges[1:, None], starts + width) - np.maximum(edges[:-1, None], starts)
    inside = np.maximum(inside, 0.0)
    return inside / inside.sum(axis=1, keepdims=True)


# --- reverberation time -------------------------------------------------------------------------------------------

_BLOCK_S = 0.01
_NOISE_SHARE = 0.1
_ABOVE_NOISE_DB = 10.0
_T20_RANGE_DB = (-5.0, -25.0)


def reverberation_time_s(
    impulse_response: np.ndarray, sample_rate_hz: int, band_hz: float | None = None
) -> float | None:
    """Reverberation time T20 by Schroeder's backward integration (ISO 3382-1:2009, 5.3.3 and annex B).

    The integral ends where the energy has come within 10 dB of the noise (mean of the last tenth); what an exponential
    decay would add after that is put back. Octave bands are filtered backwards in time, so that the filter's own decay
    does not lengthen a short one (Jacobsen and Rindel, J. Sound Vib. 117, 1987).

    Args:
        impulse_response: shape (channels, samples) or (samples,); energies are averaged over the channels.
        sample_rate_hz: rate.
        band_hz: centre of an octave band; None for all frequencies.

    Returns:
        Seconds for 60 dB; None where the decay does not reach -25 dB above the noise.

    >>> decay = 10 ** (-3 * np.arange(32_000) / 16_000 / 0.5)
    >>> round(reverberation_time_s(decay, 16_000), 3)
    0.5
    """
    response = np.atleast_2d(np.asarray(impulse_response, dtype=np.float64))
    if band_hz is not None:
        filter_ = scipy.signal.butter(
            3, (band_hz / 2**0.5, band_hz * 2**0.5), "bandpass", fs=sample_rate_hz, output="sos"
        )
        response = scipy.signal.sosfilt(filter_, response[:, ::-1])[:, ::-1]
    energy = np.sum(response**2, axis=0)
    if not energy.any():
        return None
    energy = energy[int(np.argmax(energy)) : int(np.flatnonzero(energy)[-1]) + 1]
    block = round(_BLOCK_S * sample_rate_hz)
    count = energy.size // block
    if count < 10:
        return None
    levels = energy[: count * block].reshape(count, block).mean(axis=1)
    levels = levels[: int(np.flatnonzero(levels)[-1]) + 1]
    count, sounding = levels.size, levels > 0.0
    noise = levels[-max(int(count * _NOISE_SHARE), 1) :].mean()
    # Digital silence, as before a late reverb, is not the noise.
    near = np.flatnonzero(sounding & (levels < noise * 10.0 ** (_ABOVE_NOISE_DB / 10.0)))
    stop = int(near[0]) if near.size else count
    if stop < 4:
        return None
    # The last third before the stop shows the rate at which the rest would have gone on.
    tail = np.arange(stop - max(stop // 3, 3), stop)
    tail = tail[sounding[tail]]
    slope = np.polyfit(tail, np.log(levels[tail]), 1)[0] if tail.size >= 2 else 0.0
    end = stop * block
    rest = levels[tail[-1]] * np.exp(slope * (stop - tail[-1] - 0.5)) * block / -slope if slope < 0 else 0.0
    left = np.cumsum(energy[:end][::-1])[::-1] + rest
    level_db = 10.0 * np.log10(np.maximum(left / left[0], 1e-30))
    upper, lower = _T20_RANGE_DB
    if level_db[-1] > lower:
        return None
    first, last = np.argmax(level_db <= upper), np.argmax(level_db <= lower)
    if last - first < 2:
        return None
    rate = np.polyfit(np.arange(first, last), level_db[first:last], 1)[0] * sample_rate_hz
    return float(-60.0 / rate)


def octave_reverberation_times_s(impulse_response: np.ndarray, sample_rate_hz: int) -> tuple[float | None, ...]:
    """`reverberation_time_s` in the octaves 250, 500, 1000, 2000 and 4000 Hz."""
    return tuple(reverberation_time_s(impulse_response, sample_rate_hz, band) for band in OCTAVE_BANDS_HZ)

"""Masking of two sounds: their levels by octave where the vocals sing, and the energy that is masked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft

from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

GATE_DB = -30.0
PRESENT_DB = -60.0
"""A band this far below the strongest of its sound is empty: cut off by a codec, a filter or a lower sample rate."""

BARKS = 24
"""Critical bands."""

_BLOCKS_PER_S = 10
_BLOCKS_AT_ONCE = 200
_THRESHOLD_DB = -5.5


def octave_levels_db(vocals: Sound, backing: Sound, centres_hz: np.ndarray) -> np.ndarray | None:
    """Mean square by octave band over the blocks of 100 ms in which there are vocals.

    The bands are Butterworth band-passes of two poles a side with edges half an octave from the centre, applied to the
    blocks' spectra; a block counts if its root mean square is above -30 dB of the vocals' peak.

    Args:
        vocals: the vocals.
        backing: at the same rate; what is longer than the other is left out.
        centres_hz: shape (bands,).

    Returns:
        Levels in dB of vocals and backing, (2, bands), mean of the channels, a full-scale sine -3.01 dB; NaN in
        empty bands; None where no block has vocals and backing in it.

    Raises:
        InputError: if a sample is not a number.

    >>> tone = Sound.of(np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000), 48_000)
    >>> octave_levels_db(tone, tone, np.array([1000.0])).round(2).tolist()
    [[-3.01], [-3.01]]
    """

    def passed(bins_hz: np.ndarray) -> np.ndarray:
        detuning = (bins_hz[:, np.newaxis] ** 2 - centres_hz**2) / (
            np.maximum(bins_hz[:, np.newaxis], 1.0) * centres_hz
        )
        return 1.0 / (1.0 + (detuning * np.sqrt(2.0)) ** 4)

    energies = [
        _block_energies(sound, lambda hz: np.column_stack([passed(hz), np.ones_like(hz)]))
        for sound in (vocals, backing)
    ]
    blocks = min(map(len, energies))
    peak = float(np.abs(vocals.audio).max(initial=0.0))
    sung = energies[0][:blocks, -1] > (peak * 10.0 ** (GATE_DB / 20.0)) ** 2
    if not sung.any():
        return None
    means = np.stack([energy[:blocks][sung].mean(axis=0)[:-1] for energy in energies])
    strongest = means.max(axis=1, keepdims=True)
    if not strongest.all():
        return None
    means[means < strongest * 10.0 ** (PRESENT_DB / 10.0)] = np.nan
    return 10.0 * np.log10(means)


def masked_db(sound: Sound, masker: Sound) -> float | None:
    """Energy of a sound that another masks, relative to all of its energy.

    Blocks of 100 ms, 24 critical bands (`bark`); the masker's energy is spread over them by the function of Schroeder,
    Atal & Hall (JASA 66(6), 1979). What is more than 5.5 dB below that is masked: what noise masks of a tone (Johnston,
    IEEE JSAC 6(2), 1988). A gain of the sound lowers the share, a gain of both leaves it; no threshold in quiet is
    taken into account.

    Args:
        sound: the sound.
        masker: the other, at the same rate; what is longer than the other is left out.

    Returns:
        10 log10 of the share, 0 or below; None where nothing is masked, or there is no sound.

    Raises:
        InputError: if a sample is not a number.

    >>> tone = Sound.of(np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000), 48_000)
    >>> masked_db(tone.gained(-20.0), tone)
    0.0
    >>> masked_db(tone, tone.gained(-20.0)) < -20
    True
    """

    def critical(bins_hz: np.ndarray) -> np.ndarray:
        band = np.clip(np.floor(bark(bins_hz)), 0, BARKS - 1)
        return band[:, np.newaxis] == np.arange(BARKS)

    energy, masking = (_block_energies(each, critical) for each in (sound, masker))
    blocks = min(len(energy), len(masking))
    threshold = masking[:blocks] @ _spreading() * 10.0 ** (_THRESHOLD_DB / 10.0)
    energy = energy[:blocks]
    masked = energy[energy < threshold].sum()
    return float(10.0 * np.log10(masked / energy.sum())) if masked > 0.0 else None


def bark(frequency_hz: Any) -> Any:
    """Critical-band rate of a frequency (Traunmüller, JASA 88(1), 1990); one number, an array or a tensor.

    >>> round(bark(1000.0), 2)
    8.53
    """
    return 26.81 * frequency_hz / (1960.0 + frequency_hz) - 0.53


def _spreading() -> np.ndarray:
    # Row: critical band of the masker; column: the one it reaches.
    distance = np.arange(BARKS) - np.arange(BARKS)[:, np.newaxis] + 0.474
    return 10.0 ** ((15.81 + 7.5 * distance - 17.5 * np.sqrt(1.0 + distance**2)) / 10.0)


def _block_energies(sound: Sound, weights: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Energies of each block of 100 ms in bands, (blocks, bands): mean squares, mean of the channels.

    `weights` gives for the frequencies of the bins, (bins,), how much of each goes to which band, (bins, bands).
    """
    audio, rate_hz = sound.audio, sound.rate_hz
    if not np.isfinite(audio).all():
        raise InputError("the sound holds samples that are not numbers (NaN or infinite)")
    channels, samples = audio.shape
    size = round(rate_hz / _BLOCKS_PER_S)
    blocks = samples // size
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    to_bands = weights(np.arange(size // 2 + 1) * rate_hz / size).astype(np.float32)
    to_bands *= 2.0 / (size * channels * float(window @ window))
    energies = np.zeros((blocks, to_bands.shape[1]))
    pieces = audio[:, : blocks * size].reshape(channels, blocks, size)
    for start in range(0, blocks, _BLOCKS_AT_ONCE):
        part = slice(start, start + _BLOCKS_AT_ONCE)
        spectra = scipy.fft.rfft(pieces[:, part].astype(np.float32, copy=False) * window, axis=-1)
        energies[part] = (spectra.real**2 + spectra.imag**2).sum(axis=0) @ to_bands
    return energies

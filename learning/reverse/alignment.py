"""Where a mix begins among its tracks, and whether it is turned over.

The generalised cross-correlation with phase transform (Knapp and Carter, IEEE Trans. ASSP 24, 1976) of each track with
the mix has a peak one sample wide where the mix holds the track. Squares of all tracks are added, so that neither a
track of the other polarity nor a silent one counts against it.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import scipy.fft
import soxr

from mixprior.mixing.effects.chain import Total
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

RATE_HZ = 11_025
LEAST_LEAD = 1.5
"""Peak over the next highest that is needed: of noise alone it was below 1.2 in 200 draws."""
_AROUND_S = 0.05
_FINE_S = 20.0
_FINE_SAMPLES = 64


def alignment(tracks: Mapping[str, Sound], mix: Sound) -> int:
    """Find the place of a mix among tracks of the same rate.

    Args:
        tracks: by name; read one at a time.
        mix: of their rate.

    Returns:
        Samples by which the mix begins after the tracks; below 0 where it begins before.

    Raises:
        InputError: if the mix holds nothing that the tracks hold.
    """
    longest = max(mix.samples, *(sound.samples for sound in tracks.values())) * RATE_HZ / mix.rate_hz
    size = scipy.fft.next_fast_len(int(longest) * 2 + 64, real=True)
    of_mix = _whitened(_low(mix), size)
    total = np.zeros(size)
    running = Total()
    for sound in tracks.values():
        low = _low(sound)
        if not low.any():
            continue
        total += np.square(scipy.fft.irfft(np.conj(of_mix) * _whitened(low, size), size))
        running.add(sound)
    plain = running.sound().audio
    if not plain.any() or not of_mix.any():
        raise InputError("nothing to take apart: the mix or all tracks are silent")
    place = int(np.argmax(total))
    lag = place if place < size // 2 else place - size
    around = round(_AROUND_S * RATE_HZ)
    highest = float(total[place])
    total[np.arange(place - around, place + around + 1) % size] = 0
    lead = highest / max(float(total.max()), 1e-30)
    if lead < LEAST_LEAD:
        raise InputError(
            "the mix does not hold these tracks, or not at their speed: their correlation has no peak; give the tracks "
            "that it was made of"
        )
    return _fine(plain, mix.audio, round(lag * mix.rate_hz / RATE_HZ), mix.rate_hz)


def _low(sound: Sound) -> np.ndarray:
    return np.asarray(soxr.resample(sound.audio.mean(axis=0), sound.rate_hz, RATE_HZ), np.float32)


def _whitened(audio: np.ndarray, size: int) -> np.ndarray:
    spectrum = scipy.fft.rfft(audio, size)
    magnitude = np.abs(spectrum)
    return np.asarray(spectrum / np.maximum(magnitude, 1e-3 * magnitude.max() + 1e-30))


def _fine(tracks: np.ndarray, mix: np.ndarray, lag: int, rate_hz: int) -> int:
    """The whole sample of the highest correlation near a lag, where most of the mix sounds."""
    length = round(_FINE_S * rate_hz)
    first, last = max(0, -lag), min(mix.shape[1], tracks.shape[1] - lag)
    power = np.cumsum(np.square(mix[:, first:last]).sum(axis=0))
    begin = first
    if last - first > length:
        begin += int(np.argmax(power[length:] - power[:-length]))
    end = min(begin + length, last)
    piece = mix[:, begin:end].mean(axis=0)
    wide = np.zeros(end - begin + 2 * _FINE_SAMPLES, np.float32)
    source = tracks[:, max(begin + lag - _FINE_SAMPLES, 0) : end + lag + _FINE_SAMPLES].mean(axis=0)
    at = max(_FINE_SAMPLES - begin - lag, 0)
    wide[at : at + source.size] = source[: wide.size - at]
    size = scipy.fft.next_fast_len(wide.size, real=True)
    found = scipy.fft.irfft(np.conj(_whitened(piece, size)) * _whitened(wide, size), size)
    return lag + int(np.argmax(np.abs(found[: 2 * _FINE_SAMPLES + 1]))) - _FINE_SAMPLES

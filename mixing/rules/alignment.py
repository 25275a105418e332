"""By how much vocals are late against a backing: measured by what both hold of one sound, as bleed or a guide track.

The generalised cross-correlation with phase transform (Knapp and Carter, IEEE Trans. ASSP 24, 1976) has a peak one
sample wide where two recordings hold the same sound. What vocals and a backing share otherwise, beats and keys, makes
none: rhythm alone leaves an offset ambiguous by beats and is not used.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

from mixprior.stats.sound import Sound

RATE_HZ = 11_025
"""At which sounds are compared: bleed of headphones and rooms has little above 5 kHz."""

LEAST_LEAD = 2.0
"""Peak over the next highest, from which an offset is sure."""

_LOWEST_HZ = 80.0
"""Below are rumble and mains hum, which any two recordings of a room may share."""
_BLOCK_S = 0.05
_PAUSE_DB = 30.0
"""Blocks this far below the loudest twentieth of the vocals are pauses, where only bleed is heard."""
_AROUND_S = 0.05
"""Of a peak, where first reflections are."""
_FADE_S = 0.1
_LEAST_S = 1.0
"""Of pauses, to be compared by themselves."""


@dataclass(frozen=True)
class Alignment:
    """An offset and how sure it is.

    Attributes:
        offset_s: seconds by which the vocals are to start later, so that they stand where the backing has them.
        lead: the peak of the correlation over the highest outside of 50 ms around it; 1 says nothing.
    """

    offset_s: float
    lead: float

    @property
    def is_sure(self) -> bool:
        """Whether the peak is one that unrelated sounds do not have."""
        return self.lead >= LEAST_LEAD


def alignment(vocals: Sound, backing: Sound) -> Alignment | None:
    """Find the offset of vocals; None where one of the two is silent.

    The vocals are compared whole, by which a guide track in the backing is found, and in their pauses, where their
    bleed of the backing is heard; the clearer peak counts.

    >>> rng = np.random.default_rng(1)
    >>> backing = Sound(rng.standard_normal((1, 22_050)).astype(np.float32), 11_025)
    >>> late = Sound(backing.audio[:, 1_000:], 11_025)
    >>> round(alignment(late, backing).offset_s * 11_025)
    1000
    """
    voice, band = (_faded(_mono(sound)) for sound in (vocals, backing))
    if not voice.any() or not band.any():
        return None
    size = scipy.fft.next_fast_len(voice.size + band.size, real=True)
    spectrum = _whitened(band, size)
    found = [_peak(each, spectrum, size, band.size) for each in (voice, _pauses(voice)) if each is not None]
    return max(found, key=lambda each: each.lead)


def _mono(sound: Sound) -> np.ndarray:
    return np.asarray(sound.at(RATE_HZ).audio.mean(axis=0), np.float32)


def _faded(audio: np.ndarray) -> np.ndarray:
    """A sound without the edges of its file, which would be a sound of their own."""
    ramp = np.linspace(0, 1, min(round(_FADE_S * RATE_HZ), audio.size // 2), dtype=np.float32)
    audio[: ramp.size] *= ramp
    audio[audio.size - ramp.size :] *= ramp[::-1]
    return audio


def _pauses(voice: np.ndarray) -> np.ndarray | None:
    """The vocals where nobody sings; None where that is too little. Digital silence counts as nothing."""
    size = round(_BLOCK_S * RATE_HZ)
    blocks = voice[: voice.size // size * size].reshape(-1, size)
    energy = np.square(blocks, dtype=np.float64).mean(axis=1)
    if not energy.any():
        return None
    quiet = energy < np.quantile(energy[energy > 0], 0.95) * 10 ** (-_PAUSE_DB / 10)
    near = np.convolve(~quiet, np.ones(3), "same") > 0  # not the ends of notes
    kept = quiet & ~near
    if np.count_nonzero(kept & (energy > 0)) * _BLOCK_S < _LEAST_S:
        return None
    out = np.zeros_like(voice)
    # All as loud, or a click would be the pauses' only sound.
    level = np.sqrt(np.where(kept & (energy > 0), energy, np.inf))
    out[: blocks.size] = (blocks / level[:, np.newaxis]).reshape(-1)
    return out


def _whitened(audio: np.ndarray, size: int) -> np.ndarray:
    spectrum = scipy.fft.rfft(audio, size)
    magnitude = np.abs(spectrum)
    magnitude[magnitude == 0] = 1
    spectrum /= magnitude
    spectrum[: int(_LOWEST_HZ / RATE_HZ * size)] = 0
    return spectrum


def _peak(voice: np.ndarray, spectrum: np.ndarray, size: int, band_samples: int) -> Alignment:
    found = scipy.fft.irfft(np.conj(_whitened(voice, size)) * spectrum, size)
    found = np.abs(found)  # a microphone may be of the other polarity
    place = int(np.argmax(found))
    highest = float(found[place])
    around = round(_AROUND_S * RATE_HZ)
    found[np.arange(place - around, place + around + 1) % size] = 0
    lag = place if place < band_samples else place - size
    return Alignment(lag / RATE_HZ, highest / max(float(found.max()), 1e-12))

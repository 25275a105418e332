"""What settings leave of a mix: the very rendering of `mixprior mix`, taken from it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import scipy.fft

from mixprior.learning.reverse.material import Material
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import MixSettings
from mixprior.stats.sound import Sound

OCTAVES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16_000.0)
_LEAST_DB = -120.0


@dataclass(frozen=True)
class Residual:
    """Energy of what is left over that of the mix.

    Attributes:
        db: over all.
        by_octave_db: by centre in Hz; None where the mix holds nothing.
    """

    db: float
    by_octave_db: dict[float, float | None]


def rendered(material: Material, settings: MixSettings, turned: Collection[str]) -> np.ndarray:
    """What settings make of the tracks, float32, (2, samples); some with the other polarity."""
    total = np.zeros_like(material.mix)
    for name, audio in zip(material.names, material.tracks, strict=True):
        made = chain.process(settings.tracks[name], Sound(audio, material.rate_hz)).audio
        total += -made if name in turned else made
    return total


def residual(material: Material, settings: MixSettings, turned: Collection[str]) -> Residual:
    """Render the settings and compare."""
    left = material.mix - rendered(material, settings, turned)
    bins = material.frame // 2 + 1
    hz = np.arange(bins) * material.rate_hz / material.frame
    power = np.zeros((2, bins))
    for start in material.starts:
        for row, sound in zip(power, (left, material.mix), strict=True):
            row += np.square(np.abs(material.spectra(sound, int(start), bins))).sum(axis=0)
    by_octave = {}
    for centre in OCTAVES_HZ:
        inside = (hz >= centre / 2**0.5) & (hz < centre * 2**0.5)
        part, whole = power[:, inside].sum(axis=1)
        by_octave[centre] = _db(part, whole) if whole > 1e-12 * power[1].sum() else None
    return Residual(_db(*power.sum(axis=1)), by_octave)


def _db(part: float, whole: float) -> float:
    return float(max(10 * np.log10(max(part, 1e-30) / whole), _LEAST_DB))


def advanced(audio: np.ndarray, samples: float) -> np.ndarray:
    """A sound earlier by a part of a sample, (2, samples), by its spectrum."""
    size = scipy.fft.next_fast_len(audio.shape[1] + 256, real=True)
    turn = np.exp(2j * np.pi * np.arange(size // 2 + 1) / size * samples)
    return np.asarray(scipy.fft.irfft(scipy.fft.rfft(audio, size) * turn, size)[:, : audio.shape[1]], np.float32)

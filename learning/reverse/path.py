"""The direct path of a track: gain, pan and equaliser, as numbers that can be fitted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mixprior.mixing.effects.gain import NEPERS_PER_DB
from mixprior.mixing.effects.panner import gains as pan_gains
from mixprior.mixing.effects.settings import Band
from mixprior.stats import biquad

BAND_NUMBERS = 3
"""Of a band: octaves above 1 kHz, gain in dB, log2 of Q."""
LEVEL_NUMBERS = 2
"""Of a path without bands: gain in dB, position of the pan."""
PAN_EDGE = 1e-3
LOWS = np.array([-6.0, -20.0, -2.0])
HIGHS = np.array([4.3, 20.0, 4.0])
_STEP = 1e-4


@dataclass(frozen=True)
class Path:
    """The direct path of a track.

    Attributes:
        gain_db: gain.
        pan: position, 0 left, 1 right, constant power.
        bands: of the equaliser.
        turned: whether the polarity is the other one.
    """

    gain_db: float = 0.0
    pan: float = 0.5
    bands: tuple[Band, ...] = ()
    turned: bool = False

    @property
    def numbers(self) -> np.ndarray:
        """Gain in dB, pan, and three numbers a band."""
        of_bands = [
            each for b in self.bands for each in (np.log2(b.frequency_hz / 1000), b.gain_db, np.log2(b.q))
        ]  # fmt: skip
        return np.array([self.gain_db, self.pan, *of_bands])

    def moved(self, numbers: np.ndarray) -> Path:
        """The path with other numbers, each kept within what effects take."""
        bands = []
        for kind, three in zip(self.kinds, numbers[LEVEL_NUMBERS:].reshape(-1, BAND_NUMBERS), strict=True):
            octaves, gain_db, log_q = np.clip(three, LOWS, HIGHS)
            bands.append(Band(kind, float(1000 * 2**octaves), float(gain_db), float(2**log_q)))
        pan = float(np.clip(numbers[1], PAN_EDGE, 1 - PAN_EDGE))
        return replace(self, gain_db=float(numbers[0]), pan=pan, bands=tuple(bands))

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of the bands."""
        return tuple(band.kind for band in self.bands)

    def sides(self) -> np.ndarray:
        """Gain of both channels without the equaliser, linear, (2,)."""
        sign = -1.0 if self.turned else 1.0
        return sign * 10 ** (self.gain_db / 20) * np.array(pan_gains(self.pan, "constant power"))

    def gains(self, frequencies_hz: np.ndarray, rate_hz: float) -> np.ndarray:
        """Complex gain of both channels at frequencies, (frequencies, 2)."""
        return response(self.bands, frequencies_hz, rate_hz)[:, None] * self.sides()

    def slopes(self, frequencies_hz: np.ndarray, rate_hz: float) -> np.ndarray:
        """Derivatives of `gains` by the numbers, complex128, (numbers, frequencies, 2)."""
        parts = [response([band], frequencies_hz, rate_hz) for band in self.bands]
        all_bands = np.prod(parts, axis=0) if parts else np.ones(len(frequencies_hz), np.complex128)
        whole = all_bands[:, None] * self.sides()
        angle, level = np.pi / 2 * self.pan, float(np.hypot(*self.sides())) * (-1.0 if self.turned else 1.0)
        turned = level * np.pi / 2 * np.array([-np.sin(angle), np.cos(angle)])
        found = [whole * NEPERS_PER_DB, all_bands[:, None] * turned]
        numbers = self.numbers[LEVEL_NUMBERS:].reshape(-1, BAND_NUMBERS)
        for kind, three, part in zip(self.kinds, numbers, parts, strict=True):
            for k in range(BAND_NUMBERS):
                up, down = (_band(kind, three + step * np.eye(3)[k]) for step in (_STEP, -_STEP))
                change = response([up], frequencies_hz, rate_hz) - response([down], frequencies_hz, rate_hz)
                found.append(whole * (change / (2 * _STEP) / part)[:, None])
        return np.stack(found)


def _band(kind: str, three: np.ndarray) -> Band:
    return Band(kind, float(1000 * 2 ** three[0]), float(three[1]), float(2 ** three[2]))


def response(bands: Sequence[Band], frequencies_hz: np.ndarray, rate_hz: float) -> np.ndarray:
    """Complex gain of bands in series, complex128, shape of the frequencies.

    >>> bool(abs(response([Band("peak", 1000.0, 6.0, 1.0)], np.array([1000.0]), 44_100)[0] - 10 ** 0.3) < 1e-9)
    True
    """
    found = np.ones(np.shape(frequencies_hz), np.complex128)
    if not bands:
        return found
    powers = _powers(np.asarray(frequencies_hz, np.float64).tobytes(), rate_hz)
    for band in bands:
        b0, b1, b2, a1, a2 = _DESIGNS[band.kind](band.frequency_hz, band.q, 10 ** (band.gain_db / 20), rate_hz)
        found *= ((np.array([b0, b1, b2]) @ powers) / (np.array([1.0, a1, a2]) @ powers)).reshape(found.shape)
    return found


@lru_cache(maxsize=8)
def _powers(frequencies_hz: bytes, rate_hz: float) -> np.ndarray:
    """Powers 0 to 2 of z^-1, complex128, (3, frequencies)."""
    z = np.exp(-2j * np.pi * np.frombuffer(frequencies_hz) / rate_hz)
    return np.stack([np.ones_like(z), z, z * z])


_DESIGNS: dict[str, Callable[..., np.ndarray]] = {
    "low shelf": biquad.low,
    "high shelf": biquad.high,
    "peak": biquad.peak,
}

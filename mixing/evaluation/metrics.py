"""What a mix is judged by: figures of sounds, and of which sounds of a mix each metric takes them.

Every figure is compared with that of the original mix or of its parts, never with the priors a mixer works by. The
percentages of `automix_metrics` are what papers report; they depend on where a scale has its zero (a peak of -0.1 dBFS
instead of -0.3 is 67 % off), so decisions rest on the distances in LU and dB.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mixprior.mixing.evaluation import automix_metrics
from mixprior.stats.measures.dynamics import crest_factor_db
from mixprior.stats.measures.panning import mid_energy_fraction, pan_position, sps_rms
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.sound import Sound

Value = np.ndarray | float | None
"""A figure of a sound; None where it cannot be measured."""

_BANDS = (BAND_CENTRES_HZ > 60) & (BAND_CENTRES_HZ < 13_000)


def integrated_lufs(sound: Sound) -> Value:
    """Integrated loudness (BS.1770-5)."""
    return sound.integrated_lufs


def bands_db(sound: Sound) -> Value:
    """Third-octave levels about their own mean: a spectrum's shape, whatever its level."""
    if sound.silent:
        return None
    levels_db = third_octave_db(sound.spectra.power)[_BANDS]
    return levels_db - np.nanmean(levels_db)


def panning(sound: Sound) -> Value:
    """Root mean square of 1 - phi in four bands; NaN in one without sound."""
    return np.array([np.nan if share is None else share for share in sps_rms(sound.audio).values()])


def crest_db(sound: Sound) -> Value:
    """Crest factor."""
    return None if sound.silent else crest_factor_db(sound.audio)


def range_lu(sound: Sound) -> Value:
    """Loudness range of 100 ms levels."""
    return sound.loudness_range_100ms_lu


def onset_peaks_db(sound: Sound) -> Value:
    """Mean of the loudest onset peaks, with the peak of the sound as reference."""
    return None if sound.onset_peaks_db is None else sound.onset_peaks_db[0]


def mid_fraction(sound: Sound) -> Value:
    """Share of the energy of (L + R) / 2 in that of mid and side."""
    return None if sound.silent else mid_energy_fraction(*sound.energies)


def position(sound: Sound) -> Value:
    """Place from 0 left to 1 right."""
    left, right, _ = sound.energies
    return None if sound.silent else pan_position(left, right)


def wet_dry_db(sound: Sound) -> Value:
    """Wet to dry energy by the blind estimate."""
    found = blind.estimate(sound.audio)
    return None if found is None else found.wet_dry_db


@dataclass(frozen=True)
class Metric:
    """An absolute difference to the original; 0 is best.

    Attributes:
        name: with the unit at its end.
        definition: what it is, in a phrase.
        figure: what is measured of a sound.
        of: the mix, its vocals, or each of its parts, over which the mean of the differences is taken.
        against: what the figure is taken relative to: the sum of all parts, or the backing; None for nothing.
    """

    name: str
    definition: str
    figure: Callable[[Sound], Value]
    of: Literal["mix", "vocals", "parts"]
    against: Literal["sum", "backing"] | None = None


_LOUDNESS = Metric("loudness_lu", "integrated loudness of the mix", integrated_lufs, "mix")
_SPECTRUM = Metric("spectrum_db", "third octaves of the mix, 63 Hz to 12.5 kHz, mean of |difference|", bands_db, "mix")
_CREST = Metric("crest_db", "crest factor of the mix", crest_db, "mix")
_PANNING = Metric("panning", "root mean square of 1 - phi, mean over four bands of the mix", panning, "mix")
_WET = Metric("vocals_wet_db", "wet to dry energy of the vocals, both by the blind estimate", wet_dry_db, "vocals")

PAIR_METRICS = (
    Metric("balance_lu", "integrated loudness of the vocals minus that of the backing",
           integrated_lufs, "vocals", "backing"),
    _LOUDNESS,
    _SPECTRUM,
    Metric("vocals_spectrum_db", "the same of the vocals", bands_db, "vocals"),
    Metric("vocals_range_lu", "loudness range of the vocals, of 100 ms levels", range_lu, "vocals"),
    _CREST,
    _WET,
    Metric("vocals_position", "place of the vocals from 0 left to 1 right", position, "vocals"),
    _PANNING,
)  # fmt: skip
TRACK_METRICS = (
    Metric("class_lu", "integrated loudness of a class minus that of the sum of all, mean over the classes",
           integrated_lufs, "parts", "sum"),
    _LOUDNESS,
    _SPECTRUM,
    Metric("class_spectrum_db", "the same of a class, mean over the classes", bands_db, "parts"),
    Metric("class_peaks_db", "mean of a class's loudest onset peaks relative to its peak, mean over the classes",
           onset_peaks_db, "parts"),
    _CREST,
    Metric("class_mid", "share of mid energy of a class, mean over the classes", mid_fraction, "parts"),
    _PANNING,
    _WET,
)  # fmt: skip

SHARES = {f"mape_{name}": f"{automix_metrics.VERSION}: {name}, share" for name in automix_metrics.CATEGORIES}
MAPE = "mape"
"""The mean of `SHARES`."""


def names(metrics: tuple[Metric, ...]) -> list[str]:
    """Names of all distances of a judge by these metrics."""
    return [*(metric.name for metric in metrics), *SHARES, MAPE]

"""How far a mix is from the original: absolute distances of what is heard and measured, and the community's set.

Everything is held against the original mix and the original sounds, never against the priors a mixer works by. The
percentages of `automix_metrics` are what papers report; they depend on where a scale has its zero (a peak of -0.1 dBFS
instead of -0.3 is 67 % off), so that decisions rest on the distances in LU and dB.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np

from mixprior.stats import loudness_blocks
from mixprior.stats.long_term_spectra import measure as long_term_spectra
from mixprior.stats.measures.dynamics import crest_factor_db
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu
from mixprior.stats.measures.panning import energies, pan_position, sps_rms
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import automix_metrics

METRICS = {
    "balance_lu": "vocal to backing: integrated loudness of the voice minus that of the backing",
    "loudness_lu": "integrated loudness of the mix",
    "spectrum_db": "third octaves of the mix, 63 Hz to 12.5 kHz, mean of |difference|",
    "voice_spectrum_db": "the same of the voice",
    "voice_range_lu": "loudness range of the voice, of 100 ms levels",
    "crest_db": "crest factor of the mix",
    "voice_wet_db": "wet to dry energy of the voice, both by the blind estimate",
    "voice_position": "place of the voice from 0 left to 1 right",
    "panning": "root mean square of 1 - phi, mean over four bands of the mix",
    **{f"mape_{name}": f"automix-toolkit: {name}, share" for name in automix_metrics.CATEGORIES},
    "mape": "automix-toolkit: mean of the four",
}
"""Absolute differences to the original; 0 is best."""

_BANDS = (BAND_CENTRES_HZ > 60) & (BAND_CENTRES_HZ < 13_000)


@dataclass(frozen=True)
class Sounds:
    """A mix and what it was made of.

    Attributes:
        mix: float32, (2, samples), 44.1 kHz.
        voice: as it is in the mix, but for what is done to the mix as a whole.
        backing: likewise.
    """

    mix: np.ndarray = field(repr=False)
    voice: np.ndarray = field(repr=False)
    backing: np.ndarray = field(repr=False)

    @classmethod
    def summed(cls, voice: np.ndarray, backing: np.ndarray) -> Sounds:
        """The two as they are."""
        return cls(voice + backing, voice, backing)


class Judge:
    """Measures distances to one original.

    What the original itself measures is kept, and the distances of every mix so far: many systems make the same one,
    because a step has nothing to do.

    Args:
        original: the mix to come near, with its sounds.
    """

    def __init__(self, original: Sounds) -> None:
        self.original = _measure(original)
        self.features = automix_metrics.features(original.mix)
        self._known: dict[bytes, dict[str, float | None]] = {}

    def distances(self, sounds: Sounds) -> dict[str, float | None]:
        """Distances of a mix, by the names of `METRICS`; None where one of the two cannot be measured."""
        digest = hashlib.blake2b()
        for sound in (sounds.mix, sounds.voice, sounds.backing):
            digest.update(np.ascontiguousarray(sound).data)
        key = digest.digest()
        if key not in self._known:
            self._known[key] = self._distances(sounds)
        return self._known[key]

    def _distances(self, sounds: Sounds) -> dict[str, float | None]:
        measured = _measure(sounds)
        shares = automix_metrics.mape(self.features, automix_metrics.features(sounds.mix))
        return {
            **{name: distance(measured[name], self.original[name]) for name in measured},
            **{f"mape_{name}": share for name, share in shares.items()},
            "mape": float(np.mean([share for share in shares.values() if share is not None])),
        }


def _measure(sounds: Sounds) -> dict[str, np.ndarray | float | None]:
    mix, voice, backing = (
        loudness_blocks.measure(sound, SAMPLE_RATE_HZ).weighted for sound in (sounds.mix, sounds.voice, sounds.backing)
    )
    voice_lufs, backing_lufs = integrated_lufs(voice), integrated_lufs(backing)
    left, right, _ = energies(sounds.voice)
    reverb = blind.estimate(sounds.voice)
    silent = voice_lufs is None
    return {
        "balance_lu": None if voice_lufs is None or backing_lufs is None else voice_lufs - backing_lufs,
        "loudness_lu": integrated_lufs(mix),
        "spectrum_db": bands_db(sounds.mix),
        "voice_spectrum_db": None if silent else bands_db(sounds.voice),
        "voice_range_lu": loudness_range_100ms_lu(voice),
        "crest_db": crest_factor_db(sounds.mix),
        "voice_wet_db": None if reverb is None else reverb.wet_dry_db,
        "voice_position": None if silent else pan_position(left, right),
        "panning": panning(sounds.mix),
    }


def bands_db(audio: np.ndarray) -> np.ndarray:
    """Third-octave levels about their own mean: a spectrum's shape, whatever its level."""
    bands_db = third_octave_db(long_term_spectra(audio).power)[_BANDS]
    return bands_db - np.nanmean(bands_db)


def panning(audio: np.ndarray) -> np.ndarray:
    """Root mean square of 1 - phi in four bands; NaN in one without sound."""
    return np.array([np.nan if share is None else share for share in sps_rms(audio).values()])


def distance(measured: np.ndarray | float | None, original: np.ndarray | float | None) -> float | None:
    """Mean absolute difference; None where one of the two could not be measured."""
    if measured is None or original is None:
        return None
    off = np.abs(np.subtract(measured, original))
    return float(np.nanmean(off)) if np.isfinite(off).any() else None

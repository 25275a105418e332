"""How far the mix of a band is from the original: absolute distances of the mix and of its classes of tracks."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from mixprior.stats import loudness_blocks
from mixprior.stats.measures.dynamics import crest_factor_db, onset_peaks_db
from mixprior.stats.measures.loudness import difference, integrated_lufs
from mixprior.stats.measures.panning import energies, mid_energy_fraction
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import automix_metrics
from tests.mixing.evaluation.metrics import bands_db, distance, panning
from tools.songs.calibration_truth import total

METRICS = {
    "class_lu": "integrated loudness of a class minus that of the sum of all, mean over the classes",
    "loudness_lu": "integrated loudness of the mix",
    "spectrum_db": "third octaves of the mix, 63 Hz to 12.5 kHz, mean of |difference|",
    "class_spectrum_db": "the same of a class, mean over the classes",
    "class_peaks_db": "mean of a class's loudest onset peaks, its peak being given, mean over the classes",
    "crest_db": "crest factor of the mix",
    "class_mid": "share of mid energy of a class, mean over the classes",
    "panning": "root mean square of 1 - phi, mean over four bands of the mix",
    "voice_wet_db": "wet to dry energy of the voices, both by the blind estimate",
    **{f"mape_{name}": f"automix-toolkit: {name}, share" for name in automix_metrics.CATEGORIES},
    "mape": "automix-toolkit: mean of the four",
}
"""Absolute differences to the original; 0 is best. A mean over classes is the mean of their absolute differences."""


@dataclass(frozen=True)
class BandSounds:
    """A mix and what it was made of.

    Attributes:
        mix: float32, (2, samples), 44.1 kHz.
        classes: the same by class, as they are in the mix, but for what is done to the mix as a whole.
    """

    mix: np.ndarray = field(repr=False)
    classes: Mapping[str, np.ndarray] = field(repr=False)

    @classmethod
    def summed(cls, classes: Mapping[str, np.ndarray]) -> BandSounds:
        """The classes as they are."""
        return cls(total(classes.values()), classes)


Measured = Mapping[str, Any]
"""A number or an array for each metric, or None."""


class BandJudge:
    """Measures distances to one original.

    What sounds measure is kept: in many systems a class is the same, because a step has nothing to do with it.

    Args:
        original: the mix to come near, with its classes.
    """

    def __init__(self, original: BandSounds) -> None:
        self._features = automix_metrics.features(original.mix)
        self._known: dict[tuple[str, bytes], Measured] = {}
        self._original = self._measure(original)

    def distances(self, sounds: BandSounds) -> dict[str, float | None]:
        """Distances of a mix, by the names of `METRICS`; None where nothing could be measured in both."""
        found = {
            name: _mean(distance(*pair) for pair in zip(values, self._original[name], strict=True))
            for name, values in self._measure(sounds).items()
        }
        shares = self._kept(self._shares, sounds.mix)
        return {**found, **shares, "mape": _mean(shares.values())}

    def _measure(self, sounds: BandSounds) -> dict[str, list[Any]]:
        """By metric: what each class measures, or the mix, or the voices."""
        whole_lufs = _lufs(total(sounds.classes.values()))
        classes = [self._kept(_of_class, audio) for audio in sounds.classes.values()]
        voices = [self._kept(_of_voice, sounds.classes[role]) for role in sounds.classes if role == "vocals"]
        found = {name: [each[name] for each in classes] for name in classes[0]}
        found["class_lu"] = [difference(lufs, whole_lufs) for lufs in found["class_lu"]]
        found |= {name: [value] for name, value in self._kept(_of_mix, sounds.mix).items()}
        return {**found, "voice_wet_db": [each["voice_wet_db"] for each in voices]}

    def _shares(self, mix: np.ndarray) -> Measured:
        shares = automix_metrics.mape(self._features, automix_metrics.features(mix))
        if shares["panning"] is None and np.isfinite(self._features["panning total"]).any():
            shares["panning"] = 1.0  # A mono mix of what was wide: its 1 - phi is 0.
        return {f"mape_{name}": share for name, share in shares.items()}

    def _kept(self, measure: Callable[[np.ndarray], Measured], audio: np.ndarray) -> Measured:
        key = measure.__name__, digest(audio)
        if key not in self._known:
            self._known[key] = measure(audio)
        return self._known[key]


def digest(audio: np.ndarray) -> bytes:
    """What tells sounds apart."""
    return hashlib.sha1(np.ascontiguousarray(audio).data, usedforsecurity=False).digest()


def _of_class(audio: np.ndarray) -> Measured:
    lufs = _lufs(audio)
    if lufs is None:
        return dict.fromkeys(("class_lu", "class_spectrum_db", "class_peaks_db", "class_mid"))
    peaks_db = onset_peaks_db(audio)
    return {
        "class_lu": lufs,
        "class_spectrum_db": bands_db(audio),
        "class_peaks_db": None if peaks_db is None else peaks_db[0],
        "class_mid": mid_energy_fraction(*energies(audio)),
    }


def _of_mix(audio: np.ndarray) -> Measured:
    return {
        "loudness_lu": _lufs(audio),
        "spectrum_db": bands_db(audio),
        "crest_db": crest_factor_db(audio),
        "panning": panning(audio),
    }


def _of_voice(audio: np.ndarray) -> Measured:
    reverb = blind.estimate(audio)
    return {"voice_wet_db": None if reverb is None else reverb.wet_dry_db}


def _lufs(audio: np.ndarray) -> float | None:
    return integrated_lufs(loudness_blocks.measure(audio, SAMPLE_RATE_HZ).weighted)


def _mean(distances: Iterable[float | None]) -> float | None:
    known = [each for each in distances if each is not None]
    return float(np.mean(known)) if known else None

"""How far a mix is from the original."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from weakref import WeakKeyDictionary

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.evaluation import automix_metrics
from mixprior.mixing.evaluation.metrics import MAPE, Metric, Value
from mixprior.mixing.evaluation.scenes import Mixed
from mixprior.stats.sound import Sound


class Judge:
    """Measures distances to one original.

    What a sound measures is kept by its samples: many systems make the same sound, because a step has nothing to do
    with it. The sounds are not kept.

    Args:
        original: the mix to come near, with its parts.
        metrics: `PAIR_METRICS` or `TRACK_METRICS`.
    """

    def __init__(self, original: Mixed, metrics: Sequence[Metric]) -> None:
        self.metrics = metrics
        self._features = automix_metrics.features(original.mix.audio)
        self._digests: WeakKeyDictionary[Sound, bytes] = WeakKeyDictionary()
        self._figures: dict[tuple[str, bytes], Value] = {}
        self._shares: dict[bytes, Mapping[str, float | None]] = {}
        self._original = self._measure(original)

    def distances(self, mixed: Mixed) -> dict[str, float | None]:
        """Distances of a mix, by `metrics.names`; None where the figure of the mix or of the original is missing."""
        found = {
            name: _mean(distance(*pair) for pair in zip(values, self._original[name], strict=True))
            for name, values in self._measure(mixed).items()
        }
        shares = self._shares_of(mixed.mix)
        return {**found, **shares, MAPE: _mean(shares.values())}

    def _measure(self, mixed: Mixed) -> dict[str, list[Value]]:
        """By metric: the figure of each sound it takes."""
        vocals = [sound for role, sound in mixed.parts.items() if role == VOCALS]
        taken = {"mix": [mixed.mix], "parts": list(mixed.parts.values()), "vocals": vocals}
        found = {}
        for metric in self.metrics:
            values = [self._figure(metric, sound) for sound in taken[metric.of]]
            if metric.against is not None:
                reference = mixed.parts[BACKING] if metric.against == "backing" else Sound.sum(mixed.parts.values())
                values = [_difference(value, self._figure(metric, reference)) for value in values]
            found[metric.name] = values
        return found

    def _figure(self, metric: Metric, sound: Sound) -> Value:
        key = metric.figure.__name__, self._digest(sound)
        if key not in self._figures:
            self._figures[key] = metric.figure(sound)
        return self._figures[key]

    def _shares_of(self, mix: Sound) -> Mapping[str, float | None]:
        key = self._digest(mix)
        if key not in self._shares:
            shares = automix_metrics.mape(self._features, automix_metrics.features(mix.audio))
            if shares["panning"] is None and np.isfinite(self._features["panning total"]).any():
                shares["panning"] = 1.0  # A mono mix of a wide original: its 1 - phi is 0.
            self._shares[key] = {f"mape_{name}": share for name, share in shares.items()}
        return self._shares[key]

    def _digest(self, sound: Sound) -> bytes:
        if sound not in self._digests:
            samples = np.ascontiguousarray(sound.audio).data
            self._digests[sound] = hashlib.sha1(samples, usedforsecurity=False).digest()
        return self._digests[sound]


def distance(measured: Value, original: Value) -> float | None:
    """Mean absolute difference; None where one of the two could not be measured."""
    if measured is None or original is None:
        return None
    off = np.abs(np.subtract(measured, original))
    return float(np.nanmean(off)) if np.isfinite(off).any() else None


def _difference(value: Value, reference: Value) -> Value:
    return None if value is None or reference is None else value - reference


def _mean(distances: Iterable[float | None]) -> float | None:
    known = [each for each in distances if each is not None]
    return float(np.mean(known)) if known else None

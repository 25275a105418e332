"""How far a mix is from the original."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

import numpy as np

from mixprior.mixing.evaluation import automix_metrics
from mixprior.mixing.evaluation.metrics import MAPE, METRICS, Value
from mixprior.mixing.evaluation.scenes import Mixed


class Judge:
    """Measures distances to one original.

    Args:
        original: the mix to come near, with its parts.
    """

    def __init__(self, original: Mixed) -> None:
        self._original = original
        self._figures: dict[str, Sequence[Value]] = {}

    def distances(self, mixed: Mixed, names: Sequence[str]) -> dict[str, float | None]:
        """Distances of a mix by these names of `metrics.NAMES`; None where a figure of either is missing."""
        return {name: self._percentages(mixed) if name == MAPE else self._distance(mixed, name) for name in names}

    def _distance(self, mixed: Mixed, name: str) -> float | None:
        figures = METRICS[name].figures
        if name not in self._figures:
            self._figures[name] = figures(self._original)
        return _mean(distance(*pair) for pair in zip(figures(mixed), self._figures[name], strict=True))

    def _percentages(self, mixed: Mixed) -> float | None:
        shares = automix_metrics.mape(self._features, automix_metrics.features(mixed.mix.audio))
        if shares["panning"] is None and np.isfinite(self._features["panning total"]).any():
            shares["panning"] = 1.0  # A mono mix of a wide original: its 1 - phi is 0.
        return _mean(shares.values())

    @cached_property
    def _features(self) -> automix_metrics.Features:
        return automix_metrics.features(self._original.mix.audio)


def distance(measured: Value, original: Value) -> float | None:
    """Mean absolute difference; None where one of the two could not be measured."""
    if measured is None or original is None:
        return None
    off = np.abs(np.subtract(measured, original))
    return float(np.nanmean(off)) if np.isfinite(off).any() else None


def _mean(distances: Iterable[float | None]) -> float | None:
    known = [each for each in distances if each is not None]
    return float(np.mean(known)) if known else None

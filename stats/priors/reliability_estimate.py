"""Estimates the reliability of statistics of separated stems, with its interval."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from scipy import special

from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.interval import LEVEL
from mixprior.stats.priors.reliability import LEAST_SOURCES, Reliability
from mixprior.stats.priors.separation_errors import SeparationError, SeparationErrors, bands_of

_DIGITS = 4


def reliability(mean_square: float, bias: float, sources: int, variance: float, n: int) -> tuple[float, float, float]:
    """Estimate a reliability with its 95 % interval.

    Measured values vary by the songs' own spread and by the scatter of the errors, so that spread^2 is the measured
    variance less that scatter, and 1 - reliability = mean squared error / (measured variance + bias^2). For normal
    values and errors without bias the estimate of that ratio is its true value times one that is F distributed, with
    as many degrees of freedom as there are sources and songs less one: the interval covers 95 %, more where there
    is a bias, and less where errors have heavy tails.

    Args:
        mean_square: mean squared error over sources.
        bias: mean error.
        sources: independent sources, at least 2.
        variance: of the measured values over songs of a catalog.
        n: these songs, at least 2.

    >>> [round(value, 2) for value in reliability(1.0, 0.0, 12, 4.0, 30)]
    [0.75, 0.26, 0.9]
    """
    scatter = max(mean_square - bias**2, 0.0) * sources / (sources - 1)
    squared_bias = max(bias**2 - scatter / sources, 0.0)
    whole = variance + squared_bias
    if whole <= 0.0:
        return (1.0, 1.0, 1.0) if mean_square <= 0.0 else (0.0, 0.0, 0.0)
    ratio = mean_square / whole
    low, high = (ratio / special.fdtri(sources, n - 1, q) for q in ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    estimate, least, most = (float(np.clip(1.0 - value, 0.0, 1.0)) for value in (ratio, low, high))
    return estimate, least, most


def reliabilities(digest: Digest, errors: SeparationErrors) -> tuple[Reliability, ...]:
    """Hold the spread of a catalog's songs against the errors of its separation, for all that both have."""
    spreads = _spreads(digest, errors.errors)
    found = []
    for error in errors.errors:
        variance, n = spreads.get((error.stem, error.statistic, error.hz), (np.nan, 0))
        if n >= 2:
            found.append(_of(error, variance, n))
    return tuple(found)


def _of(error: SeparationError, variance: float, n: int) -> Reliability:
    value = low = high = None
    if error.sources >= LEAST_SOURCES:
        numbers = reliability(error.mean_square, error.bias, error.sources, variance, n)
        value, low, high = (round(number, _DIGITS) for number in numbers)
    return Reliability(error.stem, error.statistic, error.hz, value, low, high, error.sources, error.songs)


def fits(facts: Mapping[str, Any], errors: SeparationErrors) -> bool:
    """Whether songs, measured as `facts` of a run say, were separated by the model whose errors these are."""
    same = ("weights_sha256", "feature_version")
    return facts.get("stems") == "separated" and all(facts.get(name) == getattr(errors, name) for name in same)


def _spreads(
    digest: Digest, errors: Iterable[SeparationError]
) -> dict[tuple[str, str, float | None], tuple[float, int]]:
    """Variance over songs, mean over the bins of a band, and the songs of its best known bin."""
    wanted = {(error.stem, error.statistic) for error in errors}
    found: dict[tuple[str, str, float | None], tuple[float, int]] = {}
    for curves in (False, True):
        summary = digest.summary(curves)
        if summary is None:
            continue
        variance, n, start = summary.sd() ** 2, summary.n, 0
        for cell in digest.cells:
            if cell.is_curve != curves:
                continue
            if cell.key in wanted:
                for hz, bins in bands_of(cell.column):
                    known = np.isfinite(variance[start + bins])
                    if known.any():
                        of_band = variance[start + bins][known]
                        found[(cell.stem, cell.column.name, hz)] = float(of_band.mean()), int(n[start + bins].max())
            start += cell.bins
    return found

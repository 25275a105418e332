"""Fitting corrections for the bias of separation: songs measured on true stems and on separated ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numba
import numpy as np
import pyarrow as pa
from scipy import special

from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.priors.calibration import KINDS, Correction
from mixprior.stats.priors.separation_errors import OF_SEPARATION, counted
from mixprior.stats.registry import COLUMNS

MIN_FOLDS = 3
"""Sources below which a statistic is not judged."""
MIN_SOURCES_OF_LINE = 8
"""Sources below which single songs are not corrected."""

_MAX_FOLDS = 10
_HUBER = 1.345
"""Scaled residuals beyond this count less: 95 % efficiency for a normal distribution (Huber 1981, chapter 7)."""
_MAD_TO_SD = 1.4826
_ITERATIONS = 100
_SETTLED = 1e-9
_DIGITS = 6
_NOISE_CORRECTED = 0.025
"""Share of statistics without bias that each kind of correction is wrongly found for."""
_NOTHING = 1e-6
"""Offsets and slopes off by less are none."""

Line = tuple[float, float]
"""a and b of `true = a + b * measured`."""


def fit_all(measured: pa.Table, true: pa.Table, folds: Mapping[str, str]) -> list[Correction]:
    """Fit a correction for each stem and scalar statistic that separation changes.

    Left out are stems that priors do not count (`separation_errors.counted`), what separation does not change on any
    song, `separation_residual_db`, which true stems do not have, and what was measured both ways in fewer than
    `MIN_FOLDS` folds.

    Args:
        measured: rows of `mixprior.stats.registry.FEATURES_SCHEMA` of the separated songs.
        true: rows of the same songs, measured on their true stems.
        folds: for each song id, what it shares with other songs (its recording, its singer).

    Returns:
        Corrections, sorted by stem and statistic.
    """
    names = [c.name for c in COLUMNS if not c.is_vector and c.name not in (OF_SEPARATION, PRESENT)]
    keys = ["song_id", "stem"]
    truth = {(row["song_id"], row["stem"]): row for row in true.select(keys + names).to_pylist()}
    pairs: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
    for row in sorted(
        counted(measured.select([*keys, *names, PRESENT])), key=lambda row: (row["song_id"], row["stem"])
    ):
        other = truth.get((row["song_id"], row["stem"]), {})
        for name in names:
            if row[name] is not None and other.get(name) is not None:
                found = pairs.setdefault((row["stem"], name), [])
                found.append((folds[row["song_id"]], row[name], other[name]))
    corrections = []
    for (stem, statistic), found in sorted(pairs.items()):
        sources, x, y = zip(*found, strict=True)
        if len(set(sources)) >= MIN_FOLDS and x != y:
            corrections.append(fit(stem, statistic, np.array(x), np.array(y), np.array(sources)))
    return corrections


def fit(stem: str, statistic: str, measured: np.ndarray, true: np.ndarray, sources: np.ndarray) -> Correction:
    """Fit one correction, robustly, where it is shown to exist and helps songs it has not seen.

    An offset, for means over a catalog, is what the errors have in common. A line, for single songs, is the fit of
    measured on true values, inverted: a fit of true on measured values has a slope that the noise of the measurement
    lowers, and moves catalogs towards the mean of the songs it was fitted on (Krutchkoff, "Classical and inverse
    regression methods of calibration", Technometrics 9, 1967). A line needs `MIN_SOURCES_OF_LINE` sources and a slope
    above 0. Either must differ from no correction by a jackknife over sources, at 2.5 % each, so that noise alone is
    corrected in at most 5 % of cases; and must lower the mean absolute error in a cross-validation around all of that.

    Args:
        stem: row it is for.
        statistic: name of the column.
        measured: values on separated stems, shape (songs,).
        true: values on true stems, same shape.
        sources: what songs share, same shape; at least `MIN_FOLDS` different ones.

    >>> measured = np.linspace(-8.0, 4.0, 40)
    >>> found = fit("song", "x_lu", measured, measured - 0.5, np.arange(40))
    >>> found.kind, found.a, round(found.bias_before, 6), round(found.mae_after, 6)
    ('offset', -0.5, 0.5, 0.0)
    """
    source = np.unique(sources, return_inverse=True)[1]
    number = int(source.max()) + 1
    allowed = KINDS[1:] if number >= MIN_SOURCES_OF_LINE else KINDS[1:2]
    fold = folds_of(sources)
    before = measured - true
    kind, after = KINDS[0], before
    for candidate in reversed(_shown(allowed, measured, true, source)):
        held_out = _held_out(KINDS[1 : KINDS.index(candidate) + 1], measured, true, source, fold) - true
        if np.abs(held_out).mean() < np.abs(before).mean():
            kind, after = candidate, held_out
            break
    a, b = _fit(kind, measured, true)
    numbers = {
        "a": a,
        "b": b,
        "bias_before": before.mean(),
        "bias_after": after.mean(),
        "mae_before": np.abs(before).mean(),
        "mae_after": np.abs(after).mean(),
        "residual_sd": after.std(ddof=1),
        "low": measured.min(),
        "high": measured.max(),
    }
    return Correction(
        stem=stem,
        statistic=statistic,
        kind=kind,
        n=len(measured),
        folds=number,
        # The last digits differ from one linear algebra library to the next.
        **{name: float(f"{value:.{_DIGITS}g}") for name, value in numbers.items()},
    )


def folds_of(sources: np.ndarray) -> np.ndarray:
    """Deal sources to at most ten folds; the songs of a source are in one.

    >>> folds_of(np.array(["b", "a", "b", "c"])).tolist()
    [1, 0, 1, 2]
    """
    return np.unique(sources, return_inverse=True)[1] % _MAX_FOLDS


def _shown(kinds: Sequence[str], measured: np.ndarray, true: np.ndarray, source: np.ndarray) -> list[str]:
    """Those of the kinds that differ from no correction by more than noise explains, the simplest first.

    The standard error is that of the jackknife over sources (Efron, "The Jackknife, the Bootstrap and Other Resampling
    Plans", 1982, chapter 3), with Student's quantile for as many sources.
    """
    left_out = np.unique(source)
    freedom = len(left_out) - 1
    if freedom < 1:
        return []
    quantile = special.stdtrit(freedom, 1 - _NOISE_CORRECTED / 2)
    shown = []
    for kind in kinds:
        is_line = kind == "linear"
        found = _parameter(is_line, measured, true)
        parts = np.array([_parameter(is_line, measured[source != k], true[source != k]) for k in left_out])
        reach = quantile * np.sqrt(freedom / (freedom + 1) * ((parts - parts.mean()) ** 2).sum())
        if abs(found - is_line) > max(reach, _NOTHING) and (not is_line or found - reach > 0):
            shown.append(kind)
    return shown


def _parameter(is_line: bool, measured: np.ndarray, true: np.ndarray) -> float:
    """Slope of measured on true values, or what these have in common above measured ones."""
    return _huber_line(true, measured, True)[1] if is_line else _huber_line(measured, true, False)[0]


def _held_out(
    kinds: Sequence[str], measured: np.ndarray, true: np.ndarray, source: np.ndarray, fold: np.ndarray
) -> np.ndarray:
    """Values corrected without the songs of their fold: by the richest kind that is shown by the others."""
    corrected = measured.copy()
    for k in np.unique(fold):
        rest = fold != k
        kind = [KINDS[0], *_shown(kinds, measured[rest], true[rest], source[rest])][-1]
        a, b = _fit(kind, measured[rest], true[rest])
        within = np.clip(measured[~rest], measured[rest].min(), measured[rest].max())
        corrected[~rest] += a + (b - 1) * within
    return corrected


def _fit(kind: str, measured: np.ndarray, true: np.ndarray) -> Line:
    if kind != "linear":
        return (0.0, 1.0) if kind == "none" else _huber_line(measured, true, False)
    intercept, slope = _huber_line(true, measured, True)
    return -intercept / slope, 1 / slope


@numba.njit(cache=True)
def _huber_line(x: np.ndarray, y: np.ndarray, has_slope: bool) -> Line:
    """Huber's M-estimate of y = a + b x, by iteratively reweighted least squares; its scale is the residuals' MAD."""
    weights = np.ones(x.size)
    a, b = 0.0, 1.0
    for iteration in range(_ITERATIONS):
        last_a, last_b = a, b
        x_mean, y_mean = np.sum(weights * x) / np.sum(weights), np.sum(weights * y) / np.sum(weights)
        spread = np.sum(weights * (x - x_mean) ** 2)
        b = np.sum(weights * (x - x_mean) * (y - y_mean)) / spread if has_slope and spread > 0 else 1.0
        a = y_mean - b * x_mean
        residual = np.abs(y - a - b * x)
        limit = _HUBER * _MAD_TO_SD * np.median(residual)
        if limit == 0 or (iteration and abs(a - last_a) < _SETTLED and abs(b - last_b) < _SETTLED):
            break
        weights = np.minimum(1.0, limit / np.maximum(residual, limit))
    return a, b

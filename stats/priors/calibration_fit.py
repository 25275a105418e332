"""Fitting corrections for the bias of separation: songs measured on true stems and on separated ones."""

from __future__ import annotations

from collections.abc import Mapping

import numba
import numpy as np
import pyarrow as pa

from mixprior.stats.priors.calibration import KINDS, Correction
from mixprior.stats.registry import COLUMNS
from mixprior.stats.statistic import MIXTURE

MIN_FOLDS = 3
"""Folds below which a statistic is not judged."""

_MAX_FOLDS = 10
_OF_SEPARATION = "separation_residual_db"
_HUBER = 1.345
"""Scaled residuals beyond this count less: 95 % efficiency for a normal distribution (Huber 1981, chapter 7)."""
_MAD_TO_SD = 1.4826
_ITERATIONS = 100
_SETTLED = 1e-9
_DIGITS = 6

Line = tuple[float, float]
"""a and b of `true = a + b * measured`."""


def fit_all(measured: pa.Table, true: pa.Table, folds: Mapping[str, str]) -> list[Correction]:
    """Fit a correction for each stem and scalar statistic that separation changes.

    Left out are the mixture, which is not separated, what separation does not change on any song,
    `separation_residual_db`, which true stems do not have, and what was measured both ways in fewer than `MIN_FOLDS`
    folds.

    Args:
        measured: rows of `mixprior.stats.registry.FEATURES_SCHEMA` of the separated songs.
        true: rows of the same songs, measured on their true stems.
        folds: for each song id, what it shares with other songs (its recording, its singer).

    Returns:
        Corrections, sorted by stem and statistic.
    """
    names = [column.name for column in COLUMNS if not column.is_vector and column.name != _OF_SEPARATION]
    keys = ["song_id", "stem"]
    truth = {(row["song_id"], row["stem"]): row for row in true.select(keys + names).to_pylist()}
    pairs: dict[tuple[str, str], list[tuple[str, float, float]]] = {}
    separated = [row for row in measured.select(keys + names).to_pylist() if row["stem"] != MIXTURE]
    for row in sorted(separated, key=lambda row: (row["song_id"], row["stem"])):
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
    """Fit one correction, robustly, and only as far as it helps songs it has not seen.

    The kind (`stats.priors.calibration.KINDS`) is chosen by cross-validation, the songs of one source together:
    a richer kind must lower the mean absolute error by more than one standard error over folds. The errors after
    correction come from a second cross-validation around the whole of that, choice included. If it shows no gain
    either, nothing is corrected.

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
    fold = folds_of(sources)
    held_out = np.empty(measured.shape)
    for k in range(fold.max() + 1):
        rest = fold != k
        a, b = _fit(_choose(measured[rest], true[rest], fold[rest]), measured[rest], true[rest])
        held_out[~rest] = a + b * measured[~rest]
    before, after = measured - true, held_out - true
    kind = _choose(measured, true, fold)
    if np.abs(after).mean() >= np.abs(before).mean():
        kind = "none"
    if kind == "none":
        after = before
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
        folds=len(set(sources.tolist())),
        # The last digits differ from one linear algebra library to the next.
        **{name: float(f"{value:.{_DIGITS}g}") for name, value in numbers.items()},
    )


def folds_of(sources: np.ndarray) -> np.ndarray:
    """Deal sources to at most ten folds; the songs of a source are in one.

    >>> folds_of(np.array(["b", "a", "b", "c"])).tolist()
    [1, 0, 1, 2]
    """
    return np.unique(sources, return_inverse=True)[1] % _MAX_FOLDS


def _choose(measured: np.ndarray, true: np.ndarray, fold: np.ndarray) -> str:
    best, least = KINDS[0], _errors_by_fold(KINDS[0], measured, true, fold)
    for kind in KINDS[1:]:
        errors = _errors_by_fold(kind, measured, true, fold)
        gain = least - errors
        if gain.mean() > gain.std(ddof=1) / np.sqrt(gain.size):
            best, least = kind, errors
    return best


def _errors_by_fold(kind: str, measured: np.ndarray, true: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """Mean absolute error in each fold, corrected by a line that was fitted to the others."""
    errors = []
    for k in np.unique(fold):
        rest = fold != k
        a, b = _fit(kind, measured[rest], true[rest])
        errors.append(np.abs(a + b * measured[~rest] - true[~rest]).mean())
    return np.array(errors)


def _fit(kind: str, measured: np.ndarray, true: np.ndarray) -> Line:
    return (0.0, 1.0) if kind == "none" else _huber_line(measured, true, kind == "linear")


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

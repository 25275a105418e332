"""How often intervals of slopes and correlations hold the truth, in generated catalogs with nulls."""

from __future__ import annotations

import numpy as np

from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.regression import least_squares, rank_correlation

SONGS = (11, 30, 100, 1000)
NULLS = (0.0, 0.05, 0.3)
SLOPES = (-0.5, 0.3)
SHARED = 0.6
"""Correlation of the two explaining variables."""
LEAST = 5
"""Catalogs of which fewer songs have all variables are drawn again."""


def coverage(songs: int, nulls: float, runs: int, seed: int = 1) -> dict[str, float]:
    """Share of runs whose interval holds the truth: slope on one variable, slope on two, both correlations.

    The variables are normal. Each value is missing at random with the probability `nulls`.
    """
    rng = np.random.default_rng(seed)
    held = dict.fromkeys(("one", "several", "pearson", "spearman"), 0)
    x_sd = 3.0
    slope = SLOPES[0] + SHARED * SLOPES[1]
    explained = (SLOPES[0] ** 2 + SLOPES[1] ** 2 + 2 * SHARED * SLOPES[0] * SLOPES[1]) * x_sd**2
    rho = slope * x_sd / np.sqrt(explained + 4.0)
    done = 0
    while done < runs:
        x = x_sd * rng.multivariate_normal([0, 0], [[1, SHARED], [SHARED, 1]], songs)
        y = 4.0 + x @ SLOPES + rng.normal(0, 2.0, songs)
        values = np.column_stack([y, x])
        values[rng.random(values.shape) < nulls] = np.nan
        if (~np.isnan(values).any(axis=1)).sum() < LEAST:
            continue
        done += 1
        moments = Moments.of(values, np.full(3, 0.001))
        one, several = moments.regress(0, 1), least_squares(values[:, 0], values[:, 1:].T)
        low, high = (float(end[0, 1]) for end in moments.correlation_interval())
        ranks = rank_correlation(values[:, 0], values[:, 1])
        held["one"] += one.slopes_low[0] <= slope <= one.slopes_high[0]
        held["several"] += several.slopes_low[0] <= SLOPES[0] <= several.slopes_high[0]
        held["pearson"] += low <= rho <= high
        held["spearman"] += ranks.low <= 6 / np.pi * np.arcsin(rho / 2) <= ranks.high
    return {kind: count / runs for kind, count in held.items()}


def table() -> str:
    """Coverage in percent, by interval, nulls and songs."""
    runs = 2000
    found = {(songs, nulls): coverage(songs, nulls, runs) for songs in SONGS for nulls in NULLS}
    kinds = {
        "one": "slope on one statistic, from moments",
        "several": "slope on two statistics, from rows",
        "pearson": "Pearson's correlation (`joint.parquet`)",
        "spearman": "rank correlation, from rows",
    }
    lines = [
        f"Percent of {runs:,} catalogs of normal variables whose 95 % interval holds the truth. Catalogs with fewer "
        f"than {LEAST} complete songs are drawn again.",
        "",
        f"| interval | nulls | {' | '.join(f'n = {songs}' for songs in SONGS)} |",
        f"|---|--:|{'--:|' * len(SONGS)}",
    ]
    for kind, words in kinds.items():
        for nulls in NULLS:
            cells = " | ".join(f"{100 * found[songs, nulls][kind]:.1f}" for songs in SONGS)
            lines.append(f"| {words} | {nulls:.0%} | {cells} |")
    return "\n".join(lines)

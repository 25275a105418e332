"""How often intervals of means, medians and shares hold the truth, in generated catalogs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import optimize, stats

from mixprior.stats.priors.interval import intervals, mean_interval, share_interval
from mixprior.stats.priors.summary import Summary

SONGS = (5, 8, 11, 30, 100, 1000)
NULLS = (0.0, 0.05, 0.3)
Draw = Callable[[np.random.Generator, tuple[int, int]], np.ndarray]
ABSENT, ABSENT_DB, PRESENT_DB = 0.25, (-45.0, 6.0), (-10.0, 3.0)
"""Share of absent stems in the bimodal distribution; mean and spread of the level of these and of present ones."""


def _bimodal(rng: np.random.Generator, shape: tuple[int, int]) -> np.ndarray:
    return np.where(rng.random(shape) < ABSENT, rng.normal(*ABSENT_DB, shape), rng.normal(*PRESENT_DB, shape))


def _bimodal_median() -> float:
    def below(x: float) -> float:
        return float(ABSENT * stats.norm.cdf(x, *ABSENT_DB) + (1 - ABSENT) * stats.norm.cdf(x, *PRESENT_DB)) - 0.5

    return float(optimize.brentq(below, -40.0, 0.0))


DISTRIBUTIONS: dict[str, tuple[Draw, float, float]] = {
    "normal": (lambda rng, shape: rng.normal(-10.0, 3.0, shape), -10.0, -10.0),
    "lognormal, sigma 1": (lambda rng, shape: rng.lognormal(0.0, 1.0, shape), float(np.exp(0.5)), 1.0),
    "t, 3 degrees": (lambda rng, shape: rng.standard_t(3, shape), 0.0, 0.0),
    "bimodal, a quarter absent": (
        _bimodal,
        ABSENT * ABSENT_DB[0] + (1 - ABSENT) * PRESENT_DB[0],
        _bimodal_median(),
    ),
}
"""Name: what draws values, their mean, their median."""


def coverage(name: str, songs: int, nulls: float, runs: int, seed: int = 1) -> dict[str, float]:
    """Share of runs in which each kind of interval holds the truth; NaN where there is none in most runs.

    Args:
        name: of the distribution.
        songs: values drawn, of which a share of `nulls` is missing at random.
        nulls: that share.
        runs: how often; each is a bin of one `Summary`.
        seed: of the generator.
    """
    rng = np.random.default_rng(seed)
    draw, mean, median = DISTRIBUTIONS[name]
    values = draw(rng, (songs, runs))
    values[rng.random(values.shape) < nulls] = np.nan
    summary = Summary.of(values, 0.01)
    found = intervals(summary)
    student = mean_interval(summary.mean(), found["se"], summary.n)
    ends = {
        "student": (*student, mean),
        "mean": (found["mean_low"], found["mean_high"], mean),
        "median": (found["median_low"], found["median_high"], median),
        "interpolated": (found["median_interpolated_low"], found["median_interpolated_high"], median),
    }
    return {kind: _held(low, high, truth) for kind, (low, high, truth) in ends.items()}


def _held(low: np.ndarray, high: np.ndarray, truth: float) -> float:
    known = ~np.isnan(low)
    if known.mean() < 0.5:
        return float("nan")
    return float(((low <= truth) & (truth <= high))[known].mean())


def share_coverage(songs: int) -> float:
    """The least probability, over all shares in steps of 0.001, with which the interval of a share holds it."""
    counts = np.arange(songs + 1)
    low, high = share_interval(counts, np.full(songs + 1, songs))
    shares = np.linspace(0.001, 0.999, 999)[:, None]
    held = (low <= shares) & (shares <= high)
    return float((stats.binom.pmf(counts, songs, shares) * held).sum(axis=1).min())


def table() -> str:
    """Coverage of all kinds in percent, by distribution, nulls and songs."""
    found = {
        (name, nulls, songs): coverage(name, songs, nulls, 4000 if songs <= 100 else 1500)
        for name in DISTRIBUTIONS
        for nulls in NULLS
        for songs in SONGS
    }
    head = f"| distribution | nulls | {' | '.join(f'n = {songs}' for songs in SONGS)} |"
    rule = f"|---|--:|{'--:|' * len(SONGS)}"
    parts = []
    for title, kinds in (
        ("Mean: `mean_low` to `mean_high`, nominal (in brackets: Student's interval)", ("mean", "student")),
        ("Median: `median_low` to `median_high`, at least 95 %", ("median",)),
        ("Median: `median_interpolated_low` to `median_interpolated_high`, about 95 %", ("interpolated",)),
    ):
        lines = [
            f"| {name} | {nulls:.0%} | {' | '.join(_cell(found[name, nulls, n], kinds) for n in SONGS)} |"
            for name in DISTRIBUTIONS
            for nulls in NULLS
        ]
        parts.append("\n".join([f"{title}:", "", head, rule, *lines]))
    shares = ", ".join(f"{100 * share_coverage(n):.1f} (n = {n})" for n in SONGS)
    parts.append(f"Share: `share_present_low` to `share_present_high`, the least over all shares: {shares}.")
    words = (
        "Percent of 4,000 catalogs (1,500 of 1,000 songs) whose interval holds the truth; chance is off by 0.7 (1.1). "
        "n counts songs, of which the share of nulls has no value."
    )
    return "\n\n".join([words, *parts])


def _cell(found: dict[str, float], kinds: tuple[str, ...]) -> str:
    first, *others = ("" if np.isnan(found[kind]) else f"{100 * found[kind]:.1f}" for kind in kinds)
    return first + "".join(f" ({other})" for other in others)

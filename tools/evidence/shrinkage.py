"""How far shrunk means of groups err beside raw means, with parent and variance learned from the same groups."""

from __future__ import annotations

import numpy as np

from mixprior.stats.priors.shrinkage import shrink

GROUPS = (2, 3, 4, 5, 10, 30)
SPREADS = (0.0, 0.5, 1.0, 2.0, 3.0, 6.0)
WITHIN = 3.0
"""Standard deviation of the songs of a group."""


def error_ratio(groups: int, spread: float, runs: int, seed: int = 1) -> float:
    """Mean squared error of shrunk means over that of raw means, of groups of 2 to 11 songs.

    Args:
        groups: siblings.
        spread: standard deviation of the true means.
        runs: how often; each is a bin.
        seed: of the generator.
    """
    rng = np.random.default_rng(seed)
    n = rng.integers(2, 12, (groups, runs))
    truth = rng.normal(-10.0, spread, n.shape)
    mean = truth + rng.normal(0.0, WITHIN, n.shape) / np.sqrt(n)
    sd = WITHIN * np.sqrt(rng.chisquare(n - 1) / (n - 1))
    parent = np.broadcast_to((n * mean).sum(axis=0) / n.sum(axis=0), n.shape)
    shrunk, _ = shrink(mean, sd, n, parent)
    return float(((shrunk - truth) ** 2).mean() / ((mean - truth) ** 2).mean())


def table() -> str:
    """Ratios by groups and spread."""
    lines = [
        "Squared error of shrunk means over that of raw means, 20,000 catalogs; groups of 2 to 11 songs with a spread "
        f"of {WITHIN:g} within. K is the number of sibling groups, `spread` that of their true means.",
        "",
        f"| K | {' | '.join(f'spread {spread:g}' for spread in SPREADS)} |",
        f"|--:|{'--:|' * len(SPREADS)}",
    ]
    for groups in GROUPS:
        cells = " | ".join(f"{error_ratio(groups, spread, 20_000):.2f}" for spread in SPREADS)
        lines.append(f"| {groups} | {cells} |")
    return "\n".join(lines)

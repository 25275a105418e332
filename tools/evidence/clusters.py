"""How often the interval of few artists, by which the evaluation of mixes decides, holds the truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from tabulate import tabulate

from mixprior.mixing.evaluation.verdict import interval

ARTISTS = (4, 5, 6, 8, 12, 40)
RUNS = 2000
DRAWS: dict[str, Callable[[np.random.Generator, int], np.ndarray]] = {
    "normal": lambda rng, size: rng.normal(0.0, 1.0, size),
    "lognormal, sigma 1": lambda rng, size: rng.lognormal(0.0, 1.0, size) - np.exp(0.5),
}
"""What the mean differences of artists are drawn from: their true mean is 0."""


def coverage(name: str, artists: int, runs: int, seed: int = 1) -> float:
    """Share of generated evaluations whose interval holds 0."""
    rng = np.random.default_rng(seed)
    ends = [interval(DRAWS[name](rng, artists).tolist()) for _ in range(runs)]
    return float(np.mean([found is not None and found[0] <= 0 <= found[1] for found in ends]))


def table() -> str:
    """Coverage of intervals of nominally 95 %, by the number of artists."""
    head = ["differences of artists", *map(str, ARTISTS)]
    lines = [[name, *(f"{coverage(name, artists, RUNS):.1%}" for artists in ARTISTS)] for name in DRAWS]
    return tabulate([head, *lines], "firstrow", tablefmt="pipe", colalign=["left", *["right"] * len(ARTISTS)])

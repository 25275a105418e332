"""How far levels in a part of a song are from those of the whole song, and what the level step then leaves."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace

import numpy as np

from mixprior.mixing.plan import excerpt
from mixprior.mixing.plan.raw_error import raw_error
from mixprior.mixing.rules.posterior import QUARTILE_SD
from mixprior.mixing.rules.ratio import RATIO
from tools.evidence.posterior import OFF_LU, errors_lu, posterior, target_of, truth_lu
from tools.songs.excerpt_rows import ROWS

OF = ("ratio", "vocals", "drums", "bass", "other")
WINDOWS = ("20", "40", "4 of 20")
DRAWN = 20
"""Parts of each song."""


def offsets_lu(of: str, window: str) -> dict[str, list[float]]:
    """Level of the part minus that of the song, by artist."""
    found = defaultdict(list)
    with ROWS.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if (row["of"], row["window"]) == (of, window):
                found[row["artist"]].append(float(row["off_lu"]))
    return found


def spread_lu(of: str, window: str) -> float:
    """Standard deviation of a normal distribution with the median size of the offsets, the mean over artists."""
    sizes = [np.median(np.abs(each)) for each in offsets_lu(of, window).values()]
    return float(np.mean(sizes)) / QUARTILE_SD


def variance_lu2_s(seconds: int) -> float:
    """Variance of the levels in windows of a length, times the length, by the median size of all offsets together."""
    sizes = [abs(each) for of in OF for offsets in offsets_lu(of, f"{seconds}").values() for each in offsets]
    return seconds * (float(np.median(sizes)) / QUARTILE_SD) ** 2


def errors_in_parts_lu(seconds: float, off_lu: float, widened: bool, seed: int = 1) -> np.ndarray:
    """Distance of the aim from the ratio of a part of a song, heard off by an amount, of 150 published ratios."""
    rng = np.random.default_rng(seed)
    target, error = target_of(truth_lu()), raw_error("level", RATIO, "song")
    own = excerpt.spread(0.0, RATIO, seconds) or 0.0
    truth = np.repeat(truth_lu(), DRAWN)
    truth = truth + rng.normal(0.0, own, truth.size)
    used = replace(target, sd=excerpt.spread(target.sd, RATIO, seconds)) if widened else target
    return errors_lu(posterior(used, error), truth, off_lu)


def table() -> str:
    """The spread by class and window, and the errors of the step."""
    lines = [
        "Level of a part minus that of the song, LU: median size / 0.67, mean over artists; root mean square of all.",
        "",
        f"| of | artists | {' | '.join(f'{window} s' for window in WINDOWS)} |",
        f"|---|--:|{'--:|' * len(WINDOWS)}",
    ]
    for of in OF:
        cells = []
        for window in WINDOWS:
            all_of = np.concatenate([np.array(each) for each in offsets_lu(of, window).values()])
            cells.append(f"{spread_lu(of, window):.1f}, {np.sqrt(np.mean(all_of**2)):.1f}")
        lines.append(f"| {of} | {len(offsets_lu(of, '20'))} | {' | '.join(cells)} |")
    measured = " and ".join(f"{variance_lu2_s(seconds):.0f} of {seconds} s" for seconds in (20, 40))
    lines += [
        "",
        f"Variance times length by the median size of all, LU^2 s: {measured}; {excerpt.VARIANCE_LU2_S:g} is used.",
        "",
        "Mean distance from the truth after the level step, LU, of parts of 150 published songs, whose ratio differs "
        "by so much from that of their song, each measured so far off:",
        "",
        f"| length | spread of songs | {' | '.join(f'{off:g} LU off' for off in OFF_LU)} |",
        f"|---|---|{'--:|' * len(OFF_LU)}",
    ]
    for seconds in (20.0, 60.0, 200.0):
        for name, widened in (("of whole songs", False), ("of parts, as shipped", True)):
            found = [errors_in_parts_lu(seconds, off, widened).mean() for off in OFF_LU]
            lines.append(f"| {seconds:g} s | {name} | {' | '.join(f'{each:.2f}' for each in found)} |")
    return "\n".join(lines)

"""How far raw classes are from where people mixed them, in free projects of role `calibrate`; what the aim leaves."""

from __future__ import annotations

import csv
from collections import defaultdict
from dataclasses import replace

import numpy as np

from mixprior.analysis.priors import open_priors
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.raw_error import RawError, raw_error
from mixprior.mixing.rules.posterior import QUARTILE_SD, weight_of_kinds
from tools.songs.raw_levels import ROWS

CLASSES = ("drums", "bass", "other")
DRAWN = 2_000


def squares(of: str) -> dict[str, float]:
    """Mean square of raw minus mixed level by artist, so that each artist counts once."""
    found = defaultdict(list)
    with ROWS.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            if row["class"] == of:
                found[row["artist"]].append((float(row["raw_lu"]) - float(row["mixed_lu"])) ** 2)
    return {artist: float(np.mean(each)) for artist, each in found.items()}


def spread_lu(of: str) -> tuple[float, float, float]:
    """Standard deviation of a normal distribution with the median size of the artists' errors, and its 95 % interval.

    The median: of one artist the faders at 100 mean nothing (26 LU off). The interval is by the bootstrap over artists.
    """
    sizes = np.sqrt(list(squares(of).values()))
    drawn = np.random.default_rng(1).choice(sizes, (DRAWN, sizes.size))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return tuple(float(each / QUARTILE_SD) for each in (np.median(sizes), low, high))  # type: ignore[return-value]


def outcome_lu(prior_sd: float, used: RawError, off_sd: float, seed: int = 1) -> np.ndarray:
    """Distance from the truth of generated levels after the aim, (2000,), of what is measured off by N(0, off_sd^2)."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(0.0, prior_sd, DRAWN)
    heard = truth + rng.normal(0.0, off_sd, DRAWN)
    weights = np.array([weight_of_kinds(float(each), prior_sd, used.kinds) or 0.0 for each in heard])
    return np.abs((1 - weights) * heard - truth)


def variants(error: RawError) -> dict[str, RawError]:
    """The error of raw material as shipped, and otherwise."""
    return {
        "as shipped": error,
        "raw material half as far off": error.scaled(0.5),
        "twice as far off": error.scaled(2.0),
        "all of it raw": replace(error, sd=error.far_sd, far_share=0.0),
    }


def table() -> str:
    """What was measured, and what the aim leaves of it."""
    lines = [
        "Raw: every track at volume 100, without effects; mixed: as the author has it. Loudness of the class against "
        "the sum of all, raw minus mixed; the standard deviation is the median size over artists / 0.67.",
        "",
        "| class | artists | standard deviation, LU | 95 % interval | root mean square |",
        "|---|--:|--:|--:|--:|",
    ]
    for of in CLASSES:
        (size, low, high), all_of = spread_lu(of), list(squares(of).values())
        whole = np.sqrt(np.mean(all_of))
        lines.append(f"| {of} | {len(all_of)} | {size:.1f} | {low:.1f} to {high:.1f} | {whole:.1f} |")
    lines += [
        "",
        f"{DRAWN:,} generated levels of songs (the spread of the packaged priors): how far mixes that need nothing are "
        "moved, and how far levels as raw as measured are off before and after, in the mean.",
        "",
        "| class | error of raw material | balanced: median moved | 90th percentile | raw: before | after |",
        "|---|---|--:|--:|--:|--:|",
    ]
    for of in CLASSES:
        prior_sd, error = _prior_sd(of), raw_error("level", GROUP_LEVEL, of)
        assert error is not None
        for name, used in variants(error).items():
            balanced, raw = (outcome_lu(prior_sd, used, off) for off in (0.0, error.far_sd))
            before = outcome_lu(prior_sd, replace(error, sd=1e-9, far_share=0.0), error.far_sd).mean()
            cells = (np.median(balanced), np.quantile(balanced, 0.9), before, raw.mean())
            lines.append(f"| {of} | {name} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return "\n".join(lines)


def _prior_sd(of: str) -> float:
    sd = open_priors("starter").lookup(of, GROUP_LEVEL).sd
    assert sd is not None
    return sd

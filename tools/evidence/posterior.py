"""How far the vocal-to-backing ratio is from the truth when a step sets it: the posterior mean beside simpler aims.

The truth is the ratios of the 150 songs of MUSDB18-HQ (github likelian/Lab_spring2022, data/vox_acc_ratio), rebuilt
from their quantiles; what is measured is off by a known amount, up or down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

import numpy as np

from mixprior.mixing.plan import aim
from mixprior.mixing.plan.raw_error import RawError, raw_error
from mixprior.mixing.plan.targets import Target
from mixprior.mixing.rules.posterior import AS_MEASURED
from mixprior.mixing.rules.ratio import RATIO

OFF_LU = (0.0, 1.0, 2.5, 5.0, 10.0)
SONGS = 150
PRIOR_SONGS = (5, 10, 30, 150)
"""Of how many of the songs a prior is made."""
RUNS = 40
_PERCENTS = (0, 1, 2.5, *range(5, 100, 5), 97.5, 99, 100)
_QUANTILES_LU = (
    *(-14.81, -10.07, -8.54, -6.31, -5.28, -4.73, -4.20, -3.83, -3.68, -3.18, -2.66, -2.32, -1.96),
    *(-1.72, -1.53, -1.21, -0.94, -0.73, -0.43, 0.10, 0.45, 1.28, 1.87, 3.65, 5.52),
)

Rule = Callable[[float], float | None]


def truth_lu() -> np.ndarray:
    """Ratios of 150 songs, (150,), evenly between the quantiles."""
    return np.interp(100 * (np.arange(SONGS) + 0.5) / SONGS, _PERCENTS, _QUANTILES_LU)


def target_of(songs_lu: np.ndarray) -> Target:
    """The target that a prior of these songs gives."""
    low, middle, high = (float(each) for each in np.quantile(songs_lu, (0.25, 0.5, 0.75)))
    sd = float(np.std(songs_lu, ddof=1))
    return Target(RATIO, middle, f"{songs_lu.size} songs", half=(low, high), sd=sd, n=songs_lu.size)


def posterior(target: Target, error: RawError | None, trust: float = AS_MEASURED) -> Rule:
    """The rule as shipped, with an error of raw material."""
    return lambda heard: aim.to_posterior(RATIO, heard, target.value, target.spread, error, trust).value


def rules() -> Mapping[str, Rule]:
    """Aims by name, with the prior of all songs."""
    target = target_of(truth_lu())
    error = raw_error("level", RATIO, "song")
    assert error is not None
    one_kind = replace(error, sd=1.5, far_share=0.0)
    return {
        "median of the songs": lambda heard: target.aim(heard, "level", rule="centre").value,
        "dead band at the quartiles": lambda heard: target.aim(heard, "level", rule="quartiles").value,
        "posterior, as shipped": posterior(target, error),
        "the same, raw material half as far off": posterior(target, error.scaled(0.5)),
        "the same, twice as far off": posterior(target, error.scaled(2.0)),
        "the same, `--trust 0.25`": posterior(target, error, 0.25),
        "the same, `--trust 0.75`": posterior(target, error, 0.75),
        "posterior, all material 1.5 LU off": posterior(target, one_kind),
    }


def errors_lu(rule: Rule, truth: np.ndarray, off_lu: float) -> np.ndarray:
    """Distance of each song's aim from its truth, (2 * songs,), measured off by an amount, up and down."""
    heard = np.concatenate([truth + off_lu, truth - off_lu])
    return np.abs([(rule(float(each)) or 0.0) for each in heard] - np.tile(truth, 2))


def of_small_priors(songs: int, off_lu: float, seed: int = 1) -> float:
    """Mean error of the posterior where the prior is of a few songs, drawn with replacement."""
    rng, truth = np.random.default_rng(seed), truth_lu()
    error = raw_error("level", RATIO, "song")
    found = [
        errors_lu(posterior(target_of(rng.choice(truth, songs)), error), truth, off_lu).mean() for _ in range(RUNS)
    ]
    return float(np.mean(found))


def table() -> str:
    """Mean errors after against before, by rule and by the songs of the prior."""
    truth = truth_lu()
    head = " | ".join(f"{off:g} LU off" for off in OFF_LU)
    lines = [
        f"Mean distance from the truth after the level step, in LU, of {SONGS} ratios of published songs, each "
        "measured so far off; without the step it stays that.",
        "",
        f"| aim | {head} |",
        f"|---|{'--:|' * len(OFF_LU)}",
    ]
    for name, rule in rules().items():
        lines.append(f"| {name} | {' | '.join(f'{errors_lu(rule, truth, off).mean():.2f}' for off in OFF_LU)} |")
    lines += ["", f"The same as shipped, with priors of a few songs drawn from these (mean of {RUNS} draws):", ""]
    lines += [f"| songs of the prior | {head} |", f"|--:|{'--:|' * len(OFF_LU)}"]
    for songs in PRIOR_SONGS:
        lines.append(f"| {songs} | {' | '.join(f'{of_small_priors(songs, off):.2f}' for off in OFF_LU)} |")
    return "\n".join(lines)

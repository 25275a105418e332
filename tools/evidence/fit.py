"""The fit of FdnReverb beside other searches with as many evaluations, each finished by the same least squares."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import differential_evolution

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.energy_decay import EnergyDecay
from mixprior.stats.reverb.fdn import coding, genetic, level
from mixprior.stats.reverb.fdn.closed_form import COLUMNS, Target
from mixprior.stats.reverb.fdn.fit import FitOptions, Fitter
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.reverb.truths import decay_time_error, known_decays

Objective = Callable[[np.ndarray], np.ndarray]
Search = Callable[[Objective, int], tuple[np.ndarray, float]]

TARGETS, TRUTH_SEED = 24, 20_261  # nothing was tuned on these
NOISES_DB = (0.0, 2.0)
GENES, POPULATION, GENERATIONS = len(COLUMNS), 64, 44
EVALUATIONS = POPULATION * (GENERATIONS + 1)


def genetic_search(loss: Objective, seed: int) -> tuple[np.ndarray, float]:
    """The search of `fit`."""
    options = genetic.Options(population=POPULATION, generations=GENERATIONS, difference=0.7)
    found = genetic.minimise(loss, GENES, np.random.default_rng(seed), options)
    return found.genes, found.loss


def random_search(loss: Objective, seed: int) -> tuple[np.ndarray, float]:
    """The best of so many points drawn evenly."""
    drawn = np.random.default_rng(seed).random((EVALUATIONS, GENES))
    losses = loss(drawn)
    return drawn[int(np.argmin(losses))], float(losses.min())


def scipy_evolution(loss: Objective, seed: int) -> tuple[np.ndarray, float]:
    """Differential evolution by scipy with its own defaults, but for the size of the population."""
    per_gene = 6
    found = differential_evolution(
        lambda x: loss(np.ascontiguousarray(x.T)),
        [(0.0, 1.0)] * GENES,
        vectorized=True,
        updating="deferred",
        popsize=per_gene,
        maxiter=EVALUATIONS // (per_gene * GENES) - 1,
        polish=False,
        seed=seed,
        tol=0,
    )
    return found.x, float(found.fun)


SEARCHES: dict[str, Search] = {
    "genetic algorithm and difference mutation (`fit`)": genetic_search,
    "scipy's differential evolution": scipy_evolution,
    "random search": random_search,
}


def targets(noise_db: float) -> list[tuple[FdnReverbSettings, EnergyDecay]]:
    """Settings and the decays of their rendered responses, with smooth noise on them."""
    generator, noisy = np.random.default_rng(5), []
    for truth, decay in known_decays(TARGETS, TRUTH_SEED):
        noise = gaussian_filter(generator.standard_normal(decay.level_db.shape), (1.5, 3))
        noisy.append((truth, energy_decay.on_grid(decay.level_db + noise_db * noise / noise.std())))
    return noisy


def errors(search: Search, truth: FdnReverbSettings, decay: EnergyDecay, seed: int) -> tuple[float, ...]:
    """Evaluations; loss and wet level in dB; the RT knob and the decay in percent; whether the room size is exact."""
    fitter, judged = Fitter(Target.of(decay), FitOptions(), {}), 0

    def loss(genes: np.ndarray) -> np.ndarray:
        nonlocal judged
        judged += len(genes)
        return fitter.loss(genes)

    genes, least = search(loss, seed)
    fitter.softness = max(least, fitter.softness)
    genes = fitter.finished(genes, np.random.default_rng(seed))
    found = coding.to_settings(np.clip(fitter.knobs(genes), fitter.low, fitter.high))
    return (
        judged + fitter.evaluations,
        float(fitter.loss(genes[None])[0]),
        abs((level.wet_dry_db(found) or 0.0) - (level.wet_dry_db(truth) or 0.0)),
        100 * abs(found.reverberation_time_s / truth.reverberation_time_s - 1),
        100 * decay_time_error(found, truth),
        100.0 * (found.room_size == truth.room_size),
    )


def table() -> str:
    """Markdown."""
    lines = [
        f"{TARGETS} rendered responses of settings drawn at random, {EVALUATIONS} evaluations of each search and then "
        "the same least squares (polish) for all; medians and, in brackets, 90th percentiles. Different RT knobs "
        "and shelves give the same decay. Decay is T60 from 125 Hz to 6 kHz.",
        "",
        "| search | noise on the target, dB | evaluations with polish | loss dB | wet level dB | RT knob % | decay % "
        "| room size exact % |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for noise_db in NOISES_DB:
        known = targets(noise_db)
        for name, search in SEARCHES.items():
            rows = np.array([errors(search, truth, decay, i) for i, (truth, decay) in enumerate(known)])
            middle, high = np.median(rows, axis=0), np.quantile(rows, 0.9, axis=0)
            cells = [f"{middle[k]:.{n}f} ({high[k]:.{n}f})" for k, n in ((1, 3), (2, 2), (3, 1), (4, 2))]
            ends = (f"{noise_db:g}", f"{rows[:, 0].mean():.0f}", *cells, f"{rows[:, 5].mean():.0f}")
            lines.append(f"| {name} | {' | '.join(ends)} |")
    return "\n".join(lines)

"""Optimisers on the same objective and targets: `python -m tools.benches.reverb_fit [targets] [noise dB]`.

pymoo, deap and cma are not needed by the project: put them on PYTHONPATH to have their rows.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import random
import sys
import time
from collections.abc import Callable

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.optimize import differential_evolution

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.fdn import coding, genetic, level
from mixprior.stats.reverb.fdn.closed_form import COLUMNS, Target, columns
from mixprior.stats.reverb.fdn.fit import FitOptions, Fitter, fit
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.reverb.truths import decay_time_error, known_decays


class KnownLevel(Fitter):
    """A fitter that is given the true level, for the one method that does not search it."""

    true_wet_db: float


Method = Callable[[KnownLevel, Callable[[np.ndarray], np.ndarray], int], np.ndarray]
GENES = len(COLUMNS)
TRUTH_SEED = 20_261  # nothing was tuned on these


def own(polish: bool = False, **options: float) -> Method:
    search = genetic.Options(**{"population": 64, "generations": 60, **options})  # type: ignore[arg-type]

    def method(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
        generator = np.random.default_rng(seed)
        found = genetic.minimise(loss, GENES, generator, search)
        fitter.softness = max(found.loss, 0.3)
        return fitter.finished(found.genes, generator) if polish else found.genes

    return method


def scipy_evolution(
    fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int, generations: int = 63
) -> np.ndarray:
    cube = [(0.0, 1.0)] * GENES
    return differential_evolution(
        lambda x: loss(np.ascontiguousarray(x.T)),
        cube,
        vectorized=True,
        updating="deferred",
        popsize=6,
        maxiter=generations,
        polish=False,
        seed=seed,
        tol=0,
    ).x


def pymoo_ga(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    from pymoo.algorithms.soo.nonconvex.ga import GA
    from pymoo.core.problem import Problem
    from pymoo.optimize import minimize

    class Cube(Problem):
        def __init__(self) -> None:
            super().__init__(n_var=GENES, n_obj=1, xl=0.0, xu=1.0)

        def _evaluate(self, x: np.ndarray, out: dict[str, np.ndarray], *args: object, **options: object) -> None:
            out["F"] = loss(x)[:, None]

    return minimize(Cube(), GA(pop_size=64), ("n_gen", 60), seed=seed, verbose=False).X


def deap_ga(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    from deap import algorithms, base, creator, tools

    random.seed(seed)
    if not hasattr(creator, "Least"):
        creator.create("Least", base.Fitness, weights=(-1.0,))
        creator.create("Individual", list, fitness=creator.Least)
    box = base.Toolbox()
    box.register("individual", tools.initRepeat, creator.Individual, random.random, GENES)
    box.register("mate", tools.cxSimulatedBinaryBounded, eta=10, low=0, up=1)
    box.register("mutate", tools.mutPolynomialBounded, eta=15, low=0, up=1, indpb=0.2)
    box.register("select", tools.selTournament, tournsize=3)
    box.register("evaluate", lambda x: (0.0,))
    box.register("map", lambda _, several: [(value,) for value in loss(np.array(list(several)).reshape(-1, GENES))])
    best = tools.HallOfFame(1)
    start = tools.initRepeat(list, box.individual, 64)
    algorithms.eaSimple(start, box, 0.9, 0.5, 60, halloffame=best, verbose=False)
    return np.array(best[0])


def cma_es(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    import cma

    options = {"popsize": 20, "maxiter": 192, "verbose": -9, "bounds": [0, 1], "seed": seed + 1}
    strategy = cma.CMAEvolutionStrategy(np.full(GENES, 0.5), 0.25, options)
    while not strategy.stop():
        asked = strategy.ask()
        strategy.tell(asked, list(loss(np.array(asked))))
    return np.asarray(strategy.result.xbest)


def random_search(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    drawn = np.random.default_rng(seed).random((3840, GENES))
    return drawn[np.argmin(loss(drawn))]


def seed_style(fitter: KnownLevel, loss: Callable[[np.ndarray], np.ndarray], seed: int) -> np.ndarray:
    """Ten generations of ten from a population written by hand, as the seed had pygad do it.

    Steady state of four parents, one crossing point, and two genes of each child moved by up to one, in hertz, seconds
    or dB/s alike. The level, which the seed did not fit, is given: the truth's is written into `fitter.true_wet_db`.
    """
    generator = np.random.default_rng(seed)
    at = np.linspace(0.0, 1.0, 10)
    columns_ = [
        (fitter.true_wet_db, fitter.true_wet_db), (0.6, 3.0), (6.0, 24.0), (0.1, 1.2), (60.0, 150.0), (0.3, 0.8),
        (-5.0, 0.0), (8000.0, 17_000.0), (0.6, 0.9), (-30.0, -5.0),
    ]  # fmt: skip
    population = np.array([generator.permutation(low + (high - low) * at) for low, high in columns_]).T
    low = [-40, 0.1, 1, 0, 20, 0.01, -80, 20, 0.01, -80]
    high = [40, 9, 30, 9, 20_000, 0.9, 6, 20_000, 0.9, 4]

    def judged(rows: np.ndarray) -> np.ndarray:
        return loss(np.array([coding.encode(_whole_room(row), fitter.room_offset_db) for row in rows]))

    losses = judged(population)
    for _ in range(10):
        order = np.argsort(losses)[:4]
        parents = population[order]
        children = []
        for child in range(9):
            point = generator.integers(1, GENES)
            one = np.concatenate([parents[child % 4][:point], parents[(child + 1) % 4][point:]])
            one[generator.choice(np.arange(1, GENES), 2, replace=False)] += generator.uniform(-1.0, 1.0, 2)
            children.append(np.clip(one, low, high))
        population = np.vstack([parents[:1], children])
        losses = judged(population)
    return coding.encode(_whole_room(population[np.argmin(losses)]), fitter.room_offset_db)


def _whole_room(row: np.ndarray) -> np.ndarray:
    row = row.copy()
    row[coding.ROOM] = np.rint(row[coding.ROOM])
    return row


METHODS: dict[str, Method] = {
    "own GA": own(),
    "own GA + difference mutation": own(difference=0.7),
    "own difference mutation alone, 40 x 96": own(population=40, generations=96, difference=1.0),
    "own GA + polish": own(polish=True, population=64, generations=44),
    "own GA + difference + polish (default)": own(polish=True, population=64, generations=44, difference=0.7),
    "scipy DE, vectorized": scipy_evolution,
    "pymoo GA": pymoo_ga,
    "DEAP eaSimple": deap_ga,
    "CMA-ES": cma_es,
    "random search": random_search,
    "seed-style GA 10 x 10": seed_style,
}


def errors(found: FdnReverbSettings, truth: FdnReverbSettings) -> tuple[float, ...]:
    return (
        abs((level.wet_dry_db(found) or 0.0) - (level.wet_dry_db(truth) or 0.0)),
        100 * abs(found.reverberation_time_s / truth.reverberation_time_s - 1),
        100 * (found.room_size == truth.room_size),
        100 * decay_time_error(found, truth),
    )


def main(count: int = 24, noise_db: float = 0.0) -> None:
    generator = np.random.default_rng(5)
    targets = []
    for truth, decay in known_decays(count, TRUTH_SEED):
        smooth = gaussian_filter(generator.standard_normal(decay.level_db.shape), (1.5, 3))
        targets.append((truth, energy_decay.on_grid(decay.level_db + noise_db * smooth / smooth.std())))
    print(f"{count} exact responses, {noise_db:g} dB smooth noise on the targets; medians, RS: share; CPU ms: mean\n")
    print("| method | CPU ms | evaluations | loss dB | wet dB | RT % | RS exact % | T60(f) % |")
    print("|---|---|---|---|---|---|---|---|")
    options = FitOptions()
    fit(targets[0][1], seed=0)
    for name, method in METHODS.items():
        rows = []
        try:
            for i, (truth, decay) in enumerate(targets):
                fitter = KnownLevel(Target.of(decay), options, {})
                fitter.true_wet_db = float(columns(truth)[0])
                judged = 0

                def loss(genes: np.ndarray, fitter: KnownLevel = fitter) -> np.ndarray:
                    nonlocal judged
                    judged += len(genes)
                    return fitter.loss(genes)

                begun = time.process_time()
                genes = method(fitter, loss, i)
                taken = time.process_time() - begun
                found = coding.to_settings(np.clip(fitter.knobs(genes), fitter.low, fitter.high))
                rows.append(
                    (1e3 * taken, judged + fitter.evaluations, fitter.loss(genes[None])[0], *errors(found, truth))
                )
        except ImportError:
            print(f"| {name} | not installed | | | | | | |")
            continue
        show(name, rows)
    rows = []
    for i, (truth, decay) in enumerate(targets):
        begun = time.process_time()
        fitted = fit(decay, seed=i)
        taken = time.process_time() - begun
        rows.append((1e3 * taken, fitted.evaluations, fitted.loss_db, *errors(fitted.settings, truth)))
    show("**fit(): default, on the plug-in's steps**", rows)
    mean = mean_settings([truth for truth, _ in targets])
    show("predict the mean", [(0.0, 0, np.nan, *errors(mean, truth)) for truth, _ in targets])


def mean_settings(truths: list[FdnReverbSettings]) -> FdnReverbSettings:
    """Geometric means of times, frequencies and knob, means of the rest."""
    values = {}
    for name in coding.KNOBS:
        several = np.array([getattr(truth, name) for truth in truths], float)
        geometric = name.endswith("_hz") or name in ("reverberation_time_s", "dry_wet")
        values[name] = float(np.exp(np.log(several).mean()) if geometric else several.mean())
    return FdnReverbSettings(room_size=round(values.pop("room_size")), **values)  # type: ignore[arg-type]


def show(name: str, rows: list[tuple[float, ...]]) -> None:
    values = np.array(rows, float)
    cpu_ms, evaluations, _, _, _, exact, _ = values.mean(axis=0)
    _, _, loss_db, wet_db, time, _, decay = np.median(values, axis=0)
    results = (
        f"{cpu_ms:.0f} | {evaluations:.0f} | {loss_db:.3f} | {wet_db:.2f} | {time:.1f} | {exact:.0f} | {decay:.2f}"
    )
    print(f"| {name} | {results} |", flush=True)


if __name__ == "__main__":
    main(*(kind(value) for kind, value in zip((int, float), sys.argv[1:], strict=False)))

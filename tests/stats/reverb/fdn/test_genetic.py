"""The search finds known optima, keeps to the cube, and is the same for the same seed."""

import numpy as np
import pytest
from scipy.optimize import least_squares

from mixprior.stats.reverb.fdn import genetic
from mixprior.stats.reverb.fdn.closed_form import Target
from mixprior.stats.reverb.fdn.fit import FitOptions, Fitter
from tools.benches.reverb_fit import scipy_evolution
from tools.reverb.truths import known_decays

BEST = np.array([0.2, 0.9, 0.5, 0.7])


def bowl(population: np.ndarray) -> np.ndarray:
    return np.sum((population - BEST) ** 2, axis=1)


@pytest.mark.parametrize("difference", [0.0, 0.5, 1.0])
def test_the_minimum_of_a_bowl_is_found(difference: float) -> None:
    options = genetic.Options(difference=difference)
    found = genetic.minimise(bowl, 4, np.random.default_rng(0), options)
    assert np.allclose(found.genes, BEST, atol=0.02)
    assert found.loss == pytest.approx(bowl(found.genes[None])[0])


@pytest.mark.parametrize("difference", [0.0, 0.5])
def test_the_same_seed_finds_the_same(difference: float) -> None:
    options = genetic.Options(population=20, generations=10, difference=difference)
    one, same, other = (genetic.minimise(bowl, 4, np.random.default_rng(seed), options) for seed in (1, 1, 2))
    assert np.array_equal(one.genes, same.genes)
    assert not np.array_equal(one.genes, other.genes)


@pytest.mark.parametrize("difference", [0.0, 1.0])
def test_children_keep_to_the_cube_and_are_counted_and_the_best_is_never_lost(difference: float) -> None:
    judged = []

    def slope_out(population: np.ndarray) -> np.ndarray:
        assert population.min() >= 0.0
        assert population.max() <= 1.0
        judged.append(-population.sum(axis=1))
        return judged[-1]

    options = genetic.Options(population=20, generations=15, difference=difference)
    found = genetic.minimise(slope_out, 3, np.random.default_rng(5), options)
    assert found.evaluations == sum(losses.size for losses in judged)
    assert found.loss == min(losses.min() for losses in judged)


def test_polish_solves_least_squares_within_the_cube() -> None:
    generator = np.random.default_rng(6)
    matrix, wanted = generator.standard_normal((30, 4)), generator.standard_normal(30)

    def residuals(population: np.ndarray) -> np.ndarray:
        return population @ matrix.T - wanted

    # So soft that the loss is the sum of squares.
    found = genetic.polish(residuals, np.ones(30), np.full(4, 0.5), np.arange(4), softness=1e4, tolerance=1e-12)
    exact = least_squares(lambda x: matrix @ x - wanted, np.full(4, 0.5), bounds=(0, 1)).x
    assert np.allclose(found.genes, exact, atol=1e-3)


def test_polish_is_not_swayed_by_outliers_and_moves_only_free_genes() -> None:
    wanted = np.full(21, 0.3)
    wanted[:5] = 40.0
    found = genetic.polish(
        lambda population: population[:, :1] - wanted, np.ones(21), np.array([0.9, 0.1]), np.array([0]), softness=0.01
    )
    assert found.genes[0] == pytest.approx(0.3, abs=0.01)
    assert found.genes[1] == 0.1


def test_the_default_search_finds_no_worse_than_scipy_does() -> None:
    """But for the hundredth of a dB that the flattest shelves among equals may cost."""
    differences = []
    for seed, (_, decay) in enumerate(known_decays(24)[:8]):
        options = FitOptions()
        fitter, generator = Fitter(Target.of(decay), options, {}), np.random.default_rng(seed)
        found = genetic.minimise(fitter.loss, 10, generator, options.search)
        ours = fitter.loss(fitter.finished(found.genes, generator)[None])[0]
        # Twice the candidates that ours has judged.
        theirs = fitter.loss(scipy_evolution(fitter, fitter.loss, seed, generations=120)[None])[0]
        differences.append(ours - theirs)
    assert np.mean(differences) <= 0.01
    assert np.max(differences) <= 0.15

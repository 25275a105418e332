"""A real-coded genetic algorithm in the unit cube, and the least squares that finish what it began."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numba
import numpy as np

Objective = Callable[[np.ndarray], np.ndarray]
"""Losses, shape (candidates,), or residuals, shape (candidates, residuals), of a population, (candidates, genes)."""


@dataclass(frozen=True)
class Options:
    """How to search.

    Attributes:
        population: individuals.
        generations: after the first, random one.
        tournament: a parent is the best of this many, drawn at random (Miller and Goldberg, Complex Systems 9, 1995).
        crossover: share of children with two parents; a gene is drawn from the range of the parents' genes widened by
            `blend` on both sides, BLX-alpha (Eshelman and Schaffer, FOGA 2, 1993).
        blend: alpha of that.
        mutation: share of genes to which a normal number is added.
        mutation_scale: its standard deviation at first; it falls in a line to a tenth of that.
        elite: the best, which live on.
        difference: share of the generations, at the end, that breed by difference mutation, current-to-best/1/bin
            (Storn and Price, J. Global Optimization 11, 1997), where a child replaces its own parent if it is better.
    """

    population: int = 96
    generations: int = 40
    tournament: int = 3
    crossover: float = 0.9
    blend: float = 0.3
    mutation: float = 0.3
    mutation_scale: float = 0.15
    elite: int = 2
    difference: float = 0.0


@dataclass(frozen=True)
class Found:
    """The best of a search.

    Attributes:
        genes: shape (genes,), each within 0 to 1.
        loss: of them.
        evaluations: candidates that were judged.
    """

    genes: np.ndarray
    loss: float
    evaluations: int


def minimise(objective: Objective, genes: int, generator: np.random.Generator, options: Options = Options()) -> Found:
    """Search the unit cube for the least loss.

    Args:
        objective: losses of a population; it is called once a generation.
        genes: dimensions of the cube.
        generator: the only source of chance: the same seed finds the same.
        options: see `Options`.

    >>> found = minimise(lambda x: np.sum((x - 0.3) ** 2, axis=1), 3, np.random.default_rng(1))
    >>> bool(np.allclose(found.genes, 0.3, atol=1e-2)), found.evaluations
    (True, 3856)
    """
    population = generator.random((options.population, genes))
    losses = objective(population)
    evaluations = len(population)
    differing = round(options.generations * options.difference)
    for generation in range(options.generations):
        if generation < options.generations - differing:
            sigma = options.mutation_scale * (1.0 - 0.9 * generation / options.generations)
            kept = np.argpartition(losses, options.elite)[: options.elite]
            children = _bred(population, losses, sigma, generator, options)
            evaluations += len(children)
            losses = np.concatenate([losses[kept], objective(children)])
            population = np.concatenate([population[kept], children])
        else:
            children = _differing(population, losses, generator)
            evaluations += len(children)
            judged = objective(children)
            better = judged < losses
            population[better], losses[better] = children[better], judged[better]
    best = int(np.argmin(losses))
    return Found(population[best], float(losses[best]), evaluations)


def _bred(
    population: np.ndarray, losses: np.ndarray, sigma: float, generator: np.random.Generator, options: Options
) -> np.ndarray:
    """Children by tournament, BLX-alpha and normal mutation, shape (population - elite, genes)."""
    size, genes = len(population) - options.elite, population.shape[1]
    drawn = generator.integers(0, len(population), (2 * size, options.tournament))
    parents = population[drawn[np.arange(2 * size), np.argmin(losses[drawn], axis=1)]]
    one, other = parents[:size], parents[size:]
    position = generator.random((size, genes)) * (1.0 + 2.0 * options.blend) - options.blend
    position *= generator.random((size, 1)) < options.crossover
    children = one + position * (other - one)
    mutated = generator.random((size, genes)) < options.mutation
    children += sigma * mutated * generator.standard_normal((size, genes))
    return np.clip(children, 0.0, 1.0)


def _differing(population: np.ndarray, losses: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """One rival for each individual: moved towards the best and by the difference of two others."""
    size, genes = population.shape
    best = population[int(np.argmin(losses))]
    one, other = population[generator.integers(0, size, (2, size))]
    factor = generator.uniform(0.4, 0.9, (size, 1))
    towards_best = 0.5 * (generator.random((size, 1)) < 0.7)
    moved = population + factor * (towards_best * (best - population) + one - other)
    children = np.where(generator.random((size, genes)) < 0.9, moved, population)
    outside = (children < 0.0) | (children > 1.0)
    return np.where(outside, generator.random((size, genes)), children)


_DAMPINGS = np.array([0.0, 1e-3, 1e-1, 1e1])
_STEP = 1e-4


def polish(
    residuals: Objective,
    weights: np.ndarray,
    start: np.ndarray,
    free: np.ndarray,
    *,
    iterations: int = 20,
    softness: float = 0.3,
    tolerance: float = 1e-4,
) -> Found:
    """Levenberg's and Marquardt's least squares from a start, within the cube, hardly swayed by outliers.

    Minimises sum w (sqrt(r^2 + s^2) - s): squares for residuals below the softness s, absolute values above. Slopes
    are differences; several dampings are tried at once, since a population costs little more than one candidate.

    Args:
        residuals: of a population, shape (candidates, residuals).
        weights: of the residuals.
        start: genes, shape (genes,).
        free: indices of the genes that may move.
        iterations: at most.
        softness: s, in the unit of the residuals.
        tolerance: stop where a step lowers the loss by a smaller share than this.
    """
    genes = np.clip(start, 0.0, 1.0)
    residual = residuals(genes[None])[0]
    loss, evaluations = soft_loss(residual[None], weights, softness)[0], 1
    for _ in range(iterations):
        slopes, evaluations = slope(residuals, genes, residual, free), evaluations + free.size
        steps = _steps(slopes, residual, weights, softness, genes[free])
        tried = np.repeat(genes[None], len(_DAMPINGS), axis=0)
        tried[:, free] = np.clip(tried[:, free] + steps, 0.0, 1.0)
        outcome = residuals(tried)
        losses, evaluations = soft_loss(outcome, weights, softness), evaluations + len(tried)
        best = int(np.argmin(losses))
        gain = loss - losses[best]
        if gain <= 0.0:
            break
        genes, residual, loss = tried[best], outcome[best], losses[best]
        if gain < tolerance * loss:
            break
    return Found(genes, float(loss), evaluations)


def slope(residuals: Objective, genes: np.ndarray, residual: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Change of the residuals with each free gene, shape (free, residuals), by one-sided differences in the cube."""
    steps = np.where(genes[free] > 0.5, -_STEP, _STEP)
    moved = np.repeat(genes[None], free.size, axis=0)
    moved[np.arange(free.size), free] += steps
    return (residuals(moved) - residual) / steps[:, None]


@numba.njit(cache=True, fastmath={"reassoc", "contract", "nsz"}, error_model="numpy")
def _steps(
    slopes: np.ndarray, residual: np.ndarray, weights: np.ndarray, softness: float, genes: np.ndarray
) -> np.ndarray:
    """Steps that least squares take from genes by each damping, shape (dampings, genes)."""
    size, count = slopes.shape
    scaled, curvature, gradient = np.empty(count), np.zeros((size, size)), np.empty(size)
    for i in range(size):
        total = 0.0
        for n in range(count):
            scaled[n] = slopes[i, n] * weights[n] / np.sqrt(residual[n] ** 2 + softness**2)
            total += scaled[n] * residual[n]
        gradient[i] = total
        for j in range(i + 1):
            total = 0.0
            for n in range(count):
                total += scaled[n] * slopes[j, n]
            curvature[i, j] = total
    for i in range(size):
        # A gene that presses against a face of the cube stays there.
        if (genes[i] <= 0.0 and gradient[i] > 0.0) or (genes[i] >= 1.0 and gradient[i] < 0.0):
            gradient[i] = 0.0
            for j in range(size):
                curvature[i, j] = curvature[j, i] = 0.0
    steps, factor = np.zeros((_DAMPINGS.size, size)), np.empty((size, size))
    for damping in range(_DAMPINGS.size):
        step = steps[damping]
        # Cholesky's factorisation without roots, and forward substitution; only the lower half is looked at.
        for i in range(size):
            step[i] = -gradient[i]
            for j in range(i):
                total = curvature[i, j]
                for k in range(j):
                    total -= factor[i, k] * factor[j, k] * factor[k, k]
                factor[i, j] = total / factor[j, j]
                step[i] -= factor[i, j] * step[j]
            pivot = curvature[i, i] + (_DAMPINGS[damping] + 1e-9) * max(curvature[i, i], 1e-9) + 1e-9
            total = pivot
            for k in range(i):
                total -= factor[i, k] ** 2 * factor[k, k]
            factor[i, i] = max(total, 1e-12 * pivot)
        for i in range(size):
            step[i] /= factor[i, i]
        for i in range(size - 1, -1, -1):
            for j in range(i + 1, size):
                step[i] -= factor[j, i] * step[j]
    return steps


@numba.njit(cache=True, fastmath=True)
def soft_loss(residuals: np.ndarray, weights: np.ndarray, softness: float) -> np.ndarray:
    """The loss that `polish` lowers, shape (candidates,), of residuals of shape (candidates, residuals)."""
    out = np.empty(residuals.shape[0])
    for c in range(residuals.shape[0]):
        total = 0.0
        for n in range(residuals.shape[1]):
            total += weights[n] * (np.sqrt(residuals[c, n] ** 2 + softness**2) - softness)
        out[c] = total
    return out

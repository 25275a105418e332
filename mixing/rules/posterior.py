"""How far to go from what is measured to what songs are like: the posterior mean of two normal distributions.

A mix as a person would set it is drawn from the prior, N(centre, prior_sd^2); raw material is off from it by N(0,
error_sd^2). Then the best guess of the mix is `weight * centre + (1 - weight) * heard` with `weight = error_sd^2 /
(error_sd^2 + prior_sd^2)` (Gelman et al., Bayesian Data Analysis, 3rd edition, section 2.5).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, hypot, log

AS_MEASURED = 0.5
"""The trust that takes the spreads as they are."""
QUARTILE_SD = 0.6745
"""Standard deviations from the mean to the quartiles of a normal distribution; the median size of a deviation."""


def weight(prior_sd: float | None, error_sd: float | None, trust: float = AS_MEASURED) -> float | None:
    """Share of the way from what is measured to the prior's centre.

    Args:
        prior_sd: standard deviation of the songs, >= 0; None if it is not known.
        error_sd: standard deviation of raw material about what it becomes in a mix, >= 0; None if it is not known.
        trust: 0 to 1. `error_sd` is multiplied by trust / (1 - trust): 0 keeps the measured value, 0.5 takes spreads as
            they are, 1 goes to the prior's centre. The weight never falls as trust rises.

    Returns:
        0 to 1; None where a spread is needed and not known, or both are 0.

    >>> weight(2.5, 2.5), weight(2.0, 1.0), weight(2.0, 1.0, trust=1.0), weight(None, 1.0)
    (0.5, 0.2, 1.0, None)
    """
    if trust in (0.0, 1.0):
        return float(trust)
    if prior_sd is None or error_sd is None or prior_sd == error_sd == 0:
        return None
    error, prior = (trust * error_sd) ** 2, ((1 - trust) * prior_sd) ** 2
    return error / (error + prior)


def weight_of_kinds(
    distance: float, prior_sd: float | None, kinds: Sequence[tuple[float, float | None]], trust: float = AS_MEASURED
) -> float | None:
    """The same where raw material is of several kinds, and its distance from the centre says which is likely.

    The errors are a mixture of normal distributions. Each kind has its `weight`; that of the mixture is their mean by
    the probability of each kind given the distance. So what is near the centre stays nearly as it is, and what no
    song would do goes far.

    Args:
        distance: what is measured minus the centre.
        prior_sd: as for `weight`.
        kinds: share and standard deviation of each kind; shares add up to 1.
        trust: as for `weight`; the probabilities of the kinds do not depend on it.

    >>> [round(weight_of_kinds(far, 2.5, ((0.9, 1.0), (0.1, 6.0))), 2) for far in (0.0, 6.0, 12.0)]
    [0.17, 0.33, 0.85]
    """
    weights = [weight(prior_sd, sd, trust) for _, sd in kinds]
    if trust in (0.0, 1.0) or len(kinds) == 1:
        return weights[0]
    if prior_sd is None or any(each is None for each in weights):
        return None
    spreads = [hypot(prior_sd, sd or 0.0) for _, sd in kinds]
    logs = [log(share / sd) - (distance / sd) ** 2 / 2 for (share, _), sd in zip(kinds, spreads, strict=True)]
    odds = [exp(each - max(logs)) for each in logs]  # the largest is 1: far from the centre all would be 0
    return sum(each * (one or 0.0) for each, one in zip(odds, weights, strict=True)) / sum(odds)


def towards(heard: float, centre: float, share: float) -> float:
    """The value that is a share of the way from what is measured to the centre.

    >>> towards(-8.0, -2.0, 0.25)
    -6.5
    """
    return heard + share * (centre - heard)


def into(heard: float, low: float, high: float) -> float:
    """The nearest value inside a range: what is inside stays (a dead band).

    >>> into(-8.0, -3.6, -0.7), into(-2.0, -3.6, -0.7)
    (-3.6, -2.0)
    """
    return min(max(heard, low), high)

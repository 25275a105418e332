"""What a person wants who names a song to sound like: the song's statistics drawn towards what songs are like.

What is wanted is drawn from the catalog, N(centre, spread^2); each reference has it with an error of its own. The
posterior of the two is normal again, its mean weighted by precision (Gelman et al., Bayesian Data Analysis, 3rd
edition, section 2.5). A reference is a prior of one song: drawn towards the catalog, it takes the catalog's place.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import hypot, inf, sqrt

WANTED_SHARE = 0.5
"""Standard deviation of what is wanted about what a reference has, in those of the catalog's songs: an assumption. Who
names a song wants most of it, and not its every number: half of the spread leaves the reference four fifths of the
weight, where its number is exact."""

UNKNOWN = 0.5
"""Reliability that is taken where that of a separated stem is not known."""


@dataclass(frozen=True)
class Drawn:
    """What is wanted, in one statistic.

    Attributes:
        value: the posterior mean.
        sd: its standard deviation.
        weights: that of each reference in the mean; what is left is the catalog's.
    """

    value: float
    sd: float
    weights: tuple[float, ...]


def error_sd(spread: float, reliability: float | None = 1.0) -> float:
    """How far what is wanted is from what was measured on a reference.

    Args:
        spread: standard deviation of the catalog's songs.
        reliability: of the statistic, where the reference was separated (`mixprior.stats.priors.reliability`: spread^2
            over spread^2 and the squared error of separation); 1 where it was not; None where it is not known.

    >>> error_sd(2.0), round(error_sd(2.0, 0.8), 2)
    (1.0, 1.41)
    """
    reliability = UNKNOWN if reliability is None else reliability
    separation = inf if reliability <= 0 else spread * sqrt((1 - reliability) / reliability)
    return hypot(WANTED_SHARE * spread, separation)


def drawn(centre: float, spread: float, references: Sequence[tuple[float, float]]) -> Drawn:
    """Draw references towards a catalog.

    Args:
        centre: of the catalog's songs.
        spread: their standard deviation, >= 0.
        references: value and `error_sd` of each.

    >>> drawn(-2.0, 2.0, [(-7.0, 1.0)])
    Drawn(value=-6.0, sd=0.8944271909999159, weights=(0.8,))
    >>> round(drawn(-2.0, 2.0, [(-7.0, 1.0), (-7.0, 1.0)]).value, 2)
    -6.44
    """
    if spread == 0 or not references:
        return Drawn(centre, spread, (0.0,) * len(references))
    precisions = [1 / max(error, 1e-9 * spread) ** 2 for _, error in references]
    total = 1 / spread**2 + sum(precisions)
    weights = tuple(precision / total for precision in precisions)
    value = centre + sum(weight * (at - centre) for weight, (at, _) in zip(weights, references, strict=True))
    return Drawn(value, sqrt(1 / total), weights)

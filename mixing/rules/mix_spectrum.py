"""The equaliser of a whole mix towards the spectrum of a song: each band a share of the way, smoothed over an octave.

The share is the weight of the posterior mean (`mixprior.mixing.rules.posterior`), by how well the band of the song says
what is wanted. What single bands have of their own, the notes that are played, is smoothed away.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.mixing.rules import posterior
from mixprior.mixing.rules.timbre import LEAST_DB, SpectrumPrior, as_loud, usable

LIMIT_DB = 6.0
"""Nothing is raised or cut by more."""

LEAST_BANDS = 5
_OCTAVE = np.array([1, 2, 3, 2, 1]) / 9.0  # weights of thirds of an octave


@dataclass(frozen=True)
class MixSpectrum:
    """An equaliser.

    Attributes:
        gains_db: at the 30 third-octave centres, shape (30,); they leave the power of the mix as it is.
        away_db: root of the mean square of what a band is away from what is wanted, their levels made alike.
        share: share of the way, mean over the bands.
    """

    gains_db: np.ndarray
    away_db: float
    share: float


def towards(
    own_db: np.ndarray,
    wanted: SpectrumPrior,
    off_db: float,
    trust: float = posterior.AS_MEASURED,
    limit_hz: float | None = None,
    amount: float = 1.0,
) -> MixSpectrum | None:
    """Choose the equaliser of a mix.

    Args:
        own_db: `stats.measures.spectrum.third_octave_db` of the mix, shape (30,).
        wanted: third octaves that are wanted, and how far what is wanted may be from them.
        off_db: standard deviation of how far what is measured is off in a band.
        trust: see `posterior.weight`.
        limit_hz: `stats.measures.band_limit.band_limit_hz` of the mix.
        amount: share of the gains.

    Returns:
        The equaliser; None where fewer than five bands can be compared, or there is nothing to set.

    >>> song = SpectrumPrior(np.full(30, -14.8), np.full(30, 2.0), np.full(30, 100), np.ones(30, bool))
    >>> found = towards(-14.8 + np.linspace(-6, 6, 30), song, 2.0)
    >>> round(found.share, 2), round(float(found.gains_db[5] - found.gains_db[24]), 1)
    (0.5, 3.9)
    """
    used = usable(own_db, wanted, limit_hz)
    if used.sum() < LEAST_BANDS:
        return None
    away_db = (wanted.centre_db - own_db)[used]
    away_db = away_db - np.median(away_db)
    weights = np.array([posterior.weight(float(sd), off_db, trust) or 0.0 for sd in wanted.sd_db[used]])
    places = np.flatnonzero(used)
    whole_db = np.interp(np.arange(own_db.size), places, weights * away_db)  # the nearest where a band is not compared
    smooth_db = np.convolve(np.pad(whole_db, _OCTAVE.size // 2, mode="edge"), _OCTAVE, mode="valid")
    gains_db = np.clip(amount * as_loud(smooth_db, own_db), -LIMIT_DB, LIMIT_DB)
    if np.abs(gains_db).max() < LEAST_DB:
        return None
    return MixSpectrum(gains_db, float(np.sqrt(np.mean(away_db**2))), float(weights.mean()))

"""The equaliser by shrinkage: how much of a spectrum's difference from a catalog's is taken back, band by band.

The third-octave levels of a song's class are `centre + song + level + error`: songs differ from the catalog's centre,
and raw material is off from what it becomes in a mix. Both are Gaussian over log frequency, the level is free. The
equaliser is the error's posterior mean, negated (Rasmussen and Williams, Gaussian Processes for Machine Learning, 2006,
equation 2.25, with the level as in 2.42). Songs differ from band to band, errors are broad: so what neighbouring bands
have in common is taken back, and what a single band does is left to the song.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.stats.measures.band_limit import carried
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

LIMIT_DB = 3.0
"""Nothing is raised or cut by more."""

LEAST_DB = 0.05
"""Gains below this are not worth a filter."""

SONG_OCTAVES = 1.3
"""Distance at which the correlation of two bands over songs falls to 1/e: of vocals and other instruments over 16 songs
of role `prior`. Bands of drums and bass go together over 4 octaves and more; most of that is a level, which is free
here."""

ERROR_OCTAVES = 3.0
"""Distance at which that of raw material's errors falls to exp(-1/2). What people change of raw drums in eight free
projects (`tools.songs.raw_and_mixed`) has, levels made alike, correlations of 0.66 and 0.31 at one and two octaves;
with this they are 0.76 and 0.32."""

LEAST_SONGS = 10
"""A band that fewer songs have is not known."""

REACH_DB = 24.0
"""A band that is further below its prior holds nothing of the sound: a filter or a codec has cut it off."""

COMPARED = (BAND_CENTRES_HZ > 60) & (BAND_CENTRES_HZ < 13_000)
"""Thirds of an octave by which the shapes of spectra are compared, 63 Hz to 12.5 kHz: bool, shape (30,)."""

_OCTAVES = np.log2(BAND_CENTRES_HZ)
_UPPER_EDGES_HZ = BAND_CENTRES_HZ * 10.0**0.05
_TINY = 1e-12


@dataclass(frozen=True)
class SpectrumPrior:
    """Third-octave levels of a class in a catalog's songs: each of shape (30,), NaN where not known.

    Attributes:
        centre_db: mean over the songs.
        sd_db: standard deviation over them.
        n: songs that have the band.
        reliable: whether the band is to be relied on where stems are separated, bool.
    """

    centre_db: np.ndarray
    sd_db: np.ndarray
    n: np.ndarray
    reliable: np.ndarray


@dataclass(frozen=True)
class Shrinkage:
    """An equaliser.

    Attributes:
        gains_db: at the 30 third-octave centres, shape (30,); they leave the power of the sound as it is.
        above_db: how far the sound is above the centre, their levels made alike, shape (30,); NaN in bands not used.
        share: share of that difference that the gains take back: the slope of one over the other, in dB, 0 or more.
    """

    gains_db: np.ndarray
    above_db: np.ndarray
    share: float

    @property
    def is_flat(self) -> bool:
        """Whether there is nothing to set."""
        return bool(np.abs(self.gains_db).max() < LEAST_DB)


def usable(own_db: np.ndarray, prior: SpectrumPrior, limit_hz: float | None = None) -> np.ndarray:
    """Which bands are compared, bool, shape (30,): those that the sound carries and the prior knows.

    Args:
        own_db: `stats.measures.spectrum.third_octave_db` of the sound.
        prior: that of its class.
        limit_hz: `stats.measures.band_limit.band_limit_hz` of the sound.
    """
    known = np.isfinite(own_db) & np.isfinite(prior.centre_db) & np.isfinite(prior.sd_db) & (prior.n >= LEAST_SONGS)
    above_db = np.where(known, own_db - prior.centre_db, np.nan)
    if not known.any():
        return known
    heard = np.zeros_like(known)
    heard[known] = above_db[known] >= np.median(above_db[known]) - REACH_DB
    return known & heard & prior.reliable & carried(_UPPER_EDGES_HZ, limit_hz)


def shrink(
    own_db: np.ndarray, prior: SpectrumPrior, off_db: float, limit_hz: float | None = None, amount: float = 1.0
) -> Shrinkage | None:
    """Choose the equaliser of a sound.

    Args:
        own_db: `stats.measures.spectrum.third_octave_db` of the sound, shape (30,).
        prior: that of its class.
        off_db: root mean square of how far raw material is off in a band, levels made alike.
        limit_hz: `stats.measures.band_limit.band_limit_hz` of the sound.
        amount: share of the gains.

    Returns:
        The equaliser; None where fewer than three bands can be compared.

    >>> flat = SpectrumPrior(np.full(30, -14.8), np.full(30, 4.0), np.full(30, 100), np.ones(30, bool))
    >>> tilted = -14.8 + 1.5 * (_OCTAVES - _OCTAVES.mean())
    >>> shrink(tilted, flat, 2.0).gains_db[[0, 15, 29]].round(1).tolist()
    [3.0, 1.3, -1.5]
    """
    used = usable(own_db, prior, limit_hz)
    if used.sum() < 3:
        return None
    spread_db = prior.sd_db * np.sqrt(1 + 1 / np.maximum(prior.n, 1))
    distance = np.abs(_OCTAVES[:, np.newaxis] - _OCTAVES)
    errors = np.exp(-0.5 * (distance / ERROR_OCTAVES) ** 2)
    errors *= off_db**2 / (1 - errors.mean())  # what is left of them without their level
    songs = np.outer(spread_db, spread_db) * np.exp(-distance / SONG_OCTAVES)
    inverse = np.linalg.inv((errors + songs)[np.ix_(used, used)])
    above_db = own_db[used] - prior.centre_db[used]
    above_db = above_db - inverse.sum(axis=0) @ above_db / inverse.sum()
    error_db = errors[:, used] @ inverse @ above_db
    gains_db = np.clip(amount * as_loud(-error_db, own_db), -LIMIT_DB, LIMIT_DB)
    about_mean_db = above_db - above_db.mean()
    share = max(float(-gains_db[used] @ about_mean_db / max(about_mean_db @ about_mean_db, _TINY)), 0.0)
    relative_db = np.full(len(own_db), np.nan)
    relative_db[used] = above_db
    return Shrinkage(gains_db, relative_db, share)


def as_loud(gains_db: np.ndarray, own_db: np.ndarray) -> np.ndarray:
    """The gains less what they do to the power of a sound with these levels."""
    powers = np.where(np.isfinite(own_db), 10 ** (np.nan_to_num(own_db) / 10), 0.0)
    return gains_db - 10 * np.log10(powers @ 10 ** (gains_db / 10) / powers.sum())

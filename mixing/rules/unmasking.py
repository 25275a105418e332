"""Frequency unmasking: equaliser bands by which vocals and their backing leave each other room.

Two rules, both after Hafezi & Reiss, "Autonomous multitrack equalization based on masking reduction" (JAES 63(5),
2015). A band is essential to a sound if its level there is among the highest of the sound. One sound masks another in a
band that is essential to the other and not to itself, by as much as it is the louder of the two there.
`mixprior.mixing.rules.masking.masked_db` measures how much is masked before and after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.settings import Band
from mixprior.mixing.rules.masking import octave_levels_db
from mixprior.stats.sound import Sound

SEED_CENTRES_HZ = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
SEED_ESSENTIAL_TO_VOCALS, SEED_ESSENTIAL_TO_BACKING = 6, 2
SEED_BANDS, SEED_Q = 4, 1.0

CENTRES_HZ = tuple(31.25 * 2.0**k for k in range(10))
ESSENTIAL = 3
BANDS, Q = 5, 2.0
OFFSET_DB = 10.0
"""A sound is masked from this far above its masker on: at 0, as published, the rule acts on no mix at a usual level."""

MASKED_DB = -11.5
"""Vocals of which a larger share of the energy is masked are unmasked. In the five sung mixes that choose what a mixer
does (docs/measured/mixing.md) -15.7 to -11.8 dB are masked."""

LIMIT_DB = 8.0
"""No filter raises or cuts by more."""


@dataclass(frozen=True)
class BandRecord:
    """What a rule measured in a band and what it does there.

    Attributes:
        centre_hz: middle of the octave.
        vocals_db: level of the vocals as the rule ranks it; None where there is nothing.
        backing_db: the same of the backing.
        vocals_rank: 1 is the strongest band of the vocals; None where there is nothing.
        backing_rank: the same of the backing.
        excess_db: backing over vocals, for the seed's rule less its mean over the bands; None where either has none.
        vocals_gain_db: gain of the vocals' filter, 0 without.
        backing_gain_db: gain of the backing's filter, 0 without.
        reason: why there is a filter; empty without.
    """

    centre_hz: float
    vocals_db: float | None
    backing_db: float | None
    vocals_rank: int | None
    backing_rank: int | None
    excess_db: float | None
    vocals_gain_db: float
    backing_gain_db: float
    reason: str


@dataclass(frozen=True)
class Unmasking:
    """The equalisers that a rule chooses.

    Attributes:
        vocals: filters of the vocals, the strongest first.
        backing: filters of the backing.
        bands: every band that was looked at; empty where there was nothing to look at.
        reason: what is done, in words.
    """

    vocals: tuple[Band, ...]
    backing: tuple[Band, ...]
    bands: tuple[BandRecord, ...]
    reason: str


def seed_rule(vocals: Sound, backing: Sound) -> Unmasking:
    """Equalise the vocals by the rule of K. Li (github likelian/Lab_spring2022, src/mixer/EQ.py).

    As it was meant, not as it ran: there the band edges are divided by half the sample rate and handed to
    `scipy.signal.butter` beside the rate, so that all nine filters are below 1.1 Hz. And made to hold for vocals at
    any level: blocks of 100 ms count from 30 dB below the vocals' peak, which is -30 dBFS for vocals that reach full
    scale. The level is root mean square over bandwidth, as there.

    Args:
        vocals: the vocals.
        backing: at the same rate; what is longer than the other is left out.

    Returns:
        At most four peaks for the vocals, Q 1, within 8 dB; none for the backing.

    Raises:
        InputError: if a sample is not a number.
    """
    centres = _usable(SEED_CENTRES_HZ, vocals.rate_hz)
    levels_db = octave_levels_db(vocals, backing, centres)
    if levels_db is None:
        return _NOTHING
    levels_db = levels_db - 20.0 * np.log10(centres / np.sqrt(2.0))
    gains_db = np.stack([seed_gains_db(*levels_db), np.zeros(len(centres))])
    return _unmasking(centres, levels_db, _relative_excess_db(*levels_db), gains_db, SEED_Q)


def hafezi_reiss(vocals: Sound, backing: Sound) -> Unmasking:
    """Equalise vocals and backing by Hafezi & Reiss: each is cut where it masks the other.

    Ten octave bands, the three strongest essential, peaks of Q 2. Levels are mean squares over the 100 ms blocks in
    which there are vocals; the paper takes frames of 1,024 samples weighted by their level, sung or not.

    Args:
        vocals: the vocals, at the level they have in the mix: the rule compares levels.
        backing: at the same rate; what is longer than the other is left out.

    Returns:
        At most five cuts for either, of as much as it masks the other, no more than 8 dB.

    Raises:
        InputError: if a sample is not a number.
    """
    centres = _usable(CENTRES_HZ, vocals.rate_hz)
    levels_db = octave_levels_db(vocals, backing, centres)
    if levels_db is None:
        return _NOTHING
    gains_db = hafezi_reiss_gains_db(levels_db)
    return _unmasking(centres, levels_db, levels_db[1] - levels_db[0], gains_db, Q)


def where_masked(vocals: Sound, backing: Sound, masked_db: float | None) -> Unmasking:
    """Equalise by `hafezi_reiss` where the vocals are masked: where `masked_db` of them is above `MASKED_DB`.

    Args:
        vocals: see `hafezi_reiss`.
        backing: see `hafezi_reiss`.
        masked_db: `mixprior.mixing.rules.masking.masked_db` of the two.

    Raises:
        InputError: if a sample is not a number.
    """
    if masked_db is None or masked_db <= MASKED_DB:
        share = 0.0 if masked_db is None else 10 ** (masked_db / 10)
        most = 10 ** (MASKED_DB / 10)
        return Unmasking((), (), (), f"nothing to unmask: {share:.0%} of the vocals are masked, {most:.0%} may be")
    return hafezi_reiss(vocals, backing)


def seed_gains_db(vocals_db: np.ndarray, backing_db: np.ndarray) -> np.ndarray:
    """The seed's rule on band levels: gains of the vocals.

    With `excess = backing - vocals`, less its mean: a band among the 2 strongest of the backing and not among the 6 of
    the vocals is cut by how far the vocals are over the backing; one among the 6 of the vocals and not among the 2 of
    the backing is raised by how far the backing is over the vocals. Gains end at 8 dB; the 4 largest are kept.

    Args:
        vocals_db: level by band, NaN where there is nothing.
        backing_db: the same.

    Returns:
        float64, of the same shape; 0 where there is no filter.

    >>> vocals_db = np.array([-60, -40, -30, -32, -34, -36, -38, -50, -55.0])
    >>> backing_db = np.array([-38, -30, -28, -45, -45, -40, -45, -60, -69.0])
    >>> seed_gains_db(vocals_db, backing_db).round(2).tolist()
    [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]
    """
    excess_db = _relative_excess_db(vocals_db, backing_db)
    of_vocals = _ranks(vocals_db) <= SEED_ESSENTIAL_TO_VOCALS
    of_backing = _ranks(backing_db) <= SEED_ESSENTIAL_TO_BACKING
    cut = of_backing & ~of_vocals & (excess_db < 0.0)
    raised = of_vocals & ~of_backing & (excess_db > 0.0)
    return _largest(np.where(cut | raised, excess_db, 0.0), SEED_BANDS)


def hafezi_reiss_gains_db(levels_db: np.ndarray, offset_db: float = OFFSET_DB) -> np.ndarray:
    """The rule of Hafezi & Reiss on band levels: each sound is cut by what it masks, in five bands, by 8 dB at most.

    Args:
        levels_db: shape (sounds, bands), NaN where a sound has nothing.
        offset_db: see `amounts_db`.

    Returns:
        float64, of the same shape: 0 or negative.
    """
    return np.stack([_largest(0.0 - masked, BANDS) for masked in amounts_db(levels_db, offset_db)])


def amounts_db(levels_db: np.ndarray, offset_db: float = OFFSET_DB) -> np.ndarray:
    """How much each sound masks the one it masks most, by band: equation 1 of Hafezi & Reiss.

    Sound A masks B where rank B <= 3 < rank A, by level A - level B. Negative amounts are no masking and become 0,
    after an offset that stands for what masking does below equal levels.

    Args:
        levels_db: shape (sounds, bands), NaN where a sound has nothing.
        offset_db: added to the difference of levels; 0 is the paper's.

    Returns:
        float64, of the same shape.

    >>> levels_db = np.array([[-20, -22, -24, -30, -50], [-40, -38, -26, -21, -20.0]])
    >>> amounts_db(levels_db, 0.0).tolist()
    [[0.0, 0.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    >>> amounts_db(levels_db, 10.0).tolist()
    [[0.0, 0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0, 0.0]]
    """
    essential = _ranks(levels_db) <= ESSENTIAL
    over_db = levels_db[:, np.newaxis] - levels_db + offset_db
    masks = ~essential[:, np.newaxis] & essential & np.isfinite(over_db)
    return np.where(masks, np.maximum(over_db, 0.0), 0.0).max(axis=1)


def _usable(centres_hz: tuple[float, ...], rate_hz: int) -> np.ndarray:
    # The highest band must have most of its octave below half the sample rate: 16 kHz at 44.1 kHz, 8 kHz at 22.05.
    return np.array([centre for centre in centres_hz if centre <= 0.4 * rate_hz])


def _relative_excess_db(vocals_db: np.ndarray, backing_db: np.ndarray) -> np.ndarray:
    """Backing over vocals less the mean over the bands that both have; NaN in the others."""
    excess_db = backing_db - vocals_db
    both = np.isfinite(excess_db)
    return excess_db - excess_db[both].mean() if both.any() else excess_db


def _ranks(levels_db: np.ndarray) -> np.ndarray:
    """1 for the strongest band of each sound; infinite where it has nothing."""
    order = np.argsort(-levels_db, axis=-1, kind="stable")
    ranks = np.argsort(order, axis=-1) + 1.0
    ranks[np.isnan(levels_db)] = np.inf
    return ranks


def _largest(gains_db: np.ndarray, count: int) -> np.ndarray:
    kept = np.zeros(len(gains_db))
    strongest = np.argsort(-np.abs(gains_db), kind="stable")[:count]
    kept[strongest] = np.clip(gains_db[strongest], -LIMIT_DB, LIMIT_DB)
    return kept


_NOTHING = Unmasking((), (), (), "nothing to unmask: no 100 ms have vocals and backing in them")


def _unmasking(
    centres_hz: np.ndarray, levels_db: np.ndarray, excess_db: np.ndarray, gains_db: np.ndarray, q: float
) -> Unmasking:
    def listed(values: np.ndarray) -> list[float | None]:
        return [float(value) if np.isfinite(value) else None for value in values]

    ranks = [[None if rank is None else int(rank) for rank in listed(of_sound)] for of_sound in _ranks(levels_db)]
    reasons = [_reason(*of_band) for of_band in gains_db.T]
    columns = (centres_hz.tolist(), *map(listed, levels_db), *ranks, listed(excess_db), *gains_db.tolist(), reasons)
    records = tuple(BandRecord(*band) for band in zip(*columns, strict=True))
    vocals, backing = (_filters(centres_hz, gains, q) for gains in gains_db)
    done = [f"{record.centre_hz:g} Hz: {record.reason}" for record in records if record.reason]
    return Unmasking(vocals, backing, records, "; ".join(done) or "no band of one sound is masked by the other")


def _reason(vocals_gain_db: float, backing_gain_db: float) -> str:
    if vocals_gain_db > 0.0:
        return f"vocals {vocals_gain_db:+.1f} dB: the band is essential to them, and the backing masks it"
    if vocals_gain_db < 0.0:
        return f"vocals {vocals_gain_db:+.1f} dB: they mask the backing, to which the band is essential"
    if backing_gain_db < 0.0:
        return f"backing {backing_gain_db:+.1f} dB: it masks the vocals, to which the band is essential"
    return ""


def _filters(centres_hz: np.ndarray, gains_db: np.ndarray, q: float) -> tuple[Band, ...]:
    strongest = np.argsort(-np.abs(gains_db), kind="stable")
    return tuple(Band("peak", float(centres_hz[k]), float(gains_db[k]), q) for k in strongest if gains_db[k])

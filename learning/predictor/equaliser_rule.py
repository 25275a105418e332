"""Kelian Li's rule for an equaliser of the vocals, tested by itself: to cut where they are above their backing.

Vocals of an excerpt were tilted by a known amount, and separated again. A rule that learns how people equalise would
bring them back to how they were before. A rule that makes vocals as their backing does not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.learning.predictor.known_truth import Remixes
from mixprior.learning.predictor.song_examples import equaliser, octaves_db


@dataclass(frozen=True)
class Tested:
    """The rule on the remixes of one song.

    Attributes:
        off_db: mean absolute difference by octave of the tilted vocals to the vocals before, without its mean.
        after_db: the same after the rule's cuts.
        follows: slope of the rule's own tilt on that of the vocals: -1 undoes it, 0 does not hear it.
    """

    off_db: float
    after_db: float
    follows: float


def tested(remixes: Remixes) -> dict[str, Tested]:
    """Test the rule: by song."""
    return {str(song): _tested(remixes.mel_db[remixes.songs == song]) for song in np.unique(remixes.songs)}


def _tested(mel_db: np.ndarray) -> Tested:
    """Of (excerpts, 1 + remixes, 2, bands, frames)."""
    off, after, tilts, own = [], [], [], []
    for excerpt in mel_db.astype(np.float32):
        before_db = _shape(excerpt[0])
        for remix in excerpt[1:]:
            moved_db = _shape(remix) - before_db
            gains_db = np.array(list(equaliser(remix[None]).values()))
            off.append(np.abs(moved_db).mean())
            after.append(np.abs(moved_db + gains_db).mean())
            tilts.append(_tilt(moved_db))
            own.append(_tilt(gains_db))
    return Tested(float(np.mean(off)), float(np.mean(after)), float(np.polyfit(tilts, own, 1)[0]))


def _shape(pair_db: np.ndarray) -> np.ndarray:
    vocals_db = octaves_db(pair_db[None])[0]
    return np.asarray(vocals_db - vocals_db.mean())


def _tilt(octaves: np.ndarray) -> float:
    return float(np.polyfit(np.arange(len(octaves)), octaves, 1)[0])

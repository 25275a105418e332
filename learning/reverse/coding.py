"""What a lossy coder takes of the level: a bias that no residual shows, as it looks like a gain.

A coder drops what it cannot afford and rounds towards zero. The part of its output that is like its input is lower than
the input, and the rest is noise. With noise of energy r over the mix, AAC lowers by up to a sixth of the root of r, MP3
and Opus by about 0.4 r (`docs/reverse.md`). Which coder it was, if any, is not known: intervals are wider by what the
worst of them takes, and figures stay as they are.
"""

from __future__ import annotations

import numpy as np

LOWERED = 0.2
"""Most that a coder lowers, over the root of noise over mix: with it all gains of Potassium and of generated sounds are
held in AAC. In bands 0.17 was measured."""
_DB = 20 / np.log(10)


def noise(energy: np.ndarray, of_mix: np.ndarray, of_left: np.ndarray) -> np.ndarray:
    """Root of noise over mix by band, for the energy of each track, (tracks, bands).

    Args:
        energy: of the tracks in a frame, (tracks, bands).
        of_mix: energy of the mix in it, (bands,).
        of_left: energy of what is left of the mix, (bands,).
    """
    return np.asarray(energy * np.sqrt(np.minimum(of_left / np.maximum(of_mix, 1e-30), 1.0)))


def lowered_db(roots: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """By how much a coder may have lowered what counts by weights: (..., bands) to (...).

    >>> round(float(lowered_db(np.array([0.1, 0.1]), np.array([1.0, 3.0]))), 2)
    0.17
    """
    return np.asarray(_DB * LOWERED * (roots * weights).sum(axis=-1) / np.maximum(weights.sum(axis=-1), 1e-30))

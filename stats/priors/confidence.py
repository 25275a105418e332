"""How far the separation of a stem can be trusted: the share of its energy that is not the separation's error."""

from __future__ import annotations

import numpy as np


def confidence(loudness_vs_mixture_lu: np.ndarray, separation_residual_db: np.ndarray) -> np.ndarray:
    """Share of a stem's energy in that energy and the energy of the residual, mixture minus all stems.

    What the stems leave over is energy that the separation has put nowhere; what it has put in the wrong stem is not
    seen by it, but is of its order. A stem far above it is trusted, one that sinks in it is not:
    1 / (1 + 10^-(d / 10)), with d the level of the stem above the residual in dB.

    Args:
        loudness_vs_mixture_lu: level of the stem against the mixture; NaN where it has none.
        separation_residual_db: energy of the mixture over that of the residual; NaN for true stems that leave none.

    Returns:
        From 0 to 1, same shape; 1 where the residual is not known, or the stem is silent: its values are certain.

    >>> confidence(np.array([-3.0, -30.0]), np.array([30.0, 30.0])).round(3)
    array([0.998, 0.5  ])
    """
    above_db = loudness_vs_mixture_lu + separation_residual_db
    trusted = 1.0 / (1.0 + 10.0 ** (-above_db / 10.0))
    return np.where(np.isnan(above_db), 1.0, trusted)

"""A fast, imperfect separator: soft masks with smooth errors, for more clips than HTDemucs can separate in time."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter
from scipy.signal import istft, stft

_SIZE = 2048
_HOP = 512


def separate(rng: np.random.Generator, vocals: np.ndarray, backing: np.ndarray) -> np.ndarray:
    """Separate vocals from their sum with a backing by a mask that has errors in patches and gates low levels.

    Args:
        rng: source of the errors.
        vocals: (2, samples).
        backing: of the same shape.

    Returns:
        The estimate of the vocals, float32, (2, samples).
    """

    def spectrum(audio: np.ndarray) -> np.ndarray:
        return stft(audio, nperseg=_SIZE, noverlap=_SIZE - _HOP)[2]

    voice, rest = spectrum(vocals), spectrum(backing)
    spread = rng.uniform(1.0, 4.0)
    patches = rng.standard_normal(voice.shape[1:])
    error_db = gaussian_filter(patches, (rng.uniform(1, 6), rng.uniform(0.5, 3)))
    error_db *= spread / error_db.std()
    sharpness = rng.uniform(0.7, 1.6)
    louder = (np.square(np.abs(voice)).sum(0) + 1e-12) / (np.square(np.abs(rest)).sum(0) + 1e-12)
    ratio = (louder * 10 ** ((error_db + rng.uniform(0, 12)) / 10)) ** sharpness
    mask = np.maximum(ratio / (1 + ratio), 10 ** (-rng.uniform(25, 60) / 20))
    _, estimate = istft((voice + rest) * mask, nperseg=_SIZE, noverlap=_SIZE - _HOP)
    return estimate[:, : vocals.shape[1]].astype(np.float32)

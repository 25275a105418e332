"""What every effect asks of a sound."""

from __future__ import annotations

import numpy as np

from mixprior.stats.errors import InputError


def checked(audio: np.ndarray) -> np.ndarray:
    """Give a sound as contiguous float32, shape (2, samples), copied only where it is not yet that.

    Raises:
        InputError: if it is not stereo, or holds NaN or infinity, which a filter would keep for ever.
    """
    if audio.ndim != 2 or len(audio) != 2:
        raise InputError(f"effects take stereo, shape (2, samples), not {audio.shape}; repeat a mono channel")
    audio = np.ascontiguousarray(audio, np.float32)
    if not np.isfinite(audio).all():
        raise InputError("the sound holds samples that are not numbers (NaN or infinite); repair it first")
    return audio

"""Energies of 100 ms blocks after K-weighting: computed once, read by every loudness measure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Blocks:
    """Mean squares of consecutive 100 ms blocks; the unfinished last block is left out.

    Attributes:
        weighted: float64, shape (channels, blocks): mean square after the K filter (ITU-R BS.1770).
        plain: float64, shape (channels, blocks): mean square of the samples as they are.
        mono_weighted: float64, shape (blocks,): K-weighted mean square of the mean of the channels.
    """

    weighted: np.ndarray
    plain: np.ndarray
    mono_weighted: np.ndarray


def measure(audio: np.ndarray, rate_hz: int) -> Blocks:
    raise NotImplementedError  # replaced by the loudness work

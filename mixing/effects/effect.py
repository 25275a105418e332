"""What an effect is: blocks in, blocks out, the same as in one piece."""

from __future__ import annotations

from typing import Protocol

import numpy as np


class Effect(Protocol):
    """A sound processor with a state.

    However a sound is cut into blocks, the samples that come out are the same, bit for bit.

    Attributes:
        delay: samples by which the output lags behind the input.
    """

    delay: int

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Take the next samples, float32 (2, n), and give as many, `delay` samples late."""
        ...


def render(effect: Effect, audio: np.ndarray) -> np.ndarray:
    """Process a whole sound: the output is at the place of the input in time, and as long.

    Args:
        effect: a fresh one.
        audio: float32, (2, samples).

    Returns:
        float32, (2, samples).
    """
    if not effect.delay:
        return effect.process(audio)
    tail = np.zeros((audio.shape[0], effect.delay), np.float32)
    return np.concatenate([effect.process(audio), effect.process(tail)], axis=1)[:, effect.delay :]

"""What an effect is: blocks in, blocks out, the same as in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Protocol

import numpy as np

_BLOCK = 16_384
"""Samples that pass all effects together: with what is made of them they stay in the processor's second cache."""
_KEPT_BYTES = 1 << 24
"""Twice that is more than what effects make for a while: 8 MB at 44.1 kHz, in a transform of the matching filter."""


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
    return render_all([effect], audio)


def render_all(effects: Sequence[Effect], audio: np.ndarray) -> np.ndarray:
    """Process a whole sound by one effect after the other: what `render` by each in turn gives, bit for bit.

    A block passes all effects while it is in the processor's cache.

    Args:
        effects: fresh ones.
        audio: float32, (2, samples).

    Returns:
        float32, (2, samples); a new array.
    """
    # Never touched, so it costs nothing. The heap (glibc's, unless told otherwise) keeps up to twice the largest piece
    # that was ever freed; with less, what effects make for a while goes back to the system, and comes page by page.
    np.empty(_KEPT_BYTES, np.uint8)
    blocks: Iterator[np.ndarray] = (audio[:, at : at + _BLOCK] for at in range(0, audio.shape[1], _BLOCK))
    for effect in effects:
        blocks = _in_time(effect, blocks)
    rendered = np.empty(audio.shape, np.float32)
    done = 0
    for block in blocks:
        rendered[:, done : done + block.shape[1]] = block
        done += block.shape[1]
    return rendered


def _in_time(effect: Effect, blocks: Iterator[np.ndarray]) -> Iterator[np.ndarray]:
    """What an effect makes of blocks, as many samples and not late: silence follows the last block."""
    late = effect.delay
    silence = np.zeros((2, _BLOCK), np.float32)
    tail = (silence[:, : effect.delay - at] for at in range(0, effect.delay, _BLOCK))
    for block in chain(blocks, tail):
        processed = effect.process(block)
        early = min(late, processed.shape[1])
        late -= early
        if early < processed.shape[1]:
            yield processed[:, early:]

"""A sound without its digital silence, as the tracks of a song are for most of it: kept in less memory."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.stats.loudness_blocks import Blocks
from mixprior.stats.sound import Sound

_BLOCK = 1 << 14
"""Samples that are kept or left out together."""


@dataclass(frozen=True)
class Sparse:
    """A sound, by what is in it.

    Attributes:
        parts: where each begins, in samples, and its audio, (channels, samples).
        channels: of the sound.
        samples: of the sound.
        rate_hz: its sample rate.
        blocks: what was measured of its levels.
    """

    parts: tuple[tuple[int, np.ndarray], ...]
    channels: int
    samples: int
    rate_hz: int
    blocks: Blocks

    @classmethod
    def of(cls, sound: Sound) -> Sparse:
        """Take a sound apart.

        >>> audio = np.zeros((2, 5 * 16_384), np.float32)
        >>> audio[0, 20_000] = 1
        >>> sparse = Sparse.of(Sound(audio, 44_100))
        >>> sparse.nbytes, bool((sparse.sound().audio == audio).all())
        (131072, True)
        """
        audio = sound.audio
        heard = np.array([audio[:, k : k + _BLOCK].any() for k in range(0, sound.samples, _BLOCK)], bool)
        edges = np.flatnonzero(np.diff(heard, prepend=False, append=False)) * _BLOCK
        parts = tuple((int(start), audio[:, start:end].copy()) for start, end in edges.reshape(-1, 2))
        return cls(parts, sound.channels, sound.samples, sound.rate_hz, sound.blocks)

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return sum(audio.nbytes for _, audio in self.parts)

    def sound(self) -> Sound:
        """The sound again, sample by sample, with its levels as they were measured."""
        audio = np.zeros((self.channels, self.samples), np.float32)
        for start, part in self.parts:
            audio[:, start : start + part.shape[1]] = part
        sound = Sound(audio, self.rate_hz)
        vars(sound)["blocks"] = self.blocks  # where cached_property keeps it
        return sound

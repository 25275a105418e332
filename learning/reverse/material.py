"""What is taken apart: tracks and their mix, of one rate and aligned, and the frames in which they are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy.fft

FRAME_S = 1.4
"""About the length of a frame: long against filters, short against a song."""
LEAST_FRAMES = 12
_OVERLAP = 2


@dataclass(frozen=True, eq=False)
class Material:
    """Tracks and their mix.

    Attributes:
        names: of the tracks.
        tracks: float32, (tracks, 2, samples).
        mix: float32, (2, samples).
        rate_hz: sample rate of both.
        counted: stretches that are compared, first sample and the one after the last; what is before them is heard, as
            the past of reverbs and compressors.
    """

    names: tuple[str, ...]
    tracks: np.ndarray
    mix: np.ndarray
    rate_hz: int
    counted: tuple[tuple[int, int], ...]

    @cached_property
    def frame(self) -> int:
        """Samples of a frame, a power of two; shorter where there is little sound."""
        most = max(sum(stop - start for start, stop in self.counted) * _OVERLAP // LEAST_FRAMES, 256)
        return 1 << int(min(np.log2(FRAME_S * self.rate_hz) + 0.5, np.log2(most)))

    @cached_property
    def window(self) -> np.ndarray:
        """A Hann window of a frame, float32."""
        return np.asarray(0.5 - 0.5 * np.cos(2 * np.pi * (np.arange(self.frame) + 0.5) / self.frame), np.float32)

    @cached_property
    def starts(self) -> np.ndarray:
        """First samples of the frames."""
        hop = self.frame // _OVERLAP
        return np.concatenate([np.arange(start, stop - self.frame + 1, hop) for start, stop in self.counted])

    def spectra(self, sounds: np.ndarray, start: int, bins: int) -> np.ndarray:
        """Transform a frame of sounds, (..., samples), to complex64, (..., bins)."""
        piece = sounds[..., start : start + self.frame] * self.window
        return np.asarray(scipy.fft.rfft(piece)[..., :bins], np.complex64)

    def frames(self, bins: int) -> Iterator[np.ndarray]:
        """Spectra of all tracks and, last, of the mix: complex64, (tracks + 1, 2, bins), frame by frame."""
        for start in self.starts:
            tracks = self.spectra(self.tracks, start, bins)
            yield np.concatenate([tracks, self.spectra(self.mix, start, bins)[None]])

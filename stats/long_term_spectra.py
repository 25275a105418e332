"""Long-term spectra of a stereo sound: one pass of long FFTs, read by the spectrum and the panning statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numba
import numpy as np

from mixprior.stats.frames import FrameEnergies, SummedSpectra
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

FRAME = 65_536
HOP = 16_384
BINS = FRAME // 2 + 1
POOL = 16
"""Bins that are averaged into one stored bin."""
POOLED_EDGES_HZ = (np.arange(0, BINS, POOL) + POOL / 2) * (SAMPLE_RATE_HZ / FRAME)
"""Upper edges of the stored bins."""

_WINDOW = np.sqrt(periodic_hann(FRAME)).astype(np.float32)
_FRAMES_AT_ONCE = 2
SILENT_FRAME = 1e-6
"""Frames with less than this share of the loudest frame's energy (-60 dB) are left out of panning."""
UNEXCITED_BIN = 1e-12
"""Bins with less than this share of the mean bin's power (-120 dB) hold the rounding of float32, not sound."""


@dataclass(frozen=True)
class LongTermSpectra:
    """Means over frames of 65,536 samples (1.49 s), square root of a Hann window, every 16,384 samples, FFT not scaled.

    As in FxNorm-automix, only whole frames count: neither end is padded, so up to 16,383 last samples are left out, and
    both ends weigh less. A sound shorter than a frame is padded with silence to one.

    Attributes:
        magnitude: float64, shape (32769,): mean over frames and channels of |X|.
        power: float64, shape (32769,): mean over frames of |L|^2 + |R|^2.
        phi: float64, shape (32769,): mean of 2 |L R*| / (|L|^2 + |R|^2) over the frames that are not silent and have
            power in the bin; NaN where no frame has.
    """

    magnitude: np.ndarray
    power: np.ndarray
    phi: np.ndarray


def measure(audio: np.ndarray) -> LongTermSpectra:
    """Measure the long-term spectra of a stereo sound.

    Args:
        audio: float32, shape (2, samples).
    """
    return measure_all({"": audio}, {})[""]


def measure_all(sounds: Mapping[str, np.ndarray], sums: Mapping[str, Sequence[str]]) -> dict[str, LongTermSpectra]:
    """Measure the long-term spectra of stereo sounds that are equally long.

    Args:
        sounds: float32, shape (2, samples).
        sums: those of them that are sums of others, and of which.
    """
    sounds = {name: filled_up(audio) for name, audio in sounds.items()}
    floors = {name: floors_of(FrameEnergies(FRAME, HOP).add(audio)) for name, audio in sounds.items()}
    totals = {name: SpectraSums() for name in sounds}
    spectra = transforms([name for name in sounds if name not in sums], sums)
    for batches in (spectra.add(sounds), spectra.last()):
        for name, batch in batches:
            totals[name].add(batch, floors[name])
    return {name: total.result() for name, total in totals.items()}


class SpectraSums:
    """Long-term spectra of a stereo sound by the spectra of its frames, which come in batches: see `transforms`.

    Which frames are silent depends on the loudest one, so the sound comes twice: first to `mixprior.stats.frames.
    FrameEnergies`, then here.
    """

    def __init__(self) -> None:
        self._known = 0
        self._sums = np.zeros((4, BINS))

    def add(self, spectra: np.ndarray, floors: np.ndarray) -> None:
        """Take the next frames.

        Args:
            spectra: complex64, shape (2, frames, 32769).
            floors: `floors_of` the energies of all frames; where they are not known yet, of those that are, which are
                at least the frames up to these.
        """
        left, right = spectra
        _accumulate(left, right, floors[self._known : self._known + len(left)], *self._sums)
        self._known += len(left)

    def result(self) -> LongTermSpectra:
        """Return the spectra over all frames, of which there is at least one."""
        magnitude, power, phi, excited = self._sums
        with np.errstate(invalid="ignore"):
            return LongTermSpectra(magnitude / (2 * self._known), power / self._known, phi / excited)


def transforms(names: Iterable[str], sums: Mapping[str, Sequence[str]]) -> SummedSpectra:
    """Transform the frames of sounds; arguments as of `SummedSpectra`."""
    return SummedSpectra(_WINDOW, HOP, _FRAMES_AT_ONCE, names, sums)


def filled_up(audio: np.ndarray) -> np.ndarray:
    """A sound shorter than a frame, with silence up to one."""
    missing = FRAME - audio.shape[-1]
    return np.pad(audio, ((0, 0), (0, missing))) if missing > 0 else audio


def excitation_floors(audio: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """Power |L|^2 + |R|^2 that a bin must exceed, for each frame, to count for panning.

    Args:
        audio: float32, shape (2, samples), at least a frame long.
        frame: samples of a frame, a multiple of `hop`.
        hop: samples from one frame to the next.

    Returns:
        float32, shape (frames,), see `floors_of`.
    """
    return floors_of(FrameEnergies(frame, hop).add(audio))


def floors_of(energies: np.ndarray) -> np.ndarray:
    """Floors of frames by their energies: `UNEXCITED_BIN` of the frame's mean bin, infinite in a silent frame.

    Args:
        energies: shape (frames,), of all frames of a sound.

    Returns:
        float32, shape (frames,).
    """
    return np.where(audible(energies), UNEXCITED_BIN * energies, np.inf).astype(np.float32)


def audible(energies: np.ndarray) -> np.ndarray:
    """Which frames are not silent beside the loudest one, bool, shape (frames,)."""
    return energies > SILENT_FRAME * energies.max(initial=0.0)


@numba.njit(cache=True, error_model="numpy")
def _accumulate(
    left: np.ndarray,
    right: np.ndarray,
    floors: np.ndarray,
    magnitude: np.ndarray,
    power: np.ndarray,
    phi: np.ndarray,
    excited: np.ndarray,
) -> None:
    """Add a block of frames, shape (frames, bins), to the sums, shape (bins,)."""
    for frame in range(len(floors)):
        floor = floors[frame]
        for k in range(len(power)):
            left_power = left[frame, k].real ** 2 + left[frame, k].imag ** 2
            right_power = right[frame, k].real ** 2 + right[frame, k].imag ** 2
            both = left_power + right_power
            left_magnitude, right_magnitude = np.sqrt(left_power), np.sqrt(right_power)
            magnitude[k] += left_magnitude + right_magnitude
            power[k] += both
            if both > floor:
                phi[k] += 2.0 * left_magnitude * right_magnitude / both
                excited[k] += 1.0


def pool(bins: np.ndarray) -> np.ndarray:
    """Average 32,769 bins to 2,049: stored bin k takes bins 16k - 8 to 16k + 7, cut at both ends; NaN is left out.

    Every bin goes to exactly one stored bin, so nothing is counted twice.
    """
    starts = np.maximum(np.arange(0, BINS, POOL) - POOL // 2, 0)
    known = np.isfinite(bins)
    total = np.add.reduceat(np.where(known, bins, 0.0), starts)
    with np.errstate(invalid="ignore"):
        return total / np.add.reduceat(known, starts, dtype=np.intp)

"""Long-term spectra of a stereo sound: one pass of long FFTs, read by the spectrum and the panning statistics."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numba
import numpy as np

from mixprior.stats.fft import long
from mixprior.stats.fft.lanes import LANES, LINE_BYTES, all_of, load, root, store, times_plus, where_above, zeros
from mixprior.stats.frames import LongFrames, Stack, sum_of_members
from mixprior.stats.hop_energies import FrameEnergies
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.windows import periodic_hann

FRAME = 65_536
HOP = 16_384
BINS = FRAME // 2 + 1
POOL = 16
"""Bins that are averaged into one stored bin."""
POOLED_EDGES_HZ = (np.arange(0, BINS, POOL) + POOL / 2) * (SAMPLE_RATE_HZ / FRAME)
"""Upper edges of the stored bins."""

_FRAMES_AT_ONCE = 2
_GROUPS_OF_LINE = LINE_BYTES // 4 // LANES
"""Groups of parts whose samples share a line of the cache."""
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
    spectra = SongSpectra(sounds, sums)
    spectra.add(sounds, {name: floors_of(FrameEnergies(FRAME, HOP).add(audio)) for name, audio in sounds.items()})
    return spectra.result()


class SongSpectra:
    """`measure_all` of sounds that come in pieces of any length, at least a frame in all.

    Which frames are silent depends on the loudest one, so sounds come twice: first to `mixprior.stats.
    hop_energies.FrameEnergies`, then here.

    Args:
        names: of the sounds.
        sums: those of them that are sums of others, and of which.
    """

    def __init__(self, names: Iterable[str], sums: Mapping[str, Sequence[str]]) -> None:
        self._stack = Stack(names, sums)
        self._frames, self._known = LongFrames(FRAME, HOP, _FRAMES_AT_ONCE, self._stack.channels), 0
        self._floors = np.zeros((len(self._stack.names), 0), np.float32)
        self._sums = zeros(len(self._stack.names), 4, long.size(FRAME))
        self._work = zeros(4, long.work_size(FRAME))
        self._spectra = zeros(self._stack.channels, _FRAMES_AT_ONCE, 2, long.size(FRAME))

    def add(self, sounds: Mapping[str, np.ndarray], floors: Mapping[str, np.ndarray]) -> None:
        """Take the next piece.

        Args:
            sounds: float32, shape (2, samples), by name.
            floors: for each of them `floors_of` the energies of all frames; where they are not known yet, of those that
                are, which are at least the frames of the pieces so far.
        """
        self._floors = np.stack([floors[name] for name in self._stack.names])
        for batch in self._frames.add(self._stack.of(sounds)):
            self._accumulate(batch)

    def result(self) -> dict[str, LongTermSpectra]:
        """Return the spectra over all frames, of which there is at least one; to be called once."""
        for batch in self._frames.last():
            self._accumulate(batch)
        sums = self._sums[..., long.places(FRAME)].astype(np.float64)
        magnitude, power, phi, excited = sums.swapaxes(0, 1)
        with np.errstate(invalid="ignore"):
            means = magnitude / (2 * self._known), power / self._known, phi / excited
        return {name: LongTermSpectra(*each) for name, *each in zip(self._stack.names, *means, strict=True)}

    def _accumulate(self, batch: np.ndarray) -> None:
        first, self._known = self._known, self._known + batch.shape[1]
        floors = np.ascontiguousarray(self._floors[:, first : self._known])
        _accumulate(batch, floors, self._stack.members, _plan(), self._work, self._spectra.ravel(), self._sums)


@cache
def _plan() -> long.Plan:
    return long.plan(np.sqrt(periodic_hann(FRAME)))


def filled_up(audio: np.ndarray) -> np.ndarray:
    """A sound shorter than a frame, with silence up to one."""
    missing = FRAME - audio.shape[-1]
    return np.pad(audio, ((0, 0), (0, missing))) if missing > 0 else audio


def excitation_floors(audio: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """Power |L|^2 + |R|^2 that a bin must exceed, for each frame, to count for panning.

    Args:
        audio: float32, shape (2, samples), at least a frame long.
        frame: samples of a frame, a multiple of `hop`.
        hop: samples from one frame to the next: 1,024 times a power of two.

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
    batch: np.ndarray,
    floors: np.ndarray,
    members: np.ndarray,
    plan: long.Plan,
    work: np.ndarray,
    spectra: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Add frames, shape (channels, frames, samples), to the sums, shape (sounds, 4, numbers of a spectrum)."""
    channels, frames = batch.shape[:2]
    size, block = sums.shape[2], long.PARTS * LANES
    for line in range(0, long.PARTS // LANES, _GROUPS_OF_LINE):
        for k in range(channels * frames):
            re, im = spectra[2 * k * size : (2 * k + 1) * size], spectra[(2 * k + 1) * size : (2 * k + 2) * size]
            for group in range(line, line + _GROUPS_OF_LINE):
                long.columns(batch[k // frames, k % frames], group, plan, work, re, im)
    few, total = np.empty(2 * channels * frames * block, np.float32), np.empty(4 * frames * block, np.float32)
    for first in range(0, size, block):
        for k in range(channels * frames):
            re, im = few[2 * k * block : (2 * k + 1) * block], few[(2 * k + 1) * block : (2 * k + 2) * block]
            for n in range(0, block, LANES):
                store(re, n, load(spectra, 2 * k * size + first + n))
                store(im, n, load(spectra, (2 * k + 1) * size + first + n))
            long.rows(re, im, 0, plan)
        for sound in range(len(sums)):
            own = sum_of_members(few, members[sound], total)
            _add_frames(own, floors[sound], sums[sound, :, first : first + block])


@numba.njit
def _add_frames(spectra: np.ndarray, floors: np.ndarray, sums: np.ndarray) -> None:
    """Add some numbers of a sound in a few frames to its sums: magnitude, power, phi, and whether phi is known."""
    none, one, two = all_of(np.float32(0)), all_of(np.float32(1)), all_of(np.float32(2))
    frames, size = floors.size, sums.shape[1]
    of_magnitude, of_power, of_phi, of_excited = sums[0], sums[1], sums[2], sums[3]
    for at in range(0, size, LANES):
        magnitude, power, phi, excited = none, none, none, none
        for frame in range(frames):
            left, right = at + 2 * size * frame, at + 2 * size * (frames + frame)
            left_re, left_im = load(spectra, left), load(spectra, left + size)
            right_re, right_im = load(spectra, right), load(spectra, right + size)
            left_power = times_plus(left_re, left_re, left_im * left_im)
            right_power = times_plus(right_re, right_re, right_im * right_im)
            left_magnitude, right_magnitude, both = root(left_power), root(right_power), left_power + right_power
            magnitude, power, floor = (
                magnitude + (left_magnitude + right_magnitude),
                power + both,
                all_of(floors[frame]),
            )
            phi = phi + where_above(both, floor, two * left_magnitude * right_magnitude / both)
            excited = excited + where_above(both, floor, one)
        store(of_magnitude, at, load(of_magnitude, at) + magnitude)
        store(of_power, at, load(of_power, at) + power)
        store(of_phi, at, load(of_phi, at) + phi)
        store(of_excited, at, load(of_excited, at) + excited)


def pool(bins: np.ndarray) -> np.ndarray:
    """Average 32,769 bins to 2,049: stored bin k takes bins 16k - 8 to 16k + 7, cut at both ends; NaN is left out.

    Every bin goes to exactly one stored bin, so nothing is counted twice.
    """
    starts = np.maximum(np.arange(0, BINS, POOL) - POOL // 2, 0)
    known = np.isfinite(bins)
    total = np.add.reduceat(np.where(known, bins, 0.0), starts)
    with np.errstate(invalid="ignore"):
        return total / np.add.reduceat(known, starts, dtype=np.intp)

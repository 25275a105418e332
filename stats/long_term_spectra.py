"""Long-term spectra of a stereo sound: one pass of long FFTs, read by the spectrum and the panning statistics."""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import scipy.fft
import scipy.signal

FRAME = 65_536
HOP = 16_384
BINS = FRAME // 2 + 1
POOL = 16
"""Bins that are averaged into one stored bin."""

_WINDOW = np.sqrt(scipy.signal.get_window("hann", FRAME)).astype(np.float32)
_FRAMES_AT_ONCE = 8
SILENT_FRAME = 1e-6
"""Frames with less than this share of the loudest frame's energy (-60 dB) say nothing about panning."""
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
    if audio.shape[-1] < FRAME:
        audio = np.pad(audio, ((0, 0), (0, FRAME - audio.shape[-1])))
    floors = excitation_floors(audio, FRAME, HOP)
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=-1)[:, ::HOP]
    magnitude, power, phi, excited = np.zeros((4, BINS))
    for start in range(0, len(floors), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        left, right = scipy.fft.rfft(frames[:, part] * _WINDOW, axis=-1, overwrite_x=True)
        _accumulate(left, right, floors[part], magnitude, power, phi, excited)
    with np.errstate(invalid="ignore"):
        return LongTermSpectra(magnitude / (2 * len(floors)), power / len(floors), phi / excited)


def excitation_floors(audio: np.ndarray, frame: int, hop: int) -> np.ndarray:
    """Power |L|^2 + |R|^2 that a bin must exceed, for each frame, to say something about panning.

    It is `UNEXCITED_BIN` of the frame's mean bin, and infinite in a silent frame.

    Args:
        audio: float32, shape (2, samples), at least a frame long.
        frame: samples of a frame, a multiple of `hop`.
        hop: samples from one frame to the next.

    Returns:
        float32, shape (frames,).
    """
    hops = audio.shape[-1] // hop
    pieces = audio[:, : hops * hop].reshape(len(audio), hops, hop)
    energy = np.einsum("chs,chs->h", pieces, pieces).astype(np.float64)
    energy = np.lib.stride_tricks.sliding_window_view(energy, frame // hop).sum(axis=-1)
    loud = energy > SILENT_FRAME * energy.max()
    return np.where(loud, UNEXCITED_BIN * energy, np.inf).astype(np.float32)


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

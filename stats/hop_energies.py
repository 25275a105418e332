"""Energies of every 1,024 samples of a stereo sound: computed once, read by all that compares frames or channels."""

from __future__ import annotations

import numba
import numpy as np

from mixprior.stats.fft.lanes import WIDE_LANES, all_of, load_short, store, times_plus, widened
from mixprior.stats.frames import joined

HOP = 1024


class HopEnergies:
    """Sums of L^2, R^2 and L R of a stereo sound that comes in pieces of any length, and its largest sample.

    The order of addition, and so the last bit, depends neither on the pieces nor on the processor: in each hop every
    eighth sample goes to the same of eight sums in float64, which are added by halves, and hops are added in turn.

    Attributes:
        peak: largest absolute sample so far.

    >>> energies = HopEnergies()
    >>> energies.add(np.full((2, 1500), 0.5, np.float32)), energies.sums(), energies.peak
    (array([512.]), (375.0, 375.0, 375.0), 0.5)
    """

    def __init__(self) -> None:
        self._rest = np.zeros((2, 0), np.float32)
        self._sums = np.zeros(3)
        self.peak = 0.0

    def add(self, audio: np.ndarray) -> np.ndarray:
        """Return the energy over both channels of every hop that a piece completes, float64, shape (hops,).

        Args:
            audio: float32, shape (2, samples): what follows the pieces before.
        """
        audio = joined(self._rest, audio)
        found = np.zeros(audio.shape[1] // HOP)
        left, right = (np.ascontiguousarray(channel, np.float32) for channel in audio)
        self.peak = max(self.peak, _add(left, right, found, self._sums))
        self._rest = audio[:, found.size * HOP :].copy()
        return found

    def sums(self) -> tuple[float, float, float]:
        """Return the sums over all pieces."""
        left, right = np.zeros((2, HOP), np.float32)
        left[: self._rest.shape[1]], right[: self._rest.shape[1]] = self._rest
        sums = self._sums.copy()
        _add(left, right, np.zeros(1), sums)
        of_left, of_right, of_both = sums.tolist()
        return of_left, of_right, of_both


class FrameEnergies:
    """Energies of the frames of a stereo sound that comes in pieces, over both channels.

    Args:
        frame: samples of a frame, a multiple of `hop`.
        hop: samples from one frame to the next: 1,024 times a power of two.
    """

    def __init__(self, frame: int, hop: int) -> None:
        self._energies = HopEnergies()
        self._parts, self._hops_per_frame = hop // HOP, frame // hop
        self._rest, self._hops = np.zeros(0), np.zeros(0)

    def add(self, audio: np.ndarray) -> np.ndarray:
        """Return the energies of the frames that a piece completes, float64, shape (frames,).

        Args:
            audio: float32, shape (2, samples): what follows the pieces before.
        """
        return self.of_hops(self._energies.add(audio))

    def of_hops(self, energies: np.ndarray) -> np.ndarray:
        """Likewise, by what `HopEnergies.add` returned for the piece."""
        energies = np.concatenate((self._rest, energies))
        hops = energies.size // self._parts
        self._rest = energies[hops * self._parts :]
        parts = energies[: hops * self._parts].reshape(hops, self._parts)
        while parts.shape[1] > 1:  # by halves
            half = parts.shape[1] // 2
            parts = parts[:, :half] + parts[:, half:]
        known = np.concatenate((self._hops, parts[:, 0]))
        frames = max(0, known.size - self._hops_per_frame + 1)
        self._hops = known[frames:]
        found = np.zeros(frames)
        for k in range(self._hops_per_frame):
            found += known[k : k + frames]
        return found


@numba.njit(cache=True, nogil=True)
def _add(left: np.ndarray, right: np.ndarray, found: np.ndarray, sums: np.ndarray) -> float:
    """Write the energies of whole hops, add what `sums` has; return the largest |x| of all samples."""
    total, products = np.empty(3), np.empty((3, WIDE_LANES))
    for hop in range(found.size):
        of_left = of_right = of_both = all_of(0.0)
        for n in range(hop * HOP, (hop + 1) * HOP, WIDE_LANES):
            x, y = widened(load_short(left, n)), widened(load_short(right, n))
            of_left, of_right, of_both = (
                times_plus(x, x, of_left),
                times_plus(y, y, of_right),
                times_plus(x, y, of_both),
            )
        store(products[0], 0, of_left)
        store(products[1], 0, of_right)
        store(products[2], 0, of_both)
        for k in range(3):
            a, b, c, d, e, f, g, h = products[k]
            total[k] = ((a + e) + (c + g)) + ((b + f) + (d + h))
            sums[k] += total[k]
        found[hop] = total[0] + total[1]
    return max(_largest(left), _largest(right))


@numba.njit(nogil=True)
def _largest(signal: np.ndarray) -> float:
    # Sizes of floats are compared as the integers that their bits are: the compiler vectorises no maximum of floats.
    bits, unsigned, largest = signal.view(np.int32), np.int32(0x7FFFFFFF), np.zeros(1, np.int32)
    highest = np.int32(0)
    for n in range(bits.size):
        highest = max(highest, bits[n] & unsigned)
    largest[0] = highest
    return np.float64(largest.view(np.float32)[0])

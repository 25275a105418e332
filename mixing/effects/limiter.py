"""True-peak limiter: the loudest parts are turned down ahead of time, and nothing else is touched."""

from __future__ import annotations

import math

import numba
import numpy as np

from mixprior.mixing.effects.ballistics import keep
from mixprior.mixing.effects.settings import LimiterSettings
from mixprior.mixing.effects.stereo import checked
from mixprior.stats.errors import InputError
from mixprior.stats.measures.true_peak import CURVED, LEVEL, PHASES, REACH, STRAIGHT
from mixprior.stats.sound import Sound

# Weights of the samples k before and k after the middle between two samples: of their sum in the value there, and of
# their sum and their difference in the values a quarter of a sample to either side.
_BEFORE = PHASES[:, REACH::-1][:, :REACH]
_AFTER = PHASES[:, REACH + 1 :]
_HERE = np.float32(PHASES[0, REACH])
_MIDDLE = _BEFORE[2].astype(np.float32)
_EVEN, _ODD = ((_BEFORE[1] + sign * _AFTER[1]).astype(np.float32) / 2 for sign in (1, -1))

CLEAN_UP_SAMPLES = 128
"""Look-ahead of each of the two stages that take what the first leaves above the ceiling."""

_PIECE = 1 << 15  # samples worked on together, to stay in the cache
_BLOCK = 64  # samples for which it is decided together whether they need oversampling
_SLACK = 2e-6  # of the ceiling: more than float32 rounds away, so that a bound below it can be trusted
_SIZE = np.int32(0x7FFFFFFF)  # the bits of a float but for its sign
_UNIT = 1 << 40  # reductions are summed as whole numbers of 1 / _UNIT, and thus without drift
_LEAST = 1 / (16 * _UNIT)  # taken off a release at every sample, so that it ends


class Limiter:
    """The limiter as it runs: stereo in, stereo out, in blocks of any length; both channels get the same gain.

    A stage finds the true peak around every sample by fourfold oversampling (`stats.measures.true_peak`) and the gain
    that brings it to the ceiling, takes the minimum of it over the look-ahead, lets it rise with the release, and
    takes the mean over the look-ahead. So the gain begins to fall a look-ahead before a peak, and is never above what
    any sample needs (P. Hämäläinen, "Smoothing of the control signal without clipped output in digital peak limiters",
    DAFx 2002).

    A gain that moves can leave a peak between the samples: at most 7.1 dB above the ceiling, whatever the input and the
    look-ahead, for that is all that the oversampling filter can make of samples below it. Two more stages turn down
    what is left; as their gain moves by no more than that in 128 samples, they leave at most 0.13 dB, then 0.004 dB.

    Args:
        settings: ceiling, look-ahead and release.
        rate_hz: sample rate.
        followers: rows below the two channels that get the gain, and are not listened to: see `gains`.

    Attributes:
        delay: samples by which the output lags behind the input.

    Raises:
        InputError: if a setting is not finite, or a time is negative.

    >>> limiter = Limiter(LimiterSettings(ceiling_dbtp=-6.0), 48_000)
    >>> float(limiter.process(np.ones((2, 48_000), np.float32))[0, -1].round(2))
    0.5
    """

    def __init__(self, settings: LimiterSettings, rate_hz: float, followers: int = 0) -> None:
        for name, value in vars(settings).items():
            if not math.isfinite(value) or (name.endswith("_s") and value < 0):
                raise InputError(f"{name} of a limiter cannot be {value}")
        ceiling = 10 ** (settings.ceiling_dbtp / 20)
        self._stages = [
            _Stage(ceiling, window, kept, 2 + followers)
            for window, kept in (
                (max(1, round(settings.lookahead_s * rate_hz)), keep(settings.release_s, rate_hz)),
                (CLEAN_UP_SAMPLES, 0.0),
                (CLEAN_UP_SAMPLES, 0.0),
            )
        ]
        self.delay = sum(stage.delay for stage in self._stages)

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Limit the next samples; how a sound is cut into blocks does not change a bit of the outcome.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples), `delay` samples late; where no gain is needed, the very samples that came in.

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        return self._limited(checked(audio))

    def _limited(self, audio: np.ndarray) -> np.ndarray:
        """Limit the first two rows, and give those that follow the same gain."""
        limited = np.empty_like(audio)
        for start in range(0, audio.shape[1], _PIECE):
            piece = audio[:, start : start + _PIECE]
            for stage in self._stages:
                piece = stage.process(piece)
            limited[:, start : start + _PIECE] = piece
        return limited


def gains(settings: LimiterSettings, sound: Sound) -> np.ndarray:
    """The gain that the limiter applies to each sample: what a sound is the sum of, at that gain, sums to the mix.

    Args:
        settings: of the limiter.
        sound: two channels.

    Returns:
        float32, (samples,), 0 to 1, in its place in time.

    >>> sound = Sound.of(np.full((2, 44_100), 0.9), 44_100)
    >>> gain = gains(LimiterSettings(ceiling_dbtp=-6.0), sound)
    >>> bool(np.abs(sound.audio * gain).max() < 10 ** (-6 / 20)), bool(gain.min() > 0.4)
    (True, True)
    """
    limiter = Limiter(settings, sound.rate_hz, followers=1)
    rows = np.ones((3, sound.samples + limiter.delay), np.float32)
    rows[:2, : sound.samples], rows[:2, sound.samples :] = checked(sound.audio), 0
    return limiter._limited(rows)[2, limiter.delay :]


class _Stage:
    """One pass of gain; `window` is its look-ahead in samples, `keep` what is left of a reduction a sample later."""

    def __init__(self, ceiling: float, window: int, keep: float, rows: int) -> None:
        self._ceiling, self._keep = ceiling, keep
        self.delay = window - 1 + REACH
        self._sound = np.zeros((rows, max(self.delay, 2 * REACH)), np.float32)
        # The maximum over window + 1 samples, by blocks of as many: of the block so far, and from each place of the
        # block before to its end (M. van Herk, Pattern Recognition Letters 13, 1992).
        self._block = np.zeros((2, window + 2))
        self._mean_of = np.zeros(window, np.int64)
        self._reductions = np.zeros(2)  # largest of the block so far, and that of the release
        self._counts = np.zeros(3, np.int64)  # place in the block, place in _mean_of, sum of _mean_of

    def process(self, audio: np.ndarray) -> np.ndarray:
        past = self._sound.shape[1]
        sound = np.concatenate([self._sound, audio], axis=1)
        self._sound = sound[:, audio.shape[1] :]
        needed = _needed_reduction(sound[:, past - 2 * REACH :], self._ceiling)
        delayed = sound[:, past - self.delay :][:, : audio.shape[1]]
        if not any(each.any() for each in (needed, self._block, self._mean_of, self._reductions)):
            return delayed
        _reduce(needed, self._keep, self._block, self._mean_of, self._reductions, self._counts)
        return np.multiply(delayed, needed, dtype=np.float64, casting="unsafe", out=np.empty_like(audio))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz"})
def _needed_reduction(sound: np.ndarray, ceiling: float) -> np.ndarray:
    """One less the gain for the values from each sample on and before the next, for all with REACH on both sides."""
    samples = sound.shape[1] - 2 * REACH
    reduction = np.zeros(samples)
    largest = np.empty(_BLOCK, np.float32)
    window, bend = np.zeros((2, _BLOCK + 2 * REACH), np.float32)
    bits, bend_bits = window.view(np.int32), bend.view(np.int32)
    threshold = np.float32(ceiling * (1 + _SLACK))
    for start in range(0, samples, _BLOCK):
        size = min(_BLOCK, samples - start)
        largest[:] = threshold
        above = False
        for channel in range(2):
            window[: size + 2 * REACH] = sound[channel, start : start + size + 2 * REACH]
            window[size + 2 * REACH :] = 0
            if _bound(window, bits, bend, bend_bits) > ceiling:
                above = True
                _between(window, largest)
        if above:
            for n in range(size):
                if largest[n] > threshold:
                    reduction[start + n] = 1 - ceiling / largest[n]
    return reduction


@numba.njit(inline="always")
def _bound(window: np.ndarray, bits: np.ndarray, bend: np.ndarray, bend_bits: np.ndarray) -> float:
    """What no value between these samples can pass: see `mixprior.stats.measures.true_peak`.

    Without their sign, floats are in the order of their bits as whole numbers, whose maximum fills vector registers.
    """
    for n in range(_BLOCK + 2 * REACH - 2):
        bend[n] = window[n] - window[n + 1] - window[n + 1] + window[n + 2]
    highest = curved = np.int32(0)
    for n in range(_BLOCK + 2 * REACH):
        highest = max(highest, bits[n] & _SIZE)
        curved = max(curved, bend_bits[n] & _SIZE)
    bend_bits[0], bend_bits[1] = highest, curved
    return min(LEVEL * bend[0], STRAIGHT * bend[0] + CURVED * bend[1])


@numba.njit(inline="always")
def _between(window: np.ndarray, largest: np.ndarray) -> None:
    """Raise `largest` to the values at and after each sample, a quarter apart.

    The filters are symmetric about the middle between two samples, that of the first quarter and that of the third
    each other's mirror image; sums and differences of samples as far from there serve them all.
    """
    for n in range(_BLOCK):
        middle = even = odd = np.float32(0)
        for k in range(REACH):
            before, after = window[n + REACH - k], window[n + REACH + 1 + k]
            total, difference = before + after, before - after
            middle += _MIDDLE[k] * total
            even += _EVEN[k] * total
            odd += _ODD[k] * difference
        here = _HERE * abs(window[n + REACH])
        largest[n] = max(max(max(largest[n], here), abs(middle)), abs(even) + abs(odd))


@numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"nnan", "nsz", "contract"})
def _reduce(
    needed: np.ndarray,
    keep: float,
    block: np.ndarray,
    mean_of: np.ndarray,
    reductions: np.ndarray,
    counts: np.ndarray,
) -> None:
    """From the reduction that is needed to the gain that is applied, in place."""
    window = mean_of.size
    largest, reduction = reductions
    place, slot, total = counts
    share, rest = 1 / (window * _UNIT), 1 - keep
    start = 0
    while start < needed.size:
        count = min(needed.size - start, window + 1 - place, window - slot)
        piece, summed = needed[start : start + count], mean_of[slot : slot + count]
        so_far, after = block[0, place : place + count], block[1, place + 1 : place + 1 + count]
        for n in range(count):
            so_far[n] = piece[n]
            largest = max(largest, piece[n])
            piece[n] = max(largest, after[n])
        if keep > 0:
            for n in range(count):
                reduction = max(piece[n], piece[n] * rest - _LEAST + reduction * keep)
                piece[n] = reduction
        for n in range(count):
            units = np.int64(piece[n] * _UNIT)
            total += units - summed[n]
            summed[n] = units
            piece[n] = 1 - total * share
        start, place, slot = start + count, place + count, (slot + count) % window
        if place > window:
            highest = 0.0
            for n in range(window + 1):
                highest = max(highest, block[0, window - n])
                block[1, window - n] = highest
            largest, place = 0.0, 0
    reductions[0], reductions[1] = largest, reduction
    counts[0], counts[1], counts[2] = place, slot, total

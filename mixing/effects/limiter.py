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

_PHASES = PHASES.astype(np.float32)

CLEAN_UP_SAMPLES = 128
"""Look-ahead of each of the two stages that take what the first leaves above the ceiling."""

_PIECE = 1 << 15  # samples worked on together, to stay in the cache
_BLOCK = 64  # samples for which it is decided together whether they need oversampling
_SLACK = 2e-6  # of the ceiling: more than float32 rounds away, so that a bound below it can be trusted
_UNIT = 1 << 40  # gains are summed as whole numbers of 1 / _UNIT, and thus without drift


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

    Attributes:
        delay: samples by which the output lags behind the input.

    Raises:
        InputError: if a setting is not finite, or a time is negative.

    >>> limiter = Limiter(LimiterSettings(ceiling_dbtp=-6.0), 48_000)
    >>> float(limiter.process(np.ones((2, 48_000), np.float32))[0, -1].round(2))
    0.5
    """

    def __init__(self, settings: LimiterSettings, rate_hz: float) -> None:
        for name, value in vars(settings).items():
            if not math.isfinite(value) or (name.endswith("_s") and value < 0):
                raise InputError(f"{name} of a limiter cannot be {value}")
        ceiling = 10 ** (settings.ceiling_dbtp / 20)
        self._stages = [
            _Stage(ceiling, max(1, round(settings.lookahead_s * rate_hz)), keep(settings.release_s, rate_hz)),
            _Stage(ceiling, CLEAN_UP_SAMPLES, 0.0),
            _Stage(ceiling, CLEAN_UP_SAMPLES, 0.0),
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
        audio = checked(audio)
        limited = np.empty_like(audio)
        for start in range(0, audio.shape[1], _PIECE):
            piece = audio[:, start : start + _PIECE]
            for stage in self._stages:
                piece = stage.process(piece)
            limited[:, start : start + _PIECE] = piece
        return limited


class _Stage:
    """One pass of gain; `window` is its look-ahead in samples, `keep` what is left of a reduction a sample later."""

    def __init__(self, ceiling: float, window: int, keep: float) -> None:
        self._ceiling, self._window, self._keep = ceiling, window, keep
        self.delay = window - 1 + REACH
        self._past = np.zeros((2, max(self.delay, 2 * REACH)), np.float32)
        # The minimum over window + 1 samples is the head of a queue that rises: gains, and when they were needed.
        room = 1 << (window + 1).bit_length()
        self._queue_gain, self._queue_time = np.ones(room), np.zeros(room, np.int64)
        self._mean_of = np.full(window, _UNIT, np.int64)
        self._gain = 1.0
        self._counts = np.array([0, 0, 0, window * _UNIT])  # head and tail of the queue, time, sum of _mean_of

    def process(self, audio: np.ndarray) -> np.ndarray:
        sound = np.concatenate([self._past, audio], axis=1)
        late = sound.shape[1] - self.delay - audio.shape[1]
        self._past = sound[:, audio.shape[1] :]
        needed = _needed_gain(sound, audio.shape[1], self._ceiling, _PHASES, LEVEL, STRAIGHT, CURVED)
        self._gain = _smooth(
            needed, self._gain, self._keep, self._queue_gain, self._queue_time, self._mean_of, self._counts
        )
        return np.multiply(sound[:, late : late + audio.shape[1]], needed, dtype=np.float64).astype(np.float32)


@numba.njit(cache=True, nogil=True)
def _needed_gain(
    sound: np.ndarray, samples: int, ceiling: float, phases: np.ndarray, level: float, straight: float, curved: float
) -> np.ndarray:
    # Gain for the values from each sample on and before the next, for the last `samples` that have REACH others behind.
    first = sound.shape[1] - samples - 2 * REACH
    gain = np.ones(samples)
    value = np.empty(_BLOCK, np.float32)
    largest = np.empty(_BLOCK, np.float32)
    for start in range(0, samples, _BLOCK):
        size = min(_BLOCK, samples - start)
        largest[:] = ceiling * (1 + _SLACK)
        for channel in range(sound.shape[0]):
            window = sound[channel, first + start : first + start + size + 2 * REACH]
            if _bound(window, level, straight, curved) <= ceiling:
                continue
            for phase in range(phases.shape[0]):
                value[:] = 0
                for tap in range(phases.shape[1]):
                    weight = phases[phase, tap]
                    for n in range(size):
                        value[n] += weight * window[tap + n]
                for n in range(size):
                    largest[n] = max(largest[n], abs(value[n]))
        for n in range(size):
            if largest[n] > np.float32(ceiling * (1 + _SLACK)):
                gain[start + n] = ceiling / largest[n]
    return gain


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz"})
def _bound(window: np.ndarray, level: float, straight: float, curved: float) -> float:
    # What no value between these samples can pass: see mixprior.stats.measures.true_peak.
    height = bend = np.float32(0)
    for n in range(window.size):
        height = max(height, abs(window[n]))
    for n in range(window.size - 2):
        bend = max(bend, abs(window[n] - window[n + 1] - window[n + 1] + window[n + 2]))
    return min(level * height, straight * height + curved * bend)


@numba.njit(cache=True, nogil=True)
def _smooth(
    needed: np.ndarray,
    gain: float,
    keep: float,
    queue_gain: np.ndarray,
    queue_time: np.ndarray,
    mean_of: np.ndarray,
    counts: np.ndarray,
) -> float:
    # Turns the gain that is needed into the gain that is applied, in place; returns the state of the release.
    head, tail, time, total = counts
    window, last = mean_of.size, queue_gain.size - 1
    slot = time % window
    for n in range(needed.size):
        while tail > head and queue_gain[(tail - 1) & last] >= needed[n]:
            tail -= 1
        queue_gain[tail & last], queue_time[tail & last] = needed[n], time
        tail += 1
        if queue_time[head & last] < time - window:
            head += 1
        lowest = queue_gain[head & last]
        gain = min(lowest, lowest + (gain - lowest) * keep)
        units = np.int64(gain * _UNIT)
        total += units - mean_of[slot]
        mean_of[slot] = units
        needed[n] = total / (window * _UNIT)
        time += 1
        slot = slot + 1 if slot + 1 < window else 0
    counts[:] = head, tail, time, total
    return gain

"""Compressor: what is louder than a threshold is made less loud, in both channels alike."""

from __future__ import annotations

import math

import numba
import numpy as np

from mixprior.mixing.effects.ballistics import keep, smoothed, static_reduction_db
from mixprior.mixing.effects.gain import NEPERS_PER_DB
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.mixing.effects.stereo import checked

DETECTOR_S = 0.005
"""Time constant of the mean square that is compared with the threshold."""

DB_PER_LOG = 10 / math.log(10)
"""The natural logarithm of a mean square times this is its level in dB: that logarithm is the one that is quick."""

# Far below any sound or reduction, far above the denormal numbers that slow a processor down.
SILENCE = 1e-30
_AT_REST_DB = 1e-9


class Compressor:
    """The compressor as it runs: stereo in, stereo out, in blocks of any length, without delay.

    Feed-forward, after D. Giannoulis, M. Massberg and J. Reiss, "Digital dynamic range compressor design: a tutorial
    and analysis", JAES 60(6), 2012: the level in dB goes through the static curve with a quadratic knee (equation 4),
    and the reduction that it asks for, in dB, through a one-pole smoothing with the attack while it grows and the
    release while it shrinks (the smooth branching detector, equation 17, in the log domain).

    The level is a short root mean square, 10 log10 of the mean square over 5 ms (one pole), of the louder channel: a
    square wave at full scale is at 0 dBFS, a sine at -3.01 dBFS, and a sound on one side only is compressed as it would
    be on both. Both channels get the same gain.

    Args:
        settings: threshold, ratio, times, knee and gain afterwards.
        rate_hz: sample rate.

    Attributes:
        delay: 0.

    >>> halving = Compressor(CompressorSettings(-20.0, ratio=2.0, attack_s=0.01, release_s=0.1), 48_000)
    >>> loud = np.ones((2, 48_000), np.float32)  # 20 dB above the threshold: 10 dB are left of them
    >>> float(20 * np.log10(halving.process(loud)[0, -1]).round(2))
    -10.0
    """

    delay = 0

    def __init__(self, settings: CompressorSettings, rate_hz: float) -> None:
        self._settings = settings
        self._keeps = np.array([keep(s, rate_hz) for s in (DETECTOR_S, settings.attack_s, settings.release_s)])
        self._state = np.zeros(3)  # mean square of left and right, reduction in dB

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Compress the next samples; how a sound is cut into blocks does not change a bit of the outcome.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples).

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        at = self._settings
        return _compress(
            checked(audio), at.threshold_dbfs, at.ratio, at.knee_db, at.makeup_db, self._keeps, self._state
        )


@numba.njit(cache=True, inline="always")
def next_reduction_db(
    level: float,
    before_db: float,
    lowest: float,
    threshold_db: float,
    ratio: float,
    knee_db: float,
    attack: float,
    release: float,
) -> float:
    """The reduction a sample later, 0 where it is at rest.

    Args:
        level: mean square of the louder channel.
        before_db: reduction of the sample before.
        lowest: level under which the curve reduces nothing.
        threshold_db: of the curve, in dBFS.
        ratio: of the curve.
        knee_db: of the curve.
        attack: what a sample keeps of the reduction while it grows.
        release: the same while it shrinks.

    >>> next_reduction_db(1.0, 0.0, 0.01, -20.0, 2.0, 0.0, 0.5, 0.9)  # 20 dB above: 10 dB, half of them at once
    5.0
    """
    wanted_db = 0.0
    if level > lowest:
        wanted_db = static_reduction_db(math.log(level) * DB_PER_LOG, threshold_db, ratio, knee_db)
    reduction_db = smoothed(wanted_db, before_db, attack if wanted_db > before_db else release)
    return reduction_db if reduction_db > _AT_REST_DB else 0.0


@numba.njit(cache=True, nogil=True)
def _compress(
    sound: np.ndarray,
    threshold_db: float,
    ratio: float,
    knee_db: float,
    makeup_db: float,
    keeps: np.ndarray,
    state: np.ndarray,
) -> np.ndarray:
    compressed = np.empty_like(sound)
    left, right, reduction_db = state
    keep_level, attack, release = keeps
    lowest = 10 ** ((threshold_db - knee_db / 2) / 10)
    makeup = math.exp(makeup_db * NEPERS_PER_DB)
    for n in range(sound.shape[1]):
        x, y = np.float64(sound[0, n]), np.float64(sound[1, n])
        left = smoothed(x * x, left, keep_level)
        right = smoothed(y * y, right, keep_level)
        level = max(left, right)
        reduction_db = next_reduction_db(level, reduction_db, lowest, threshold_db, ratio, knee_db, attack, release)
        gain = makeup
        if reduction_db > 0.0:
            gain *= math.exp(-reduction_db * NEPERS_PER_DB)
        compressed[0, n], compressed[1, n] = x * gain, y * gain
        if level < SILENCE:
            left = right = 0.0
    state[:] = left, right, reduction_db
    return compressed

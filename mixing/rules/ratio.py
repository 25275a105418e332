"""Loudness of the vocals against the backing: two definitions, and the gain that reaches a ratio."""

from __future__ import annotations

from mixprior.stats.measures.loudness import difference, integrated_lufs
from mixprior.stats.sound import Sound

RATIO, RATIO_MONO = "vocal_to_backing_lu", "vocal_to_backing_mono_lu"
"""Statistics that a mix is set by, in the row "song" of priors."""
DEFINITIONS = {
    RATIO: "integrated loudness of the vocal minus that of the backing (ITU-R BS.1770-5), both stereo",
    RATIO_MONO: "integrated loudness of the vocal minus that of the backing (ITU-R BS.1770-5), each the mean of its "
    "channels",
}

_CORRECTIONS = 3


def ratio_lu(vocals: Sound, backing: Sound, statistic: str = RATIO, vocal_gain_db: float = 0.0) -> float | None:
    """Measure the ratio; None where either is silent or shorter than 0.4 s.

    Args:
        vocals: the vocals.
        backing: all the rest.
        statistic: one of `DEFINITIONS`.
        vocal_gain_db: gain of the vocals alone.
    """
    return difference(_loudness(vocals, statistic, vocal_gain_db), _loudness(backing, statistic))


def vocal_gain_db(vocals: Sound, backing: Sound, wanted_lu: float, statistic: str = RATIO) -> float | None:
    """Gain of the vocals that brings them to the ratio, in steps of 0.01 dB; None where there is nothing to measure.

    The gates of BS.1770 look at absolute levels, so that a gain can change the loudness of a sparse sound by more or
    less than itself; the gain is therefore measured again and corrected.
    """
    reached = ratio_lu(vocals, backing, statistic)
    if reached is None:
        return None
    gain_db = wanted_lu - reached
    for _ in range(_CORRECTIONS):
        reached = ratio_lu(vocals, backing, statistic, gain_db)
        if reached is None:  # The vocals fall under the gate at -70 LUFS: there is nothing to correct by.
            break
        gain_db += wanted_lu - reached
    return round(gain_db, 2)


def _loudness(sound: Sound, statistic: str, gain_db: float = 0.0) -> float | None:
    energies = sound.blocks.mono_weighted if statistic == RATIO_MONO else sound.blocks.weighted
    return integrated_lufs(energies * 10 ** (gain_db / 10))

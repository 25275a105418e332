"""Sample rates: sounds brought to another."""

from __future__ import annotations

from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ


def at_44100(sound: Sound) -> Sound:
    """Resample a sound to the rate that priors are measured at, as precisely as what is written."""
    return sound.at(SAMPLE_RATE_HZ, "VHQ")

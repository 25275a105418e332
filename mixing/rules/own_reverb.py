"""The reverberation that vocals have already: the blind estimate, with what else sounds beside them."""

from __future__ import annotations

import math

import numpy as np

from mixprior.mixing.effects.resampling import at_44100
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.sound import Sound

LOWEST_RATE_HZ = 16_000
"""The estimate uses frequencies up to 7.8 kHz."""


def of_vocals(vocals: Sound, backing: Sound | None) -> Reverberation | None:
    """Estimate the reverberation of vocals.

    Args:
        vocals: two channels.
        backing: what else sounds, shorter or longer: where it covers the vocals, no decay is read; None for nothing.

    Returns:
        The estimate; None where there are not three seconds of singing, or the rate is below 16 kHz.

    Raises:
        InputError: if a sound holds NaN or infinity.
    """
    for name, sound in (("vocals", vocals), ("backing", backing)):
        if sound is not None and not np.isfinite(sound.audio).all():
            raise InputError(f"the {name} track holds NaN or infinity: give one with finite samples")
    if vocals.rate_hz < LOWEST_RATE_HZ:
        return None
    audio = at_44100(vocals).audio
    rest = None
    if backing is not None:
        rest = np.zeros_like(audio)
        covered = at_44100(backing).audio[:, : audio.shape[1]]
        rest[:, : covered.shape[1]] = covered
    return blind.estimate(audio, rest)


def expected_error(own: Reverberation) -> float:
    """By which share of itself the estimated time is expected to be off: the confidence is exp of minus that."""
    return -math.log(own.confidence)

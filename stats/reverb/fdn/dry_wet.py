"""How loud a setting's reverb is beside the dry voice, and the knob for a wanted level.

The knob alone says little: at 0.11 the reverb may lie at -20 dB or at -40 dB, by room size, time and fade-in. The level
here is that of a centred voice: the same impulse in both inputs, the energy of all that comes after sample 0 over the
energy at sample 0, both averaged over the two outputs. At sample 0 stand the dry path, (1 - knob), and, without a
fade-in, knob times the network's undelayed copy. It is told at 48 kHz, whatever rate the reverb then runs at: an
impulse is as wide as the rate allows, and shelves take the top of it from the reverb alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

RATE_HZ = 48_000
_RENDERED_S = 0.5
_MATCHED_S = 0.25
"""The beginning is rendered; what follows decays in a closed form, scaled to what was rendered from `_MATCHED_S` on."""


def wet_dry_db(settings: FdnReverbSettings) -> float | None:
    """Return the level of the reverb over the dry sound.

    The first half second is rendered, the rest continues it as `_decay_after` tells.

    Args:
        settings: stable ones.

    Returns:
        dB; None where there is no reverb (`dry_wet` 0, or a fade-in as long as the reverberation time, which takes all
        of it away) or nothing dry (`dry_wet` 1 with a fade-in).

    Raises:
        InputError: if the settings make a sound that grows.
    """
    wet = _wet(replace(settings, dry_wet=1.0))
    knob = settings.dry_wet
    direct = (1 - knob) ** 2 + 2 * knob * (1 - knob) * wet.copy + knob**2 * wet.copy_energy
    if knob == 0 or wet.energy == 0 or direct == 0:
        return None
    return float(10 * np.log10(knob**2 * wet.energy / direct))


def dry_wet_for(settings: FdnReverbSettings, wet_dry_db: float) -> float:
    """Return the knob at which the reverb has a level, to be put into the settings in place of theirs.

    Args:
        settings: stable ones; their `dry_wet` does not matter.
        wet_dry_db: wanted, as `wet_dry_db` measures it.

    Returns:
        0 to 1, not rounded to the plug-in's steps of 0.01.

    Raises:
        InputError: if the level cannot be reached: without a fade-in the reverb brings its own undelayed copy along and
            so has a largest level, which the message tells; or if the settings make a sound that grows.
    """
    wet = _wet(replace(settings, dry_wet=1.0))
    ratio = 10 ** (wet_dry_db / 10)
    if not 0 < ratio < np.inf:
        raise InputError(f"the reverb cannot be brought to {wet_dry_db} dB: give a finite level")
    if wet.energy == 0:
        raise InputError("a fade-in as long as the reverberation time leaves no reverb: change fade_in_s")
    # With t = knob / (1 - knob): t^2 energy = ratio (1 + 2 t copy + t^2 copy_energy), a quadratic of one positive root.
    square = wet.energy - ratio * wet.copy_energy
    if square <= 0:
        largest = 10 * np.log10(wet.energy / wet.copy_energy)
        raise InputError(
            f"this reverb reaches {largest:.1f} dB at most, not {wet_dry_db:.1f}: lengthen it, or give it a fade-in"
        )
    t = (ratio * wet.copy + np.sqrt((ratio * wet.copy) ** 2 + square * ratio)) / square
    return float(t / (1 + t))


def at_level(settings: FdnReverbSettings, wet_dry_db: float) -> FdnReverbSettings:
    """Return the same reverb at a level.

    Raises:
        InputError: see `dry_wet_for`.
    """
    return replace(settings, dry_wet=dry_wet_for(settings, wet_dry_db))


@dataclass(frozen=True)
class _Wet:
    """The wet path alone, for an impulse in both inputs, over the two outputs: energies and amplitudes.

    Attributes:
        energy: of all after sample 0, mean.
        copy: amplitude at sample 0, mean.
        copy_energy: its square, mean.
    """

    energy: float
    copy: float
    copy_energy: float


@lru_cache(maxsize=256)
def _wet(settings: FdnReverbSettings) -> _Wet:
    response = vocal_response(settings, RATE_HZ, _RENDERED_S, wet_only=True)
    copy = response[:, 0]
    energies = np.square(response).mean(axis=0)
    matched = energies[round(_MATCHED_S * RATE_HZ) :].sum()
    remaining, remaining_late = _decay_after(settings, _MATCHED_S), _decay_after(settings, _RENDERED_S)
    tail = matched * remaining_late / (remaining - remaining_late) if remaining > 0 else 0.0
    return _Wet(float(energies[1:].sum() + tail), float(copy.mean()), float(np.square(copy).mean()))


def _decay_after(settings: FdnReverbSettings, start_s: float) -> float:
    """Energy from a time on, up to a factor.

    The matrix keeps energy, so without losses a network would hold it for ever, evenly over frequency. The losses
    multiply it with the square of 10^(-3t/T60) - 10^(-3t/fade-in), and at each frequency with what the shelves take in
    a second.
    """
    frequencies_hz = np.concatenate([[0.0], np.geomspace(1.0, RATE_HZ / 2, 256)])
    shelves_db_s = settings.shelves_db_s(frequencies_hz, RATE_HZ)

    def remaining(*times_s: float) -> np.ndarray:
        rate = np.log(10) / 10 * (sum(30.0 / time_s for time_s in times_s) - shelves_db_s)
        return np.exp(-rate * start_s) / rate

    time_s, fade_in_s = settings.reverberation_time_s, settings.fade_in_s
    spectrum = remaining(time_s, time_s)
    if fade_in_s > 0:
        spectrum += remaining(fade_in_s, fade_in_s) - 2 * remaining(time_s, fade_in_s)
    return float(np.trapezoid(spectrum, frequencies_hz))

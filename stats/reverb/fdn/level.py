"""The level of a reverb over the dry sound, and the `dry_wet` for a wanted level, in closed form.

`dry_wet` alone does not give the level: at 0.11 the reverb may be at -20 dB or at -40 dB, by room size, time and
fade-in. The level is that of a centred sound: the same impulse in both inputs, the energy of all that comes after
sample 0 over the energy at sample 0, both averaged over the two outputs. At sample 0 stand the dry path, (1 - dry_wet),
and, without a fade-in, dry_wet times the network's undelayed copy. It is that of 48 kHz, whatever rate the reverb then
runs at: an impulse is as wide as the rate allows, and shelves take the top of it from the reverb alone.

The lossless echoes of each room size are stored in `templates.npz` as energies at instants; the envelope and the
shelves of `closed_form` weigh them. After two and a half seconds the lossless network goes on as in the second before.
Against the rendered response the level is 0.1 dB off in the mean, and up to 2 dB where steep shelves leave little.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixprior.stats import biquad
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.closed_form import SHORTEST_FADE_S, shelves_db_s, templates
from mixprior.stats.reverb.fdn.network import delays
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

_RATE_HZ = 48_000
_FREQUENCIES_HZ = np.concatenate([[1.0], np.geomspace(30.0, 0.499 * _RATE_HZ, 63)])
_NOTHING = 1e-15
_AFTER_S = np.geomspace(2.5, 60.0, 49)
"""Borders between the instants at which the lossless network is looked at when the templates have ended."""


def wet_dry_db(settings: FdnReverbSettings) -> float | None:
    """Return the level of the reverb over the dry sound.

    Args:
        settings: for 64 delay lines; stable ones.

    Returns:
        dB; None where there is no reverb (`dry_wet` 0, or a fade-in as long as the reverberation time, which takes all
        of it away) or nothing dry (`dry_wet` 1 with a fade-in).
    """
    share, energy, copy = settings.dry_wet, _wet_energy(settings), _copy(settings)
    direct = (1.0 - share + share * copy) ** 2
    if share == 0 or direct == 0 or energy < _NOTHING:
        return None
    return float(10.0 * np.log10(share**2 * energy / direct))


def dry_wet_for(settings: FdnReverbSettings, wet_dry_db: float) -> float:
    """Return the `dry_wet` at which the reverb has a level.

    Args:
        settings: stable ones; their own `dry_wet` does not matter.
        wet_dry_db: wanted, as `wet_dry_db` measures it.

    Returns:
        0 to 1, not rounded to the plug-in's steps of 0.01.

    Raises:
        InputError: if the level is not finite or cannot be reached: without a fade-in an undelayed copy of the sound
            grows along with the reverb, so there is a largest level, which the message gives; or if the settings make a
            sound that grows.
    """
    settings.check_stable()
    if not np.isfinite(wet_dry_db):
        raise InputError(f"the reverb cannot be brought to {wet_dry_db} dB: give a finite level")
    energy, copy = _wet_energy(settings), _copy(settings)
    if energy < _NOTHING:
        raise InputError("a fade-in as long as the reverberation time leaves no reverb: change fade_in_s")
    wanted = np.sqrt(10.0 ** (wet_dry_db / 10.0) / energy)
    # wanted = t / (1 + t copy) with t = dry_wet / (1 - dry_wet).
    left = 1.0 - wanted * copy
    if left <= 0:
        largest_db = 10.0 * np.log10(energy / copy**2)
        raise InputError(
            f"this reverb reaches {largest_db:.1f} dB at most, not {wet_dry_db:.1f}: lengthen it, or give it a fade-in"
        )
    ratio = wanted / left
    return float(ratio / (1.0 + ratio))


def at_level(settings: FdnReverbSettings, wet_dry_db: float) -> FdnReverbSettings:
    """Return the same reverb at a level.

    Raises:
        InputError: see `dry_wet_for`.
    """
    return replace(settings, dry_wet=dry_wet_for(settings, wet_dry_db))


def _wet_energy(settings: FdnReverbSettings) -> float:
    """Energy of an output after sample 0 with `dry_wet` 1."""
    echoes = templates()
    room = settings.room_size - 1
    time_s, energy = echoes["echo_s"][room], echoes["echo_energy"][room]
    power = energy[time_s > 1.5].sum()
    time_s = np.concatenate([time_s, np.sqrt(_AFTER_S[1:] * _AFTER_S[:-1])])
    energy = np.concatenate([energy, power * np.diff(_AFTER_S)])
    envelope = 10.0 ** (-3.0 * time_s / settings.reverberation_time_s)
    if settings.fade_in_s >= SHORTEST_FADE_S:
        envelope -= 10.0 ** (-3.0 * time_s / settings.fade_in_s)
    shelves = shelves_db_s(settings, _FREQUENCIES_HZ, _RATE_HZ)
    # The shelves may raise what the envelope lowers: together they stay far below overflow.
    level_db = 20.0 * np.log10(np.maximum(np.abs(envelope), 1e-30))[:, None] + shelves * time_s[:, None]
    spectrum = np.trapezoid(10.0 ** (level_db / 10.0), _FREQUENCIES_HZ, axis=1) / (_RATE_HZ / 2)
    return float(energy @ spectrum)


def _copy(settings: FdnReverbSettings) -> float:
    """Amplitude of the undelayed copy at sample 0, mean over both outputs; a fade-in cancels it."""
    if settings.fade_in_s > 0:
        return 0.0
    delay_s = delays(settings.room_size, settings.fdn_size, _RATE_HZ)[:2] / _RATE_HZ
    low_gain, high_gain = (
        10.0 ** (gain * delay_s / 20.0) for gain in (settings.lows_gain_db_s, settings.highs_gain_db_s)
    )
    low = biquad.low(settings.lows_cutoff_hz, settings.lows_q, low_gain, _RATE_HZ)[0]
    high = biquad.high(settings.highs_cutoff_hz, settings.highs_q, high_gain, _RATE_HZ)[0]
    return float(np.mean(low * high))

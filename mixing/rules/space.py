"""The reverb of vocals: what is missing from the reverberation that they have to the one that they are to have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.rules import own_reverb
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED, LEAST_WET_DB
from mixprior.stats.reverb.fdn.fit import Fit, fit_decay
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

ENOUGH_DB = 3.0
"""Vocals this much less wet than the target get no reverb: the blind estimate of their level is off by 2 to 4 dB."""

_LEVEL_MISSED_DB = 1.0


@dataclass(frozen=True)
class Wanted:
    """The reverberation that vocals are to have.

    Attributes:
        rt60_s: reverberation time, broadband.
        rt60_octaves_s: the same in the octaves 250 Hz to 4 kHz.
        wet_dry_db: energy of the reverberation over that of the direct sound.
    """

    rt60_s: float
    rt60_octaves_s: Sequence[float]
    wet_dry_db: float


@dataclass(frozen=True)
class Space:
    """The reverb for vocals, and why.

    Attributes:
        settings: on the steps of the plug-in, dry sound included; None where no reverb is to be added.
        reason: the same in words.
        measured: what the vocals have already; None where that cannot be estimated.
        added_wet_dry_db: level of the reverb that `settings` are fitted to; None without settings.
        fit: how `settings` were found; None without settings.
        warnings: what its user should know.
    """

    settings: FdnReverbSettings | None
    reason: str
    measured: Reverberation | None
    added_wet_dry_db: float | None = None
    fit: Fit | None = None
    warnings: tuple[Notice, ...] = ()


def space(vocals: Sound, backing: Sound, wanted: Wanted, seed: int = 1) -> Space:
    """Choose the reverb that brings vocals to a wet level and reverberation times.

    The level that the vocals have is estimated blindly, as that of a catalog's songs is (`stats.reverb.blind`); only
    the energy that is missing is added. Room size, corners of the shelves and fade-in are assumed
    (`stats.reverb.columns.ASSUMED`).

    Args:
        vocals: two channels.
        backing: two channels, shorter or longer than the vocals. Where it covers them, no decay is read.
        wanted: what is to be reached.
        seed: of the fit.

    Raises:
        InputError: if a sound holds NaN or infinity.
    """
    for name, sound in (("vocals", vocals), ("backing", backing)):
        if not np.isfinite(sound.audio).all():
            raise InputError(f"the {name} track holds NaN or infinity: give one with finite samples")
    own = own_reverb.of_vocals(vocals, backing)
    level_db = wanted.wet_dry_db
    nothing = _nothing_to_add(vocals, level_db, own)
    if nothing:
        return Space(None, nothing, own)
    added_db = _missing_db(level_db, own.wet_dry_db if own else None)
    fit = fit_decay(list(wanted.rt60_octaves_s), added_db, seed=seed, prior=ASSUMED)
    warnings: tuple[Notice, ...] = ()
    if abs(fit.wet_dry_db - added_db) > _LEVEL_MISSED_DB:
        missed = f"the plug-in reaches {fit.wet_dry_db:.1f} dB of the {added_db:.1f} dB that were to be added"
        warnings = (Notice("out-of-reach", missed),)
    reason = (
        f"reverb of {wanted.rt60_s:.2f} s at {fit.wet_dry_db:.1f} dB to the dry vocals, towards {level_db:.1f} dB in "
        f"all: {_described(own)}"
    )
    return Space(fit.settings, reason, own, added_db, fit, warnings)


def _nothing_to_add(vocals: Sound, level_db: float, own: Reverberation | None) -> str | None:
    """Why there is no reverb to add; None where there is."""
    if not vocals.audio.any():
        return "no reverb: the vocals are silent"
    if level_db < LEAST_WET_DB:
        return f"no reverb: {level_db:.1f} dB to the direct sound are wanted, and vocals under {LEAST_WET_DB:g} are dry"
    if own is None or own.wet_dry_db <= level_db - ENOUGH_DB:
        return None
    than = "as wet as" if own.wet_dry_db >= level_db else f"within {ENOUGH_DB:g} dB of"
    return f"no reverb: the vocals are {than} the {level_db:.1f} dB wanted: {_described(own)}"


def _missing_db(level_db: float, own_db: float | None) -> float:
    """Level of a reverb that brings vocals to a level.

    Energies of independent reverbs add; the new one also reverberates what the vocals have:
    `10^(level/10) = own + added (1 + own)`. Vocals that FdnReverb has been applied to already, in the same room size,
    have echoes at the same instants: there amplitudes add, and the level comes out 2 to 6 dB higher.
    """
    own = 0.0 if own_db is None else 10 ** (own_db / 10)
    return 10 * math.log10((10 ** (level_db / 10) - own) / (1 + own))


def _described(own: Reverberation | None) -> str:
    if own is None:
        return "the vocals are taken for dry: there are not three seconds of singing at 16 kHz or more to estimate by"
    return (
        f"they have {own.wet_dry_db:.1f} dB already, estimated to some 3 dB "
        f"(confidence {own.confidence:.2f}: their time is known to {100 * own_reverb.expected_error(own):.0f} %)"
    )

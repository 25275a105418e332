"""The reverb of vocals: what is missing from the reverberation that they have to the one that they are to have."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from mixprior.mixing.rules import own_reverb
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED, LEAST_WET_DB
from mixprior.stats.reverb.fdn.fit import fit_decay
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

NEARLY_DRY_DB = -22.5
"""Vocals with less reverberation are nearly dry: they get one without being asked for. The highest half decibel under
which none of nine speakers with a reverb of -21 dB or more is read (role calibrate, docs/measured/reverb.md)."""

MOST_DRY = 0.25
"""Share of songs with such vocals up to which dry vocals are taken for unfinished: what is dry on purpose cannot be
asked of the sound, and a reverb that is not wanted is heard more than one that is missing."""

ENOUGH_DB = 3.0
"""Vocals this much less wet than the target get no reverb: the blind estimate of their level is off by 2 to 4 dB."""

_LEVEL_MISSED_DB = 1.0
_UNKNOWN = "there are not three seconds of singing at 16 kHz or more to estimate by"


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
        warnings: what its user should know.
    """

    settings: FdnReverbSettings | None
    reason: str
    measured: Reverberation | None
    warnings: tuple[Notice, ...] = ()


def space(vocals: Sound, own: Reverberation | None, wanted: Wanted, seed: int = 1) -> Space:
    """Choose the reverb that brings vocals to a wet level and reverberation times.

    Only the energy that the vocals lack is added. Room size, corners of the shelves and fade-in are assumed
    (`stats.reverb.columns.ASSUMED`).

    Args:
        vocals: two channels.
        own: what they have, estimated blindly as that of a catalog's songs is (`own_reverb.of_vocals`).
        wanted: what is to be reached.
        seed: of the fit.
    """
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
        f"all: {described(own)}"
    )
    return Space(fit.settings, reason, own, warnings)


def why_not_unasked(own: Reverberation | None, dry_share: float | None) -> str | None:
    """Say why vocals get no reverb that was not asked for; None where they get one.

    Args:
        own: what they have.
        dry_share: share of the songs whose vocals are nearly dry; None if it is not known.

    >>> why_not_unasked(None, 0.1)
    'whether the vocals are dry is not known: there are not three seconds of singing at 16 kHz or more to estimate by'
    """
    if own is None:
        return f"whether the vocals are dry is not known: {_UNKNOWN}"
    if own.wet_dry_db >= NEARLY_DRY_DB:
        return f"the vocals are not dry ({NEARLY_DRY_DB:g} dB): {described(own)}"
    if dry_share is None:
        return "how many songs have dry vocals is not known"
    if dry_share > MOST_DRY:
        return f"dry vocals may be meant: {dry_share:.0%} of the songs have them"
    return None


def _nothing_to_add(vocals: Sound, level_db: float, own: Reverberation | None) -> str | None:
    """Why there is no reverb to add; None where there is."""
    if not vocals.audio.any():
        return "no reverb: the vocals are silent"
    if level_db < LEAST_WET_DB:
        return f"no reverb: {level_db:.1f} dB to the direct sound are wanted, and vocals under {LEAST_WET_DB:g} are dry"
    if own is None or own.wet_dry_db <= level_db - ENOUGH_DB:
        return None
    than = "as wet as" if own.wet_dry_db >= level_db else f"within {ENOUGH_DB:g} dB of"
    return f"no reverb: the vocals are {than} the {level_db:.1f} dB wanted: {described(own)}"


def _missing_db(level_db: float, own_db: float | None) -> float:
    """Level of a reverb that brings vocals to a level.

    Energies of independent reverbs add; the new one also reverberates what the vocals have:
    `10^(level/10) = own + added (1 + own)`. Vocals that FdnReverb has been applied to already, in the same room size,
    have echoes at the same instants: there amplitudes add, and the level comes out 2 to 6 dB higher.
    """
    own = 0.0 if own_db is None else 10 ** (own_db / 10)
    return 10 * math.log10((10 ** (level_db / 10) - own) / (1 + own))


def described(own: Reverberation | None) -> str:
    """What vocals have already, in words."""
    if own is None:
        return f"the vocals are taken for dry: {_UNKNOWN}"
    return (
        f"they have {own.wet_dry_db:.1f} dB already, estimated to some 3 dB "
        f"(confidence {own.confidence:.2f}: their time is known to {100 * own_reverb.expected_error(own):.0f} %)"
    )

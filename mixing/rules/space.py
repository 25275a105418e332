"""The reverb step: how much of the reverb that a catalog's vocals have does this voice still lack."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mixprior.analysis.priors import EVERY_SONG, Priors
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.plan.reverb_target import ReverbTarget
from mixprior.stats.errors import InputError
from mixprior.stats.measures.tempo import tempo_bpm
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import ASSUMED, LEAST_WET_DB
from mixprior.stats.reverb.fdn.fit import Fit, fit_decay
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

RULES = ("seed", "catalog")

ENOUGH_DB = 3.0
"""A voice this much less wet than the target is left alone: the blind estimate of its level is off by 2 to 4 dB."""

_LOWEST_RATE_HZ = 16_000  # the blind estimate listens up to 7.8 kHz
_LEVEL_MISSED_DB = 1.0
_TIME = next(p for p in PARAMETERS if p.name == "reverberation_time_s")


@dataclass(frozen=True)
class Space:
    """The reverb for a voice, and why.

    Attributes:
        settings: on the steps of the plug-in, dry sound included; None where no reverb is to be added.
        reason: the same in words.
        target: reverb of the catalog's vocals, with the time that is to be reached.
        target_wet_dry_db: level to be reached, energy of the reverberation over that of the direct sound.
        measured: what the voice has of its own; None where that could not be told.
        added_wet_dry_db: level of the reverb that was wanted of `settings`; None with them.
        fit: how `settings` were found; None with them.
        notes: where the target comes from, in sentences.
        warnings: what its user should know.
    """

    settings: FdnReverbSettings | None
    reason: str
    target: ReverbTarget
    target_wet_dry_db: float
    measured: Reverberation | None
    added_wet_dry_db: float | None = None
    fit: Fit | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None, as JSON takes them."""
        own, fit = self.measured, self.fit
        return {
            "measured": own
            and {
                "wet_dry_db": round(own.wet_dry_db, 2),
                "rt60_s": round(own.rt60_s, 3) if own.wet_dry_db >= LEAST_WET_DB else None,
                "confidence": round(own.confidence, 3),
                "segments": own.segments,
            },
            "target": {
                "wet_dry_db": round(self.target_wet_dry_db, 2),
                "rt60_s": round(self.target.rt60_s, 3),
                "rt60_octaves_s": [round(float(time_s), 3) for time_s in self.target.rt60_octaves_s],
            },
            "priors": self.target.to_dict(),
            "added_wet_dry_db": None if self.added_wet_dry_db is None else round(self.added_wet_dry_db, 2),
            "reached_wet_dry_db": fit and round(fit.wet_dry_db, 2),
            "settings": self.settings and asdict(self.settings),
            "reason": self.reason,
            "notes": list(self.notes),
            "warnings": list(self.warnings),
        }


def space(
    voice: np.ndarray,
    backing: np.ndarray,
    rate_hz: int,
    priors: Priors,
    group: str = EVERY_SONG,
    *,
    rule: str | None = None,
    rt60_s: float | None = None,
    wet_dry_db: float | None = None,
    share: float = 1.0,
    seed: int = 1,
) -> Space:
    """Choose the reverb that brings a voice to the wet level of a catalog's vocals.

    The level that the voice has is estimated from itself, as the catalog's were (`stats.reverb.blind`); only the energy
    that it lacks is added. Room size, corners of the shelves and fade-in are assumed (`stats.reverb.columns.ASSUMED`).

    Args:
        voice: float32, (2, samples).
        backing: float32, (2, samples); shorter or longer than the voice. Where it covers the voice, no decay is read,
            and the tempo is measured on it.
        rate_hz: sample rate of both.
        priors: opened priors.
        group: the songs to go by.
        rule: what makes a reverberation time of the tempo: "seed" or "catalog", see `mixing.plan.reverb_target.target`.
        rt60_s: broadband reverberation time in place of the prior's; the octaves keep their ratios.
        wet_dry_db: level in place of the prior's.
        share: of the amplitude at that level, above 0: what is to be reached.
        seed: of the fit.

    Raises:
        InputError: if the priors hold no reverberation of vocals or not what the rule asks for, a number is out of
            range, a rule and a time are given, or a sound holds NaN or infinity.
    """
    _check(rule, rt60_s, wet_dry_db)
    for name, sound in (("voice", voice), ("backing", backing)):
        if not np.isfinite(sound).all():
            raise InputError(f"the {name} holds NaN or infinity: mend the file")
    voice, backing = at_44100(voice, rate_hz), at_44100(backing, rate_hz)
    tempo = tempo_bpm(backing.mean(axis=0)) if rule else None
    target = reverb_target.target(priors, group, tempo, rule)
    notes, warnings = target.notes, target.warnings
    if rule and tempo is None:
        warnings += ("the backing shows no tempo to make a reverberation time of: the median time is taken",)
    if rt60_s is not None:
        target = replace(target, rt60_s=rt60_s)
        notes += (f"time: {rt60_s:.2f} s, as asked for",)
    level_db = target.wet_dry_db
    if wet_dry_db is not None:
        level_db = wet_dry_db
        notes += (f"wet to dry: {level_db:.1f} dB, as asked for",)
    if share != 1:
        notes += (f"wet to dry: {share:.0%} of the amplitude at {level_db:.1f} dB",)
        level_db += 20 * math.log10(share)
    own = _own(voice, backing, rate_hz)
    nothing = _nothing_to_add(voice, level_db, own)
    if nothing:
        return Space(None, nothing, target, level_db, own, notes=notes, warnings=warnings)
    added_db = _missing_db(level_db, own.wet_dry_db if own else None)
    fit = fit_decay(target.rt60_octaves_s.tolist(), added_db, seed=seed, prior=ASSUMED)
    if abs(fit.wet_dry_db - added_db) > _LEVEL_MISSED_DB:
        warnings += (f"the plug-in reaches {fit.wet_dry_db:.1f} dB of the {added_db:.1f} dB that were to be added",)
    reason = (
        f"reverb of {target.rt60_s:.2f} s at {fit.wet_dry_db:.1f} dB to the dry voice, towards {level_db:.1f} dB in "
        f"all: {_told(own)}"
    )
    return Space(fit.settings, reason, target, level_db, own, added_db, fit, notes, warnings)


def _check(rule: str | None, rt60_s: float | None, wet_dry_db: float | None) -> None:
    if rule is not None and rule not in RULES:
        raise InputError(f"no rule {rule!r}; there are: {', '.join(RULES)}")
    if rule is not None and rt60_s is not None:
        raise InputError("a rule makes a reverberation time, and one was given: give one of the two")
    if rt60_s is not None and not _TIME.low <= rt60_s <= _TIME.high:
        raise InputError(f"the reverberation time is {rt60_s} s; it must be within {_TIME.low:g} to {_TIME.high:g} s")
    if wet_dry_db is not None and not math.isfinite(wet_dry_db):
        raise InputError(f"the reverb cannot be brought to {wet_dry_db} dB: give a finite level")


def _own(voice: np.ndarray, backing: np.ndarray, rate_hz: int) -> Reverberation | None:
    """What the voice has of its own; both sounds at 44.1 kHz by now, from the rate told."""
    if rate_hz < _LOWEST_RATE_HZ:
        return None
    rest = np.zeros_like(voice)
    heard = backing[:, : voice.shape[1]]
    rest[:, : heard.shape[1]] = heard
    return blind.estimate(voice, rest)


def _nothing_to_add(voice: np.ndarray, level_db: float, own: Reverberation | None) -> str | None:
    """Why there is no reverb to add; None where there is."""
    if not voice.any():
        return "no reverb: the voice is silent"
    if level_db < LEAST_WET_DB:
        return f"no reverb: {level_db:.1f} dB to the direct sound are wanted, and a voice under {LEAST_WET_DB:g} is dry"
    if own is None or own.wet_dry_db <= level_db - ENOUGH_DB:
        return None
    than = "as wet as" if own.wet_dry_db >= level_db else f"within {ENOUGH_DB:g} dB of"
    return f"no reverb: the voice is {than} the {level_db:.1f} dB wanted: {_told(own)}"


def _missing_db(level_db: float, own_db: float | None) -> float:
    """Level of a reverb that brings a voice to a level.

    Energies of independent reverbs add; the new one also reverberates what the voice has:
    `10^(level/10) = own + added (1 + own)`. A voice that FdnReverb has been put on already, in the same room size, has
    echoes at the same instants: there amplitudes add, and the level comes out 2 to 6 dB higher.
    """
    own = 0.0 if own_db is None else 10 ** (own_db / 10)
    return 10 * math.log10((10 ** (level_db / 10) - own) / (1 + own))


def _told(own: Reverberation | None) -> str:
    if own is None:
        return (
            "the voice is taken for dry, as there are not three seconds of singing at 16 kHz or more to read its own by"
        )
    expected = -math.log(own.confidence)
    return (
        f"it has {own.wet_dry_db:.1f} dB of its own, estimated from the voice to some 3 dB "
        f"(confidence {own.confidence:.2f}: its time is known to {100 * expected:.0f} %)"
    )

"""The reverb step of a mix: `mixprior.mixing.rules.space`, by the priors and the options of the mix."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import Source
from mixprior.analysis.priors import Prior
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.plan.aim import Aim, given
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb_target import BROADBAND, LEVEL, STEM, ReverbTarget
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, Unreliable, facts
from mixprior.mixing.rules import own_reverb, ratio
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.space import Space, Wanted, space, why_not_unasked
from mixprior.stats.errors import InputError
from mixprior.stats.measures.tempo import tempo_bpm
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.columns import LEAST_WET_DB, LEAST_WET_FOR_TIMES_DB
from mixprior.stats.sound import Sound

_SEED = 1

ASK = "give --wet-dry-db to set how wet the vocals are to be"
"""What a recipe asks where it cannot be decided whether vocals are to have a reverb."""


def add_reverb(of: str, vocals: Sound, backing: Sound, targets: Targets, options: Options) -> tuple[Chain, Step]:
    """Choose the reverb of vocals; `amount` scales the amplitude that is aimed for.

    The plug-in's knob fades the dry sound out as it fades the reverb in; a gain after it restores the loudness.

    Args:
        of: name of the vocals.
        vocals: the vocals, two channels.
        backing: all the rest, two channels at the same rate; it may be empty.
        targets: priors and group.
        options: how it is mixed.

    Returns:
        Reverb and gain, or neither, and the step.

    Raises:
        InputError: if no priors hold the reverberation of vocals, or lack what the rule needs.
    """
    if options.amount == 0:
        return Chain(), Step(name="reverb", of=of, reason="no reverb: --amount is 0")
    try:
        source = targets.source(reverb_target.NAMES, [] if options.wet_dry_db is None else [(STEM, LEVEL)])
    except Unreliable as error:
        return Chain(), replace(error.step("reverb", of), notes=(ASK,))
    except PriorsLookupError as error:
        raise InputError(f"no priors hold the reverberation of vocals: leave out the step reverb ({error})") from error
    target, notes, warnings = _target(source, backing, options)
    if targets.like and options.rt60_s is None and options.reverb_rule is None:
        drawn = targets.of_prior(target.broadband, source)
        target, notes = replace(target, rt60_s=drawn.value), (*notes, f"time: {drawn.reason}")
    own = own_reverb.of_vocals(vocals, backing)
    aim = _aim(target.level, source, own, targets, options)
    wanted = Wanted(target.rt60_s, target.rt60_octaves_s.tolist(), _level_db(aim, options))
    why_not = None if _asked(options) or not vocals.audio.any() else why_not_unasked(own, target.dry_share)
    found = Space(None, f"no reverb: {why_not}", own) if why_not else space(vocals, own, wanted, _SEED)
    if options.wet_dry_db is None:
        notes += (ASK,) if why_not else (f"wet to dry: {aim.reason}",)
    added = _as_loud(Chain(reverb=found.settings), vocals)
    of_source, noted = targets.warnings_and_notes(source.notes)
    step = Step(
        name="reverb",
        of=of,
        reason=found.reason,
        measured=_measured(found),
        target={
            "wet_dry_db": round(wanted.wet_dry_db, 2),
            "rt60_s": round(wanted.rt60_s, 3),
            "rt60_octaves_s": [round(float(time_s), 3) for time_s in wanted.rt60_octaves_s],
        },
        setting={**asdict(found.settings), "makeup_db": added.output_gain_db} if found.settings else {},
        priors=tuple(facts(source.priors.lookup(STEM, name, source.group), source) for name in (BROADBAND, LEVEL)),
        warnings=(*of_source, *warnings, *found.warnings),
        notes=(*noted, *notes),
        aims=(aim.to_dict(),),
    )
    return added, step


def _asked(options: Options) -> bool:
    return options.wet_dry_db is not None or options.rt60_s is not None or options.reverb_rule is not None


def _as_loud(added: Chain, vocals: Sound) -> Chain:
    """A reverb with the gain that keeps the loudness of the vocals."""
    if added.reverb is None:
        return added
    return replace(added, output_gain_db=ratio.vocal_gain_db(chain.process(added, vocals), vocals, 0.0) or 0.0)


def _target(source: Source, backing: Sound, options: Options) -> tuple[ReverbTarget, tuple[str, ...], list[Notice]]:
    """The reverberation of the songs, by priors, rule and options; where it comes from, and what to know of it."""
    rule = options.reverb_rule
    tempo = tempo_bpm(at_44100(backing).audio.mean(axis=0)) if rule else None
    target = reverb_target.target(source, tempo, rule)
    warnings, notes = list(target.warnings), target.notes
    if rule and tempo is None:
        missing = "the backing has no tempo to set a reverberation time by: the median time is taken"
        warnings.append(Notice("tempo", missing))
    if options.rt60_s is not None:
        target = replace(target, rt60_s=options.rt60_s)
        notes += (f"time: {options.rt60_s:.2f} s, as given",)
    if options.wet_dry_db is not None:
        notes += (f"wet to dry: {options.wet_dry_db:.1f} dB, as given",)
    if options.amount != 1:
        notes += (f"wet to dry: {options.amount:.0%} of the amplitude",)
    return target, notes, warnings


def _aim(level: Prior, source: Source, own: Reverberation | None, targets: Targets, options: Options) -> Aim:
    """How wet the vocals are to be: what is not known of them is taken for dry."""
    heard_db = LEAST_WET_DB if own is None else own.wet_dry_db
    if options.wet_dry_db is not None:
        return given(LEVEL, heard_db, options.wet_dry_db)
    return targets.of_prior(level, source).aim(heard_db, "reverb", options.trust, options.aim)


def _level_db(aim: Aim, options: Options) -> float:
    assert aim.value is not None
    return aim.value + 20 * math.log10(options.amount)


def _measured(found: Space) -> dict[str, float | int | None]:
    own = found.measured
    if own is None:
        return {}
    return {
        "wet_dry_db": round(own.wet_dry_db, 2),
        "rt60_s": round(own.rt60_s, 3) if own.wet_dry_db >= LEAST_WET_FOR_TIMES_DB else None,
        "confidence": round(own.confidence, 3),
        "segments": own.segments,
    }

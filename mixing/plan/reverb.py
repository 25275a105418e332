"""The reverb step of a mix: `mixprior.mixing.rules.space`, by the priors and the options of the mix."""

from __future__ import annotations

import math
from dataclasses import asdict, replace

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import Source
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan import reverb_target
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb_target import BROADBAND, LEVEL, STEM
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, Unreliable, facts
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.space import Space, Wanted, space
from mixprior.stats.errors import InputError
from mixprior.stats.measures.tempo import tempo_bpm
from mixprior.stats.reverb.columns import LEAST_WET_FOR_TIMES_DB
from mixprior.stats.sound import Sound

_SEED = 1


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
        source = targets.source(reverb_target.NAMES)
    except Unreliable as error:
        return Chain(), error.step("reverb", of)
    except PriorsLookupError as error:
        raise InputError(f"no priors hold the reverberation of vocals: leave out the step reverb ({error})") from error
    wanted, notes, warnings = _wanted(source, backing, options)
    found = space(vocals, backing, wanted, _SEED)
    added = Chain(reverb=found.settings)
    if found.settings is not None:
        wet = chain.process(added, vocals)
        added = replace(added, output_gain_db=ratio.vocal_gain_db(wet, vocals, 0.0) or 0.0)
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
    )
    return added, step


def _wanted(source: Source, backing: Sound, options: Options) -> tuple[Wanted, tuple[str, ...], list[Notice]]:
    """The reverberation to reach, by priors, rule and options; where it comes from, and what its user should know."""
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
    level_db = target.wet_dry_db
    if options.wet_dry_db is not None:
        level_db = options.wet_dry_db
        notes += (f"wet to dry: {level_db:.1f} dB, as given",)
    if options.amount != 1:
        notes += (f"wet to dry: {options.amount:.0%} of the amplitude at {level_db:.1f} dB",)
        level_db += 20 * math.log10(options.amount)
    return Wanted(target.rt60_s, target.rt60_octaves_s.tolist(), level_db), notes, warnings


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

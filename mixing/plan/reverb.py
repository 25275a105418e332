"""The reverb step of a mix: the room of `mixprior.mixing.rules.space`, by the targets and options of the mix."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from mixprior.analysis.priors import PriorsLookupError
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb_target import BROADBAND, LEVEL, OCTAVES, STEM
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, told
from mixprior.mixing.rules import ratio, space
from mixprior.stats import loudness_blocks
from mixprior.stats.errors import InputError

_SEED = 1


def add_reverb(
    of: str, voice: np.ndarray, backing: np.ndarray, rate_hz: int, targets: Targets, options: Options
) -> tuple[Chain, Step]:
    """Choose the reverb of a voice; `amount` scales the amplitude that is aimed for.

    The plug-in's knob fades the dry sound out as it fades the reverb in; a gain after it makes the voice as loud again.

    Args:
        of: name of the voice.
        voice: float32, (2, samples).
        backing: the same, all the rest.
        rate_hz: sample rate of both.
        targets: what the priors say.
        options: what was asked for.

    Returns:
        Reverb and gain, or neither, and the step.

    Raises:
        InputError: if no priors know the reverberation of vocals, or a number is out of range.
    """
    if options.amount == 0:
        return Chain(), Step("reverb", of, "no reverb: none of the way was to be gone")
    try:
        source = targets.chain.source([(STEM, name) for name in (BROADBAND, OCTAVES, LEVEL)], targets.group)
    except PriorsLookupError as error:
        raise InputError(f"no priors know the reverberation of vocals: leave out the step reverb ({error})") from error
    level = source.priors.lookup(STEM, LEVEL, source.group)
    found = space.space(
        voice,
        backing,
        rate_hz,
        source.priors,
        source.group,
        rule=options.reverb_rule,
        rt60_s=options.rt60_s,
        wet_dry_db=options.wet_dry_db,
        share=options.amount,
        seed=_SEED,
    )
    facts = found.to_dict()
    added = Chain(reverb=found.settings)
    if found.settings is not None:
        dry, wet = (loudness_blocks.measure(each, rate_hz) for each in (voice, chain.process(added, voice, rate_hz)))
        added = replace(added, output_gain_db=ratio.vocal_gain_db(wet, dry, 0.0) or 0.0)
    warnings, notes = targets.told_apart(source.notes)
    step = Step(
        "reverb",
        of,
        found.reason,
        facts["measured"] or {},
        facts["target"],
        {**asdict(found.settings), "makeup_db": added.output_gain_db} if found.settings else {},
        (told(source.priors.lookup(STEM, BROADBAND, source.group), source), told(level, source)),
        (*warnings, *(each for each in found.warnings if "songs only" not in each)),  # Told by the notes of the source.
        (*notes, *found.notes),
    )
    return added, step

"""Vocals and their backing: each step a small function of the sounds and of priors, in the order of K. Li's chain.

Order: level, equalisers, compressor, reverb, level again (github likelian/Lab_spring2022); the loudness of the mix
comes after their sum (`mixprior.mixing.plan.loudness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.plan import level
from mixprior.mixing.plan.compression import compress
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import equalise, equalise_mix
from mixprior.mixing.plan.step import STEPS, Plan, Step
from mixprior.mixing.plan.targets import Target, Targets
from mixprior.mixing.plan.unmasking import unmask
from mixprior.stats.sound import Sound

POSSIBLE_STEPS = tuple(step for step in STEPS if step != "pan")


def plan(sounds: Mapping[str, Sound], targets: Targets, options: Options) -> Plan:
    """Decide on everything up to the sum of "vocals" and "backing".

    Args:
        sounds: by these two names, two channels each and of one rate.
        targets: priors and group.
        options: how it is mixed.

    Raises:
        InputError: if the priors lack what a step needs.
    """
    targets = replace(targets, sung=True)
    vocals, backing = sounds[VOCALS], sounds[BACKING]
    vocals_chain, backing_chain = Chain(), Chain()
    steps: list[Step] = []
    wanted_ratio: tuple[Target, float] | None = None
    if "level" in options.steps:
        target = targets.ratio(options.ratio_lu)
        gain_db, step, wanted_lu = level.set_level(VOCALS, vocals, backing, target, options)
        steps.append(step)
        wanted_ratio = None if wanted_lu is None else (target, wanted_lu)
        vocals_chain = replace(vocals_chain, input_gain_db=gain_db)
        vocals = chain.process(vocals_chain, vocals)
    if "eq" in options.steps and not targets.like:
        curve, step = equalise(VOCALS, vocals, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, match=curve)
        vocals = chain.process(Chain(match=curve), vocals)
    if "unmask" in options.steps:
        bands, rest, step = unmask(vocals, backing, options)
        steps.append(step)
        vocals_chain, backing_chain = replace(vocals_chain, bands=bands), Chain(bands=rest)
        vocals, backing = chain.process(Chain(bands=bands), vocals), chain.process(backing_chain, backing)
    if "compression" in options.steps:
        settings, step = compress(vocals, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, compressor=settings)
        vocals = chain.process(Chain(compressor=settings), vocals)
    if "reverb" in options.steps:
        made, step = add_reverb(VOCALS, vocals, backing, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, reverb=made.reverb, output_gain_db=made.output_gain_db)
        vocals = chain.process(made, vocals)
    if targets.like and "eq" in options.steps:
        curve, step = equalise_mix([vocals, backing], targets, options)
        steps.append(step)
        vocals_chain, backing_chain = (replace(each, match=curve) for each in (vocals_chain, backing_chain))
        vocals, backing = (chain.process(Chain(match=curve), sound) for sound in (vocals, backing))
    if wanted_ratio is not None and {"eq", "unmask", "compression", "reverb"} & set(options.steps):
        target, wanted_lu = wanted_ratio
        gain_db, step, _ = level.set_level(VOCALS, vocals, backing, target, options, wanted_lu)
        steps.append(replace(step, reason=f"again, after the other steps: {step.reason}"))
        vocals_chain = replace(vocals_chain, output_gain_db=round(vocals_chain.output_gain_db + gain_db, 2))
    return targets.like.announced(
        Plan(MixSettings({VOCALS: vocals_chain, BACKING: backing_chain}), tuple(steps)), options
    )

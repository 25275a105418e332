"""Vocals and their backing: each step a small function of the sounds and of priors, in the order of K. Li's chain.

Order: level, equaliser, compressor, reverb, level again (github likelian/Lab_spring2022); the loudness of the mix comes
after their sum (`mixprior.mixing.plan.loudness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings
from mixprior.mixing.plan import level
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import match
from mixprior.mixing.plan.step import STEPS, Plan, Step
from mixprior.mixing.plan.targets import Target, Targets, Unreliable
from mixprior.mixing.rules import compression, unmasking
from mixprior.mixing.rules.compression_model import RANGES
from mixprior.mixing.rules.masking import masked_db
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.sound import Sound

POSSIBLE_STEPS = tuple(step for step in STEPS if step != "pan")

_STATISTICS = {"ebu": "loudness_range_lu", "100ms": "loudness_range_100ms_lu"}


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
    if "eq" in options.steps:
        made, backing_chain, step = _equalise(vocals, backing, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, match=made.match, bands=made.bands)
        vocals, backing = chain.process(made, vocals), chain.process(backing_chain, backing)
    if "compression" in options.steps:
        settings, step = _compress(vocals, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, compressor=settings)
        vocals = chain.process(Chain(compressor=settings), vocals)
    if "reverb" in options.steps:
        made, step = add_reverb(VOCALS, vocals, backing, targets, options)
        steps.append(step)
        vocals_chain = replace(vocals_chain, reverb=made.reverb, output_gain_db=made.output_gain_db)
        vocals = chain.process(made, vocals)
    if wanted_ratio is not None and {"eq", "compression", "reverb"} & set(options.steps):
        target, wanted_lu = wanted_ratio
        gain_db, step, _ = level.set_level(VOCALS, vocals, backing, target, options, wanted_lu)
        steps.append(replace(step, reason=f"again, after the other steps: {step.reason}"))
        vocals_chain = replace(vocals_chain, output_gain_db=round(vocals_chain.output_gain_db + gain_db, 2))
    return Plan(MixSettings({VOCALS: vocals_chain, BACKING: backing_chain}), tuple(steps))


def _compress(vocals: Sound, targets: Targets, options: Options) -> tuple[CompressorSettings | None, Step]:
    try:
        target = targets.scalar(VOCALS, _STATISTICS[options.range_measure], options.loudness_range_lu)
    except Unreliable as error:
        return None, error.step("compression", VOCALS)
    return compress(vocals, target, options)


def _equalise(vocals: Sound, backing: Sound, targets: Targets, options: Options) -> tuple[Chain, Chain, Step]:
    if options.eq_rule == "match":
        curve, step = match(VOCALS, VOCALS, vocals, targets, options.amount)
        return Chain(match=curve), Chain(), step
    vocals_bands, backing_bands, step = unmask(vocals, backing, options)
    return Chain(bands=vocals_bands), Chain(bands=backing_bands), step


def unmask(vocals: Sound, backing: Sound, options: Options) -> tuple[tuple[Band, ...], tuple[Band, ...], Step]:
    """Choose bands that free the vocals; `amount` scales their gains."""
    rule = unmasking.seed_rule if options.eq_rule == "seed" else unmasking.hafezi_reiss
    found = rule(vocals, backing)
    vocals_bands, backing_bands = (
        tuple(replace(band, gain_db=round(options.amount * band.gain_db, 2)) for band in bands)
        for bands in (found.vocals, found.backing)
    )
    masked = {"masked_vocals_db": masked_db(vocals, backing), "masked_backing_db": masked_db(backing, vocals)}
    if vocals_bands or backing_bands:
        after = chain.process(Chain(bands=vocals_bands), vocals)
        rest = chain.process(Chain(bands=backing_bands), backing)
        masked["masked_vocals_after_db"] = masked_db(after, rest)
        masked["masked_backing_after_db"] = masked_db(rest, after)
    setting = {"vocals": [asdict(band) for band in vocals_bands], "backing": [asdict(band) for band in backing_bands]}
    measured = masked | {"bands": [asdict(band) for band in found.bands]}
    reason = found.reason
    if options.amount != 1 and (found.vocals or found.backing):
        reason += f"; {options.amount:.0%} of these gains are set"
    step = Step(
        name="eq", of=VOCALS, reason=reason, measured=measured, target={"rule": options.eq_rule}, setting=setting
    )
    return vocals_bands, backing_bands, step


def compress(vocals: Sound, target: Target, options: Options) -> tuple[CompressorSettings | None, Step]:
    """Choose a compressor that brings the vocals' loudness range down to the target, or a share of the way.

    A range that is smaller than the target stays as it is.
    """
    own_lu = RANGES[options.range_measure](vocals)
    aim_lu, share = target.value, ""
    if own_lu is not None and own_lu > target.value and options.amount != 1:
        aim_lu = own_lu + options.amount * (target.value - own_lu)
        share = f" ({options.amount:.0%} of the way to {target.value:.1f})"
    found = compression.to_loudness_range(vocals, aim_lu, options.range_measure)
    missed = () if found.on_target else (Notice("out-of-reach", found.reason),)
    step = Step(
        name="compression",
        of=VOCALS,
        reason=f"{found.reason}{share}: {target.reason}",
        measured=found.measured,
        target={target.statistic: aim_lu},
        setting=asdict(found.settings) if found.settings else {},
        priors=target.priors,
        warnings=(*target.warnings, *missed),
        notes=target.notes,
    )
    return found.settings, step

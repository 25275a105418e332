"""A voice and its backing: each step a small function of what is heard and of priors, in the order of K. Li's chain.

Order: level, equaliser, compressor, reverb, level again (github likelian/Lab_spring2022); the loudness of the mix comes
after their sum (`mixprior.mixing.plan.loudness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings
from mixprior.mixing.plan import level
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import match
from mixprior.mixing.plan.step import STEPS, Plan, Step
from mixprior.mixing.plan.targets import Target, Targets
from mixprior.mixing.rules import compression, unmasking
from mixprior.mixing.rules.masking import masked_db
from mixprior.stats import loudness_blocks
from mixprior.stats.loudness_blocks import Blocks
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu, loudness_range_lu

VOCAL, BACKING = "vocal", "backing"
POSSIBLE_STEPS = tuple(step for step in STEPS if step != "pan")

_RANGES = {"ebu": "loudness_range_lu", "100ms": "loudness_range_100ms_lu"}


def plan(sounds: Mapping[str, np.ndarray], rate_hz: int, targets: Targets, options: Options) -> Plan:
    """Decide on everything up to the sum of "vocal" and "backing".

    Args:
        sounds: float32, (2, samples), by these two names.
        rate_hz: sample rate of both.
        targets: what the priors say.
        options: what was asked for.

    Raises:
        InputError: if the priors lack what a step needs.
    """
    voice, backing = sounds[VOCAL], sounds[BACKING]
    voice_chain, backing_chain = Chain(), Chain()
    steps: list[Step] = []
    wanted_ratio: tuple[Target, float] | None = None
    if "level" in options.steps:
        target = targets.ratio(options.ratio_lu)
        gain_db, step, wanted_lu = level.set_level(
            VOCAL, _blocks(voice, rate_hz), _blocks(backing, rate_hz), target, options.amount
        )
        steps.append(step)
        wanted_ratio = None if wanted_lu is None else (target, wanted_lu)
        voice_chain = replace(voice_chain, input_gain_db=gain_db)
    heard = chain.process(voice_chain, voice, rate_hz)
    if "eq" in options.steps and options.eq_rule == "match":
        curve, step = match(VOCAL, "vocals", heard, rate_hz, targets, options.amount)
        steps.append(step)
        voice_chain = replace(voice_chain, match=curve)
        heard = chain.process(Chain(match=curve), heard, rate_hz)
    elif "eq" in options.steps:
        voice_bands, backing_bands, step = unmask(heard, backing, rate_hz, options)
        steps.append(step)
        voice_chain, backing_chain = replace(voice_chain, bands=voice_bands), Chain(bands=backing_bands)
        heard = chain.process(Chain(bands=voice_bands), heard, rate_hz)
        backing = chain.process(backing_chain, backing, rate_hz)
    if "compression" in options.steps:
        target = targets.scalar("vocals", _RANGES[options.range_measure], options.loudness_range_lu)
        settings, step = compress(heard, rate_hz, target, options)
        steps.append(step)
        voice_chain = replace(voice_chain, compressor=settings)
        heard = chain.process(Chain(compressor=settings), heard, rate_hz)
    if "reverb" in options.steps:
        added, step = add_reverb(VOCAL, heard, backing, rate_hz, targets, options)
        steps.append(step)
        voice_chain = replace(voice_chain, reverb=added.reverb, output_gain_db=added.output_gain_db)
        heard = chain.process(added, heard, rate_hz)
    if wanted_ratio is not None and {"eq", "compression", "reverb"} & set(options.steps):
        target, wanted_lu = wanted_ratio
        gain_db, step, _ = level.set_level(
            VOCAL, _blocks(heard, rate_hz), _blocks(backing, rate_hz), target, options.amount, wanted_lu
        )
        steps.append(replace(step, reason=f"again, after the other steps: {step.reason}"))
        voice_chain = replace(voice_chain, output_gain_db=round(voice_chain.output_gain_db + gain_db, 2))
    return Plan(MixSettings({VOCAL: voice_chain, BACKING: backing_chain}), tuple(steps))


def unmask(
    voice: np.ndarray, backing: np.ndarray, rate_hz: int, options: Options
) -> tuple[tuple[Band, ...], tuple[Band, ...], Step]:
    """Choose bands that lay the voice free; `amount` scales their gains."""
    rule = unmasking.seed_rule if options.eq_rule == "seed" else unmasking.hafezi_reiss
    found = rule(voice, backing, rate_hz)
    voice_bands, backing_bands = (
        tuple(replace(band, gain_db=round(options.amount * band.gain_db, 2)) for band in bands)
        for bands in (found.voice, found.backing)
    )
    masked = {
        "masked_voice_db": masked_db(voice, backing, rate_hz),
        "masked_backing_db": masked_db(backing, voice, rate_hz),
    }
    if voice_bands or backing_bands:
        after = chain.process(Chain(bands=voice_bands), voice, rate_hz)
        rest = chain.process(Chain(bands=backing_bands), backing, rate_hz)
        masked["masked_voice_after_db"] = masked_db(after, rest, rate_hz)
        masked["masked_backing_after_db"] = masked_db(rest, after, rate_hz)
    setting = {"voice": [asdict(band) for band in voice_bands], "backing": [asdict(band) for band in backing_bands]}
    measured = masked | {"bands": [asdict(band) for band in found.bands]}
    reason = found.reason
    if options.amount != 1 and (found.voice or found.backing):
        reason += f"; {options.amount:.0%} of these gains are set"
    step = Step("eq", VOCAL, reason, measured, {"rule": options.eq_rule}, setting)
    return voice_bands, backing_bands, step


def compress(
    voice: np.ndarray, rate_hz: int, target: Target, options: Options
) -> tuple[CompressorSettings | None, Step]:
    """Choose a compressor that brings the voice's loudness range down to the target, or a share of the way.

    A range that is smaller than the target stays as it is.
    """
    own_lu = _range_lu(voice, rate_hz, options.range_measure)
    aim_lu, share = target.value, ""
    if own_lu is not None and own_lu > target.value and options.amount != 1:
        aim_lu = own_lu + options.amount * (target.value - own_lu)
        share = f" ({options.amount:.0%} of the way to {target.value:.1f})"
    found = compression.to_loudness_range(voice, rate_hz, aim_lu, options.range_measure)
    step = Step(
        "compression",
        VOCAL,
        f"{found.reason}{share}: {target.reason}",
        found.measured,
        {target.statistic: aim_lu},
        asdict(found.settings) if found.settings else {},
        target.priors,
        (*target.warnings, *(() if found.on_target else (found.reason,))),
        target.notes,
    )
    return found.settings, step


def _range_lu(voice: np.ndarray, rate_hz: int, measure: str) -> float | None:
    weighted = _blocks(voice, rate_hz).weighted
    return loudness_range_lu(weighted) if measure == "ebu" else loudness_range_100ms_lu(weighted)


def _blocks(audio: np.ndarray, rate_hz: int) -> Blocks:
    return loudness_blocks.measure(audio, rate_hz)

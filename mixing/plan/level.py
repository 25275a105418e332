"""The level step of vocals: their ratio to the backing, as far towards the priors as what is measured allows."""

from __future__ import annotations

from mixprior.mixing.plan.aim import Aim
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import towards
from mixprior.stats.sound import Sound

GROUP_LEVEL = "loudness_vs_mixture_lu"
"""Statistic that classes of tracks are set by."""


def set_level(
    of: str, vocals: Sound, backing: Sound, target: Target, options: Options, wanted_lu: float | None = None
) -> tuple[float, Step, float | None]:
    """Find the gain of the vocals.

    Args:
        of: name of the vocals.
        vocals: the sound.
        backing: all the rest.
        target: the ratio, by one of `mixprior.mixing.rules.ratio.DEFINITIONS`.
        options: how far to go: `amount`, `aim` and `trust`.
        wanted_lu: where that led before, to go there again.

    Returns:
        The gain in dB, the step, and the ratio that was aimed for; None where there is nothing to measure.
    """
    aim = aim_of(vocals, backing, target, options)
    if aim.heard is None or aim.value is None:
        return 0.0, silent_step(of, target), None
    if wanted_lu is not None:
        gain_db, step = to_ratio(of, vocals, backing, target, wanted_lu, _share(aim, options.amount))
        return gain_db, step, wanted_lu
    wanted_lu = towards(aim.heard, aim.value, options.amount)
    gain_db, step = to_ratio(of, vocals, backing, target, wanted_lu, why(aim, options.amount), aim)
    return gain_db, step, wanted_lu


def aim_of(vocals: Sound, backing: Sound, target: Target, options: Options) -> Aim:
    """How far the ratio is to go from what it is."""
    return target.aim(ratio.ratio_lu(vocals, backing, target.statistic), "level", options.trust, options.aim)


def why(aim: Aim, amount: float) -> str:
    """The part of the reason that says how far; empty for a number that a person gave, all of it."""
    share = _share(aim, amount)
    return share if aim.rule == "given" else f"{share}: {aim.reason}"


def _share(aim: Aim, amount: float) -> str:
    return "" if amount == 1 or aim.value is None else f" ({amount:.0%} of the way to {aim.value:+.2f})"


def to_ratio(
    of: str, vocals: Sound, backing: Sound, target: Target, wanted_lu: float, why: str, aim: Aim | None = None
) -> tuple[float, Step]:
    """The gain that brings the vocals to a ratio, and the step; with `aim` where it was weighed.

    Args:
        of: name of the vocals.
        vocals: the sound.
        backing: all the rest, as it will be.
        target: the ratio.
        wanted_lu: where to go.
        why: what the reason says of it, before the words of the target.
        aim: how it was weighed; what was measured is taken from it.
    """
    gain_db = ratio.vocal_gain_db(vocals, backing, wanted_lu, target.statistic) or 0.0
    measured_lu = ratio.ratio_lu(vocals, backing, target.statistic) if aim is None else aim.heard
    separator = "; " if ": " in why else ": "
    step = Step(
        name="level",
        of=of,
        reason=f"{of} {gain_db:+.2f} dB, to {wanted_lu:+.2f} LU against the backing{why}{separator}{target.reason}",
        measured={target.statistic: measured_lu},
        target={target.statistic: wanted_lu, "definition": ratio.DEFINITIONS[target.statistic]},
        setting={"gain_db": gain_db},
        priors=target.priors,
        warnings=target.warnings,
        notes=target.notes,
        aims=() if aim is None else (aim.to_dict(),),
    )
    return gain_db, step


def silent_step(of: str, target: Target) -> Step:
    """The step where there is nothing to measure."""
    silent = f"the {of} or the backing is silent, or shorter than 0.4 s, so that there is no ratio to set"
    return Step(
        name="level",
        of=of,
        reason=f"the level of the {of} is not changed",
        measured={target.statistic: None},
        warnings=(Notice("silent", silent),),
    )

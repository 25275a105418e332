"""The level step: vocals to their ratio to the backing, instruments to the levels that songs give them; or a share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target, Targets, Unreliable
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.group_balance import LIMIT_DB, Group
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import towards
from mixprior.stats.sound import Sound


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
    own_lu = ratio.ratio_lu(vocals, backing, target.statistic)
    aim = target.aim(own_lu, "level", options.trust, options.aim)
    if own_lu is None or aim.value is None:
        silent = f"the {of} or the backing is silent, or shorter than 0.4 s, so that there is no ratio to set"
        step = Step(
            name="level",
            of=of,
            reason=f"the level of the {of} is not changed",
            measured={target.statistic: None},
            warnings=(Notice("silent", silent),),
        )
        return 0.0, step, None
    again = wanted_lu is not None
    if wanted_lu is None:
        wanted_lu = towards(own_lu, aim.value, options.amount)
    gain_db = ratio.vocal_gain_db(vocals, backing, wanted_lu, target.statistic) or 0.0
    share = "" if options.amount == 1 else f" ({options.amount:.0%} of the way to {aim.value:+.2f})"
    why = f"{share}: {target.reason}" if again or target.given else f"{share}: {aim.reason}; {target.reason}"
    step = Step(
        name="level",
        of=of,
        reason=f"{of} {gain_db:+.2f} dB, to {wanted_lu:+.2f} LU against the backing{why}",
        measured={target.statistic: own_lu},
        target={target.statistic: wanted_lu, "definition": ratio.DEFINITIONS[target.statistic]},
        setting={"gain_db": gain_db},
        priors=target.priors,
        warnings=target.warnings,
        notes=target.notes,
        aims=() if again else (aim.to_dict(),),
    )
    return gain_db, step, wanted_lu


GROUP_LEVEL = "loudness_vs_mixture_lu"
_CLOSE_LU = 0.1


def set_groups(
    classes: Mapping[str, Sound], targets: Targets, vocals: Sound | None, vocals_lu: float, options: Options
) -> tuple[dict[str, float], list[Step]]:
    """Find the gains of classes of instruments.

    Args:
        classes: two or more, none silent.
        targets: priors and group.
        vocals: the vocals, not silent; None without vocals.
        vocals_lu: the loudness they will have against the sum of the classes.
        options: how far to go.

    Returns:
        Gain in dB of each class that has a reliable target, and the steps.

    Raises:
        InputError: if no priors hold the loudness of the classes.
    """
    amount = options.amount
    wanted, steps = _targets(classes, targets)
    classes = {name: sound for name, sound in classes.items() if name in wanted}
    if len(classes) < 2:
        return {}, steps
    halves = {name: target.half or (target.value, target.value) for name, target in wanted.items()}
    group = Group(classes, vocals, vocals_lu)
    gains_db = {name: round(amount * gain_db, 2) + 0.0 for name, gain_db in group.gains_db(halves).items()}
    before, after = group.stand_lu(dict.fromkeys(classes, 0.0)), group.stand_lu(gains_db)
    for name, target in wanted.items():
        low, high = halves[name]
        warnings = target.warnings
        if amount != 1:
            why = f"{amount:.0%} of the way to {low:.1f} to {high:.1f} LU"
        elif low - _CLOSE_LU <= after[name] <= high + _CLOSE_LU:
            stayed = low <= before[name] <= high
            why = "already in its range, moved with the others" if stayed else "to the nearer end of its range"
        else:
            why = f"as near as {LIMIT_DB:g} dB and the other classes allow"
            missed = f"{name}: {after[name]:.1f} LU against the mix, not {low:.1f} to {high:.1f}"
            warnings = (*warnings, Notice("out-of-reach", missed))
        moved = f"{name} {gains_db[name]:+.2f} dB, from {before[name]:.1f} to {after[name]:.1f} LU against the mix"
        steps.append(
            Step(
                name="level",
                of=name,
                reason=f"{moved}: {why}; {target.reason}",
                measured={GROUP_LEVEL: before[name]},
                target={GROUP_LEVEL: halves[name]},
                setting={"gain_db": gains_db[name]},
                priors=target.priors,
                warnings=warnings,
                notes=target.notes,
                reached={GROUP_LEVEL: after[name]},
            )
        )
    return gains_db, steps


def _targets(classes: Iterable[str], targets: Targets) -> tuple[dict[str, Target], list[Step]]:
    """Levels to aim for, and a step for each class that is left as it is because its level is not reliable."""
    wanted: dict[str, Target] = {}
    left_out: list[Step] = []
    for name in classes:
        try:
            wanted[name] = targets.scalar(name, GROUP_LEVEL)
        except Unreliable as error:
            left_out.append(error.step("level", name))
    return wanted, left_out

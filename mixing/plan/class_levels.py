"""The level step of the tracks of a song: classes of instruments and vocals, each weighed, all found together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import sqrt

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.plan import level
from mixprior.mixing.plan.aim import Aim
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.locks import GAIN
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target, Targets, Unreliable
from mixprior.mixing.rules.joint_levels import LIMIT_DB, Found, Goal, Together, shared_energies
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.posterior import towards
from mixprior.mixing.rules.ratio import ratio_lu, vocal_gain_db
from mixprior.stats.sound import Sound

ABSENT_LU = -30.0
"""A class that is further below the mix is taken for absent (a leak, an instrument that waits for its cue) and stays:
below it are separated stems of an absent source, too (`mixprior.stats.measures.presence`)."""

_CLOSE_LU = 0.1


@dataclass(frozen=True)
class _Class:
    """A level with a target: what was heard, where to go, and what a miss costs."""

    target: Target
    aim: Aim
    goal: Goal


def set_levels(mixed: Mapping[str, Sound], targets: Targets, options: Options) -> tuple[dict[str, float], list[Step]]:
    """Find the gains of classes of instruments and of the vocals.

    Args:
        mixed: each class by name, the vocals as "vocals".
        targets: priors and group.
        options: how far to go: `amount`, `aim`, `trust` and `ratio_lu`.

    Returns:
        Gain in dB of each class, and the steps.

    Raises:
        InputError: if no priors hold the loudness of the classes, or the ratio.
    """
    gains_db = dict.fromkeys(mixed, 0.0)
    audible = {name: sound for name, sound in mixed.items() if name != VOCALS and not sound.silent}
    vocals = mixed.get(VOCALS)
    sung, left = (None, []) if vocals is None else _sung(vocals, mixed, targets, options)
    steps: list[Step] = []
    found = None
    if len(audible) > 1:
        parts = {**audible, VOCALS: vocals} if vocals is not None and sung else audible
        together = Together(audible, parts.get(VOCALS), shared_energies(parts))
        classes, steps = _classes(together, targets, sung, options)
        if classes:
            goals = {name: each.goal for name, each in classes.items()}
            found = together.find(goals, sung.goal if sung else None)
            gains_db |= {name: round(options.amount * each, 2) + 0.0 for name, each in found.gains_db.items()}
            gains_db = _with_fixed(gains_db, mixed, sung, options)
            steps += _class_steps(together, classes, sung, found, gains_db, options.amount)
    if vocals is None or sung is None or options.locks.fixes(VOCALS, GAIN):
        return gains_db, [*steps, *left]
    backing = chain.total(mixed[name].gained(gains_db[name]) for name in mixed if name != VOCALS)
    gains_db[VOCALS], step = _vocals_step(vocals, backing, sung, found, options.amount)
    return gains_db, [*steps, step]


def _with_fixed(
    gains_db: Mapping[str, float], mixed: Mapping[str, Sound], sung: _Class | None, options: Options
) -> dict[str, float]:
    """The same mix, as a whole so much louder or softer that what a person fixed is as it was given."""
    fixed = [name for name in mixed if options.locks.fixes(name, GAIN)]
    back_db = [gains_db[name] for name in fixed if name != VOCALS]
    if VOCALS in fixed and sung is not None and sung.aim.value is not None:
        backing = chain.total(mixed[name].gained(gains_db[name]) for name in mixed if name != VOCALS)
        back_db.append(vocal_gain_db(mixed[VOCALS], backing, sung.aim.value, sung.target.statistic) or 0.0)
    shift_db = -sum(back_db) / len(back_db) if back_db else 0.0
    return {name: 0.0 if name in fixed else round(gain_db + shift_db, 2) + 0.0 for name, gain_db in gains_db.items()}


def _sung(
    vocals: Sound, mixed: Mapping[str, Sound], targets: Targets, options: Options
) -> tuple[_Class | None, list[Step]]:
    """Where the vocals are to go; or the step that says why they stay, where they or all else are absent."""
    backing = chain.total(sound for name, sound in mixed.items() if name != VOCALS)
    fixed_lu = ratio_lu(vocals, backing) if options.locks.fixes(VOCALS, GAIN) else None
    ratio = targets.ratio(options.ratio_lu if fixed_lu is None else fixed_lu)
    aim = level.aim_of(vocals, backing, ratio, options)
    if aim.heard is None or aim.value is None:
        return None, [level.silent_step(VOCALS, ratio)]
    if aim.rule != "given" and abs(aim.heard) > -ABSENT_LU:
        absent = "the vocals are" if aim.heard < 0 else "all but the vocals is"
        return None, [_stays(VOCALS, aim, f"at {aim.heard:.1f} LU against the backing {absent} taken for absent")]
    return _Class(ratio, aim, _goal(ratio, aim)), []


def _vocals_step(vocals: Sound, backing: Sound, sung: _Class, found: Found | None, amount: float) -> tuple[float, Step]:
    """The vocals to the ratio that was found with the classes, or to their own aim where there are none."""
    aim = sung.aim
    assert aim.heard is not None, "what cannot be measured has no goal"
    assert aim.value is not None, "what cannot be measured has no goal"
    ratio_lu = aim.value if found is None or found.ratio_lu is None else found.ratio_lu
    why = level.why(aim, amount)
    if abs(ratio_lu - aim.value) > _CLOSE_LU:
        why += f"; {ratio_lu - aim.value:+.1f} LU off that for the levels of the instruments"
    wanted_lu = towards(aim.heard, ratio_lu, amount)
    return level.to_ratio(VOCALS, vocals, backing, sung.target, wanted_lu, why, aim)


def _classes(
    together: Together, targets: Targets, sung: _Class | None, options: Options
) -> tuple[dict[str, _Class], list[Step]]:
    """Classes that may be moved, and a step for each that stays: unreliable, absent, or of unknown spread."""
    classes: dict[str, _Class] = {}
    left: list[Step] = []
    for name, heard_lu in together.stand_lu({}, sung.aim.heard if sung else None).items():
        try:
            is_fixed = options.locks.fixes(name, GAIN)
            given = Target(GROUP_LEVEL, heard_lu, "as given", stem=name)
            target = given if is_fixed else targets.scalar(name, GROUP_LEVEL)
        except Unreliable as error:
            left.append(error.step("level", name))
            continue
        aim = target.aim(heard_lu, "level", options.trust, options.aim)
        if heard_lu < ABSENT_LU and not is_fixed:
            left.append(_stays(name, aim, f"at {heard_lu:.1f} LU against the mix it is taken for absent"))
        elif aim.rule == "posterior" and aim.weight is None:
            left.append(_stays(name, aim, aim.reason))
        else:
            classes[name] = _Class(target, aim, _goal(target, aim))
    return classes, left


def _stays(name: str, aim: Aim, why: str) -> Step:
    measured = {aim.statistic: aim.heard}
    return Step(name="level", of=name, reason=f"the level of {name} stays: {why}", measured=measured)


def _goal(target: Target, aim: Aim) -> Goal:
    """The posterior's mean and spread; or what the simple rules go by, 1 LU of which costs the same for all."""
    assert aim.heard is not None, "what cannot be measured has no goal"
    assert aim.value is not None, "what cannot be measured has no goal"
    low, high = target.half or (target.value, target.value)
    # What is measured is inside, so that there is always a mix that keeps to it.
    keep = (min(low, aim.heard, aim.value), max(high, aim.heard, aim.value))
    if aim.rule == "given":
        return Goal(aim.value, aim.value, 0.0, (aim.value, aim.value))
    if aim.rule == "quartiles":
        return Goal(low, high, 1.0, keep)
    spread = target.spread if aim.rule == "posterior" else 1.0
    return Goal(aim.value, aim.value, sqrt(aim.weight or 0.0) * (1.0 if spread is None else spread), keep)


def _class_steps(
    together: Together,
    classes: Mapping[str, _Class],
    sung: _Class | None,
    found: Found,
    set_db: Mapping[str, float],
    amount: float,
) -> Iterable[Step]:
    before = together.stand_lu({}, sung.aim.heard if sung else None)
    gains_db = {name: round(amount * each, 2) + 0.0 for name, each in found.gains_db.items()}
    ratio_lu = None
    if sung and sung.aim.heard is not None and found.ratio_lu is not None:
        ratio_lu = towards(sung.aim.heard, found.ratio_lu, amount)
    after = together.stand_lu(gains_db, ratio_lu)
    for name, each in classes.items():
        if each.aim.rule == "given":
            continue
        warnings = each.target.warnings
        miss_lu = each.goal.miss(after[name])
        if amount != 1:
            why = f"{amount:.0%} of the way; {each.aim.reason}"
        elif abs(miss_lu) <= _CLOSE_LU:
            why = each.aim.reason
        elif abs(gains_db[name]) >= LIMIT_DB - 0.01:
            why = f"{each.aim.reason}; {miss_lu:+.1f} LU off that, as near as {LIMIT_DB:g} dB allow"
            missed = f"{name}: {after[name]:.1f} LU against the mix, not {after[name] - miss_lu:.1f}"
            warnings = (*warnings, Notice("out-of-reach", missed))
        else:
            why = f"{each.aim.reason}; {miss_lu:+.1f} LU off that{_traded(together, classes, found, name)}"
        moved = f"{name} {set_db[name]:+.2f} dB, from {before[name]:.1f} to {after[name]:.1f} LU against the mix"
        yield Step(
            name="level",
            of=name,
            reason=f"{moved}: {why}; {each.target.reason}",
            measured={GROUP_LEVEL: before[name]},
            target={GROUP_LEVEL: each.aim.value},
            setting={"gain_db": set_db[name]},
            priors=each.target.priors,
            warnings=warnings,
            notes=each.target.notes,
            reached={GROUP_LEVEL: after[name]},
            aims=(each.aim.to_dict(),),
        )


def _traded(together: Together, classes: Mapping[str, _Class], found: Found, name: str) -> str:
    """What it would cost the others if this class alone went to its aim."""
    now = together.stand_lu(found.gains_db, found.ratio_lu)
    gains_db, levels = dict(found.gains_db), now
    for _ in range(10):
        gains_db[name] -= classes[name].goal.miss(levels[name])
        levels = together.stand_lu(gains_db, found.ratio_lu)
    costs = {
        other: each.goal.cost(levels[other]) - each.goal.cost(now[other])
        for other, each in classes.items()
        if other != name
    }
    if not costs or max(costs.values()) <= 0:
        return ", as the sum and the vocals allow"
    worst = max(costs, key=costs.__getitem__)
    return f": there, {worst} would be at {levels[worst]:.1f} instead of {now[worst]:.1f} LU"

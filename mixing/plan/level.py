"""The level step: a voice is brought to its ratio to the backing, instruments to where songs have them; or a share."""

from __future__ import annotations

from collections.abc import Mapping

from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Target, Targets
from mixprior.mixing.rules import ratio
from mixprior.mixing.rules.group_balance import LIMIT_DB, Group
from mixprior.stats.loudness_blocks import Blocks


def set_level(
    of: str, vocal: Blocks, backing: Blocks, target: Target, amount: float = 1.0, wanted_lu: float | None = None
) -> tuple[float, Step, float | None]:
    """Find the gain of a voice.

    Args:
        of: name of the voice.
        vocal: its energies.
        backing: those of all the rest.
        target: the ratio, by one of `mixprior.mixing.rules.ratio.DEFINITIONS`.
        amount: share of the way to go.
        wanted_lu: where that share led before, to go there again.

    Returns:
        The gain in dB, the step, and the ratio that was aimed for; None where there is nothing to measure.
    """
    own_lu = ratio.ratio_lu(vocal, backing, target.statistic)
    if own_lu is None:
        warning = f"the {of} or the backing is silent, or shorter than 0.4 s, so that there is no ratio to set"
        step = Step("level", of, f"{of} left as loud as it is", {target.statistic: None}, warnings=(warning,))
        return 0.0, step, None
    if wanted_lu is None:
        wanted_lu = own_lu + amount * (target.value - own_lu)
    gain_db = ratio.vocal_gain_db(vocal, backing, wanted_lu, target.statistic) or 0.0
    share = "" if amount == 1 else f" ({amount:.0%} of the way to {target.value:+.2f})"
    step = Step(
        "level",
        of,
        f"{of} {gain_db:+.2f} dB, to stand at {wanted_lu:+.2f} LU to the backing{share}: {target.reason}",
        {target.statistic: own_lu},
        {target.statistic: wanted_lu, "definition": ratio.DEFINITIONS[target.statistic]},
        {"gain_db": gain_db},
        target.priors,
        target.warnings,
        target.notes,
    )
    return gain_db, step, wanted_lu


GROUP_LEVEL = "loudness_vs_mixture_lu"
_CLOSE_LU = 0.1


def set_groups(
    classes: Mapping[str, Blocks], targets: Targets, voice: Blocks | None, voice_lu: float, amount: float = 1.0
) -> tuple[dict[str, float], list[Step]]:
    """Find the gains of classes of instruments.

    Args:
        classes: their energies, two classes or more, each with sound in it.
        targets: what the priors say.
        voice: energies of a voice, with sound in it; None without one.
        voice_lu: the loudness it will have against their sum.
        amount: share of the way to go.

    Returns:
        Gain of each class in dB, and the steps.

    Raises:
        InputError: if the priors do not know how loud the classes are.
    """
    wanted = {name: targets.scalar(name, GROUP_LEVEL) for name in classes}
    halves = {name: target.half or (target.value, target.value) for name, target in wanted.items()}
    group = Group(classes, voice, voice_lu)
    gains_db = {name: round(amount * gain_db, 2) + 0.0 for name, gain_db in group.gains_db(halves).items()}
    before, after = group.stand_lu(dict.fromkeys(classes, 0.0)), group.stand_lu(gains_db)
    steps = []
    for name, target in wanted.items():
        low, high = halves[name]
        warnings = target.warnings
        if amount != 1:
            why = f"{amount:.0%} of the way to {low:.1f} to {high:.1f} LU"
        elif low - _CLOSE_LU <= after[name] <= high + _CLOSE_LU:
            stayed = low <= before[name] <= high
            why = "it was in place, and moves as the others ask" if stayed else "to the nearer end of what is wanted"
        else:
            why = f"as near as {LIMIT_DB:g} dB and the other classes allow"
            warnings = (*warnings, f"{name}: {after[name]:.1f} LU to the mix, and not {low:.1f} to {high:.1f}")
        reason = f"{name} {gains_db[name]:+.2f} dB, from {before[name]:.1f} to {after[name]:.1f} LU to the mix: {why}"
        steps.append(
            Step(
                "level",
                name,
                f"{reason}; {target.reason}",
                {GROUP_LEVEL: before[name]},
                {GROUP_LEVEL: halves[name]},
                {"gain_db": gains_db[name]},
                target.priors,
                warnings,
                target.notes,
                {GROUP_LEVEL: after[name]},
            )
        )
    return gains_db, steps

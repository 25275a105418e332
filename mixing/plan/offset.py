"""The offset of vocals that were recorded late: found where both sounds tell it, and refused where they do not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.plan.step import Plan, Planner, Step
from mixprior.mixing.rules.alignment import LEAST_LEAD, alignment
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound


def found_offset(vocals: Sound, backing: Sound) -> Step:
    """Find by how much vocals are to start later.

    Returns:
        A step whose setting is `offset_s`, in seconds.

    Raises:
        InputError: if the two share no sound that tells it.
    """
    found = alignment(vocals, backing)
    if found is None or not found.is_sure:
        why = (
            "one is silent"
            if found is None
            else f"clearest peak {found.lead:.2f} times the next, {LEAST_LEAD:g} needed"
        )
        raise InputError(
            "the offset of the vocals cannot be measured: they share no bleed or guide track with the backing "
            f"({why}); give --vocal-offset in seconds"
        )
    where = "later" if found.offset_s >= 0 else "earlier"
    reason = (
        f"vocals {abs(found.offset_s):.4f} s {where}: there both share a sound, as bleed or a guide track "
        f"(peak {found.lead:.1f} times the next; {LEAST_LEAD:g} is needed)"
    )
    return Step(
        name="offset",
        of=VOCALS,
        reason=reason,
        measured={"peak_over_next": found.lead},
        setting={"offset_s": round(found.offset_s, 6)},
    )


def after(step: Step, planner: Planner) -> Planner:
    """A planner whose steps follow a step."""

    def plan(sounds: Mapping[str, Sound]) -> Plan:
        planned = planner(sounds)
        return replace(planned, steps=(step, *planned.steps))

    return plan

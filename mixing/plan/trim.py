"""A gain of the vocals that a person asks for, on top of a plan."""

from __future__ import annotations

from dataclasses import replace

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan.step import Plan, Step
from mixprior.stats.errors import InputError


def trimmed(plan: Plan, vocal_gain_db: float) -> Plan:
    """Raise or lower the vocals of a plan; itself for 0 dB.

    Raises:
        InputError: if there are none.
    """
    if vocal_gain_db == 0:
        return plan
    settings, gain_db = plan.settings, vocal_gain_db
    reason = f"vocals {vocal_gain_db:+.2f} dB on top of that, as asked"
    step = Step(name="level", of=VOCALS, reason=reason, setting={"gain_db": vocal_gain_db})
    if VOCALS in settings.buses:
        settings = replace(settings, buses={**settings.buses, VOCALS: _raised(settings.buses[VOCALS], gain_db)})
    elif VOCALS in settings.tracks and VOCALS not in settings.routing:
        settings = replace(settings, tracks={**settings.tracks, VOCALS: _raised(settings.tracks[VOCALS], gain_db)})
    else:
        raise InputError("vocal_gain_db is for vocals, and none of the tracks is taken for vocals: see --roles")
    return replace(plan, settings=settings, steps=(*plan.steps, step))


def _raised(chain: Chain, gain_db: float) -> Chain:
    return replace(chain, output_gain_db=round(chain.output_gain_db + gain_db, 2))

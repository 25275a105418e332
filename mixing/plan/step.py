"""One move of a mix: what was measured, what was aimed for, what was set, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.rules.notice import Notice

if TYPE_CHECKING:
    from mixprior.mixing.effects.chain import BusSum  # they load numba
    from mixprior.stats.sound import Sound

STEPS = ("level", "eq", "unmask", "compression", "pan", "reverb", "loudness")
"""What a mix can do, in the order of vocals and their backing; `mixing.plan.multitrack` pans first and levels last."""

DEFAULT_STEPS = ("level", "loudness")
"""Those that come nearer to originals than leaving them out (docs/mixing.md, by `make mix-eval`)."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One move.

    Attributes:
        name: one of `STEPS`; "offset" of vocals that are late, "roles" of the classes of tracks, "like" of a song to
            sound like, "prediction" by a network, "lock" of what a person fixed, "replay" of settings that are applied
            as they are, "reverse" of settings that were found in a mix.
        of: the sound, the bus, or "mix".
        reason: why, in a sentence or two.
        measured: what was found, by name with the unit at its end; None where it cannot be measured.
        target: what was aimed for, likewise; empty if nothing was.
        setting: what was set; empty if nothing was.
        priors: the numbers the target was taken from, as `mixprior.mixing.plan.targets.facts` gives them.
        warnings: what a listener should know.
        notes: what stands in for what, and how far numbers carry, in sentences.
        reached: what came of it in the sound, where that was measured.
        aims: how each target was weighed against what was heard, as `mixprior.mixing.plan.aim.Aim.to_dict` gives it.
    """

    name: str
    of: str
    reason: str
    measured: Mapping[str, Any] = field(default_factory=dict)
    target: Mapping[str, Any] = field(default_factory=dict)
    setting: Mapping[str, Any] = field(default_factory=dict)
    priors: tuple[Mapping[str, Any], ...] = ()
    warnings: tuple[Notice, ...] = ()
    notes: tuple[str, ...] = ()
    reached: Mapping[str, Any] = field(default_factory=dict)
    aims: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True)
class Plan:
    """What to do with sounds, up to their sum.

    Attributes:
        settings: without gain and limiter of the mix.
        steps: how they came about.
        summed: sums of buses that were made on the way, by name, for `mixprior.mixing.effects.chain.sum_up`.
    """

    settings: MixSettings
    steps: tuple[Step, ...]
    summed: Mapping[str, BusSum] = field(default_factory=dict, repr=False)


Planner = Callable[[Mapping[str, "Sound"]], Plan]
"""Sounds by name in; settings without the end of the mix, and the steps that led to them, out."""

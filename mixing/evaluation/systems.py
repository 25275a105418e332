"""What is compared: lower anchors, the mixer with all, one or all but one of its steps, variants, and the oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mixprior.mixing.plan import pair
from mixprior.mixing.plan.options import EQ_RULES, RANGE_MEASURES, Options
from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS

SUM, RANDOM, ORACLE, ALL, DEFAULT = "sum as it is", "random settings", "oracle", "all steps", "default steps"
PAIR_STEPS, TRACK_STEPS = pair.POSSIBLE_STEPS, STEPS


@dataclass(frozen=True)
class System:
    """A way to mix.

    Attributes:
        name: unlike all others.
        steps: of the mixer; None for a system that is not the mixer.
        options: fields of `mixprior.mixing.plan.options.Options` beside the steps.
        mixture_lufs: whether the loudness of the mix is the priors' median of mixtures.
        published_first: whether the packaged priors "published" are asked before the priors of the evaluation.
    """

    name: str
    steps: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    mixture_lufs: bool = False
    published_first: bool = False


VARIANTS = (
    *(("eq", "eq_rule", rule) for rule in EQ_RULES if rule != Options.eq_rule),
    *(("compression", "range_measure", measure) for measure in RANGE_MEASURES if measure != Options.range_measure),
)
"""Step, field of `mixprior.mixing.plan.options.Options`, and a value that is not the default."""


def only(step: str, by: str | None = None) -> str:
    """Name of the mixer with a single step, by its default rule or another."""
    return f"only {step}" if by is None else f"only {step} by {by}"


def all_by(step: str, by: str) -> str:
    """Name of the mixer with all steps, one of them by another rule than by default."""
    return f"all, {step} by {by}"


def without(step: str) -> str:
    """Name of the mixer with all steps but one."""
    return f"without {step}"


def _with(steps: Sequence[str], variants: Sequence[System]) -> tuple[System, ...]:
    every = tuple(steps)
    return (
        System(SUM),
        System(RANDOM),
        *(System(only(step), (step,)) for step in every),
        System(DEFAULT, DEFAULT_STEPS),
        System(ALL, every),
        *(System(without(step), tuple(other for other in every if other != step)) for step in every),
        *variants,
        System("all, half way", every, {"amount": 0.5}),
        System(ORACLE),
    )


PAIR_SYSTEMS = _with(
    PAIR_STEPS,
    (
        *(System(only(step, other), (step,), {field: other}) for step, field, other in VARIANTS),
        *(System(all_by(step, other), PAIR_STEPS, {field: other}) for step, field, other in VARIANTS),
        System("all, loudness of the priors", PAIR_STEPS, mixture_lufs=True),
        System("all, published priors first", PAIR_STEPS, published_first=True),
    ),
)
TRACK_SYSTEMS = _with(TRACK_STEPS, (System("all, tracks equally loud", TRACK_STEPS, {"balance": "equal"}),))

"""What is compared: the plain sum, the mixer as it is shipped, with one step less or more, and the original."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mixprior.mixing.plan.step import DEFAULT_STEPS, STEPS

SUM, DEFAULT, LIKE, ORACLE = "sum", "default", "like", "oracle"


@dataclass(frozen=True)
class System:
    """A way to mix.

    Attributes:
        name: unlike all others.
        steps: of the mixer; None for a system that is not the mixer.
        options: fields of `mixprior.mixing.plan.options.Options` beside the steps.
        like: whether it mixes like another song.
    """

    name: str
    steps: tuple[str, ...] | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    like: bool = False


def changed(step: str) -> str:
    """Name of the default with one step less, or one more.

    >>> changed("level"), changed("pan")
    ('default - level', 'default + pan')
    """
    return f"{DEFAULT} {'-' if step in DEFAULT_STEPS else '+'} {step}"


def with_and_without(step: str) -> tuple[str, str]:
    """The two systems that differ by a step: with it, without it."""
    return (DEFAULT, changed(step)) if step in DEFAULT_STEPS else (changed(step), DEFAULT)


def _changed(step: str) -> System:
    return System(changed(step), tuple(s for s in STEPS if (s in DEFAULT_STEPS) != (s == step)))


SYSTEMS: Mapping[str, System] = {
    each.name: each
    for each in (
        System(SUM),
        System(DEFAULT, DEFAULT_STEPS),
        *(_changed(step) for step in STEPS),
        System(LIKE, DEFAULT_STEPS, like=True),
        System(ORACLE),
    )
}

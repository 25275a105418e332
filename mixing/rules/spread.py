"""Mono tracks put left and right until their class is as wide as the priors have it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.panner import gains

LAW = "constant power"
_ROUNDS = 40


@dataclass(frozen=True)
class Spread:
    """Places of the tracks of a class.

    Attributes:
        positions: by name, of the tracks that are moved: 0 left, 0.5 centre, 1 right.
        mid_before: mid energy over all of the class as it was.
        mid_after: the same as it will be, tracks taken for unrelated.
    """

    positions: Mapping[str, float]
    mid_before: float
    mid_after: float


def spread(tracks: Mapping[str, tuple[float, float, float]], movable: Sequence[str], target_mid: float) -> Spread:
    """Place tracks, alternately left and right, so far out that the class has a share of mid energy.

    The loudest stays in the centre; the others go out the further the quieter they are, by equal steps, and one factor
    for all is found by bisection. What cannot be reached is come as near as possible.

    Args:
        tracks: by name, the energies L^2, R^2 and L R of every track of the class; not all 0.
        movable: the mono ones among them.
        target_mid: energy of (L + R) over that of (L + R) and (L - R), 0.5 to 1.

    >>> spread({"a": (1, 1, 1), "b": (1, 1, 1), "c": (1, 1, 1)}, ["a", "b", "c"], 0.9).mid_after
    0.9
    """
    ordered = sorted(movable, key=lambda name: -sum(tracks[name][:2]))
    steps = {name: (k + 1) // 2 / max(1, len(ordered) // 2) * (-1.0) ** k for k, name in enumerate(ordered)}

    def mid(width: float) -> float:
        left, right, cross = np.sum([_at(tracks[name], steps.get(name), width) for name in tracks], axis=0)
        return float(0.5 + cross / (left + right))

    before, low, high = mid(0.0), 0.0, 1.0
    if len(ordered) < 2 or before <= target_mid:
        return Spread({}, before, before)
    for _ in range(_ROUNDS):
        width = (low + high) / 2
        low, high = (width, high) if mid(width) > target_mid else (low, width)
    width = (low + high) / 2
    positions = {name: round(0.5 + 0.5 * width * step, 3) for name, step in steps.items() if step}
    return Spread(positions, before, round(mid(width), 6))


def _at(energies: tuple[float, float, float], step: float | None, width: float) -> tuple[float, float, float]:
    if not step:
        return energies
    left, right = gains(0.5 + 0.5 * width * step, LAW)
    return energies[0] * left**2, energies[1] * right**2, energies[2] * left * right

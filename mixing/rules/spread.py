"""Narrow tracks of a class put left and right, in pairs, until the class is as wide as it is to be.

A track has a partner: another that is about as loud and sounds at the same time. Without one it stays where it is, so
that nothing sounds from one side alone. The louder of two goes less far out, by which both sides stay equally loud.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from mixprior.mixing.effects.panner import gains

LAW = "constant power"

LIKE_DB = 6.0
"""Partners differ by no more: the quieter of such two is at its end when the louder is a sixth of the way out."""

TOGETHER = 0.6
"""Least share of their energy, second by second, that partners have in common: one that plays throughout and one that
plays half of the time have 0.5."""

_ROUNDS = 40

Pair = tuple[str, str]


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


def pairs(energies: Mapping[str, np.ndarray]) -> list[Pair]:
    """Find partners: the two that are most alike in energy first, then of the others.

    Args:
        energies: energy of each track in every second, shape (seconds,), all of one length.

    Returns:
        Names, the louder of each pair first, the loudest pair first; a track that is like no other is in none.

    >>> verse, always = np.array([1.0, 1.0, 0.0, 0.0]), np.ones(4)
    >>> pairs({"lead": 9 * always, "guitar": always, "guitar 2": 0.8 * always, "solo": 1.5 * verse[::-1]})
    [('guitar', 'guitar 2')]
    """
    whole = {name: float(energy.sum()) for name, energy in energies.items() if energy.sum() > 0}
    shapes = {name: energies[name] / whole[name] for name in whole}
    likeness: list[tuple[float, Pair]] = []
    for one, other in combinations(whole, 2):
        louder, quieter = sorted((one, other), key=lambda name: -whole[name])
        off_db = 10 * np.log10(whole[louder] / whole[quieter])
        if off_db <= LIKE_DB and np.minimum(shapes[one], shapes[other]).sum() >= TOGETHER:
            likeness.append((off_db, (louder, quieter)))
    found: list[Pair] = []
    for _, pair in sorted(likeness):
        if not any(name in taken for taken in found for name in pair):
            found.append(pair)
    return sorted(found, key=lambda pair: -whole[pair[0]])


def spread(tracks: Mapping[str, tuple[float, float, float]], partners: Sequence[Pair], target_mid: float) -> Spread:
    """Place pairs so far out that the class has a share of mid energy; the louder pairs go less far.

    Of `k` pairs the first goes 1/k as far as the last; one factor for all is found by bisection. What cannot be
    reached is come as near as possible. Of two the one of less energy goes out first, whichever of them `pairs` took
    for the louder by another weighting; where it is at its end, so is the pair.

    Args:
        tracks: by name, the energies L^2, R^2 and L R of every track of the class; not all 0.
        partners: from `pairs`, of tracks that are mono, or nearly, and in the centre.
        target_mid: energy of (L + R) over that of (L + R) and (L - R), 0.5 to 1.

    >>> spread({"a": (1, 1, 1), "b": (1, 1, 1)}, [("a", "b")], 0.9).positions
    {'a': 0.705, 'b': 0.295}
    """
    ordered = [sorted(pair, key=lambda name: -sum(tracks[name][:2])) for pair in partners]

    def positions(width: float) -> dict[str, float]:
        placed: dict[str, float] = {}
        for k, (louder, quieter) in enumerate(ordered):
            side = (-1.0) ** k
            out = width * (k + 1) / len(ordered)
            # Left less right of a track is its energy times 2 cos(pi position): alike and opposite for the two.
            share = sum(tracks[quieter][:2]) / sum(tracks[louder][:2])
            inner = float(1 - 2 / np.pi * np.arccos(share * np.sin(np.pi / 2 * out)))
            placed |= {louder: 0.5 + 0.5 * side * inner, quieter: 0.5 - 0.5 * side * out}
        return placed

    def mid(width: float) -> float:
        placed = positions(width)
        left, right, cross = np.sum([_at(tracks[name], placed.get(name)) for name in tracks], axis=0)
        return float(0.5 + cross / (left + right))

    before, low, high = mid(0.0), 0.0, 1.0
    if not partners or before <= target_mid:
        return Spread({}, before, before)
    for _ in range(_ROUNDS):
        width = (low + high) / 2
        low, high = (width, high) if mid(width) > target_mid else (low, width)
    width = (low + high) / 2
    return Spread({name: round(place, 3) for name, place in positions(width).items()}, before, round(mid(width), 6))


def _at(energies: tuple[float, float, float], position: float | None) -> tuple[float, float, float]:
    if position is None:
        return energies
    left, right = gains(position, LAW)
    return energies[0] * left**2, energies[1] * right**2, energies[2] * left * right

"""The parts of a mix that a player sums: vocals and the rest, each before and after."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS, Sum
from mixprior.stats.sound import Sound

_SAME_DB = -70.0
"""What a gain leaves of a part, over the part: below, the gain is all that was done to it."""


@dataclass(frozen=True)
class Part:
    """A part before and after.

    Attributes:
        name: "vocals" or "backing"; "mix" of a mix that does not have both.
        before: as it was.
        processed: as it is in the sum of the mix; None where a gain is all that was done to it.
        level_db: that gain, or by how much it became louder.
    """

    name: str
    before: Sound
    processed: Sound | None
    level_db: float


def parts_of(before: Sum, after: Sum) -> list[Part]:
    """Take the parts of a mix.

    Args:
        before: the plain sum.
        after: the sum of the mix.
    """
    if before.backing is None or after.backing is None or VOCALS not in before.parts:
        return [_part("mix", before.sound, after.sound)]
    return [
        _part(VOCALS, before.parts[VOCALS], after.parts[VOCALS]),
        _part(BACKING, before.backing, after.backing),
    ]


def _part(name: str, before: Sound, after: Sound) -> Part:
    gain = _gain_between(before, after)
    if gain is not None:
        return Part(name, before, None, 20 * math.log10(gain))
    if before.integrated_lufs is None or after.integrated_lufs is None:
        return Part(name, before, after, 0.0)
    return Part(name, before, after, after.integrated_lufs - before.integrated_lufs)


def _gain_between(before: Sound, after: Sound) -> float | None:
    """The gain that makes one of the other; None where more than a gain was applied."""
    if before.samples != after.samples:
        return None
    power, cross, rest = (
        float(np.vdot(one.audio, other.audio)) for one, other in ((before, before), (before, after), (after, after))
    )
    if power == 0 or cross <= 0:
        return None if rest > 0 else 1.0
    residual = float(np.square(after.audio - np.float32(cross / power) * before.audio).sum(dtype=np.float64))
    return cross / power if residual <= rest * 10 ** (_SAME_DB / 10) else None

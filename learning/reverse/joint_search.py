"""The best of several fits of all numbers together: with other bands, other knees and other compressors.

A fit of all numbers ends at the minimum that is nearest to where it began. So bands and compressors that others hid are
looked for once more, and a compressor with a wide knee is also begun with a narrow one. A compressor that is left
without effect is taken out.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixprior.learning.reverse import linear
from mixprior.learning.reverse.compression import KNEE_DB, LEAST_LEFT_DB, Numbers, more
from mixprior.learning.reverse.joint import Joint

ACTS_DB = 0.05
"""A compressor that lowers its track by less has no effect: it is the least half width of this figure."""
_STEPS = 2
_TURNS, _MORE = 3, 2
_SEARCHED_DB = -70.0
"""No other bands are looked for where no more than this is left."""
_LEAST_KNEE_DB = 3.0
"""Least knee to begin with: a hard one shows no slope."""
_WIDE = 2.0
"""Knees so many times wider than those that the search begins with are also begun with such a one."""


def complete(joint: Joint) -> Joint:
    """Improve all numbers, and look for other bands, knees and compressors; the best that was seen.

    Returns:
        Without the compressors that have no effect, which may be all of them.
    """
    best = _improved(joint)
    for _ in range(_MORE):
        found = None
        if best.left_db > LEAST_LEFT_DB:
            found = more(best.linear()[0], best.material, best.numbers)
        if found is None:
            break
        other = _improved(Joint(found[0], found[1].numbers, best.material))
        if other.unlike >= best.unlike:
            break
        best = other
    return best


def _improved(joint: Joint) -> Joint:
    return acting(narrower_knees(searched(joint)))


def searched(joint: Joint) -> Joint:
    """Improve all numbers, and look for other bands of equalisers in turn; the best that was seen."""
    numbers = {k: np.append(each[:-1], max(each[-1], _LEAST_KNEE_DB)) for k, each in joint.numbers.items()}
    here, best = replace(joint, numbers=numbers), joint
    for turn in range(_TURNS):
        if turn:
            here = replace(here, fit=linear.again(here.linear()[0]))
        here = here.refined(_STEPS)
        best = min(best, here, key=_unlike)
        if here.left_db < _SEARCHED_DB:
            break
    return min(best, best.refined(2 * _STEPS), key=_unlike)


def narrower_knees(joint: Joint) -> Joint:
    """Begin each compressor with a wide knee once more, with a narrow one; the best that was seen."""
    best = joint
    for k in joint.numbers:
        if best.left_db > LEAST_LEFT_DB and best.numbers[k][-1] > _WIDE * KNEE_DB:
            other = replace(best, numbers={**best.numbers, k: narrower(best.numbers[k], KNEE_DB)})
            best = min(best, other.refined(2 * _STEPS), key=_unlike)
    return best


def narrower(numbers: Numbers, knee_db: float) -> Numbers:
    """A compressor with a narrow knee, that reduces as much at the threshold and at the upper end of the wide one.

    >>> narrower(np.array([-24.0, np.log(2.0), -4.0, -2.0, 24.0]), 4.0).round(2).tolist()
    [-28.0, 0.47, -4.0, -2.0, 4.0]
    """
    threshold_db, log_ratio, *times, wide_db = numbers
    # (1 - 1 / ratio) times an eighth of the wide knee at the threshold, and times a half of it at its upper end.
    slope = 0.75 * (1 - np.exp(-log_ratio))
    return np.array([threshold_db - wide_db / 6, -np.log(1 - slope), *times, knee_db])


def acting(joint: Joint) -> Joint:
    """Without the compressors that have no effect."""
    numbers = {k: each for k, each in joint.numbers.items() if joint.lower_db(k) >= ACTS_DB}
    return joint if len(numbers) == len(joint.numbers) else replace(joint, numbers=numbers)


def _unlike(joint: Joint) -> float:
    return joint.unlike

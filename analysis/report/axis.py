"""The axis of a chart: the positions of values, and the ticks."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

_MOST_TICKS = (8, 5)
_MOST_LETTERS = 28
"""Letters that all labels of the ticks may have together, so that they do not touch on a phone."""
_OCTAVE_TICKS_HZ = (63.0, 250.0, 1000.0, 4000.0, 16000.0)


@dataclass(frozen=True)
class Axis:
    """A range of values, linear or logarithmic.

    Attributes:
        low: the value at its beginning.
        high: the value at its end, greater than `low`.
        log: whether equal ratios take equal room.
    """

    low: float
    high: float
    log: bool = False

    @classmethod
    def around(cls, values: Iterable[float | None], margin: float = 0.05) -> Axis:
        """Return a linear axis that holds the values with a margin.

        >>> Axis.around([0.0, None, 10.0])
        Axis(low=-0.5, high=10.5, log=False)
        """
        known = [value for value in values if value is not None]
        low, high = min(known, default=0.0), max(known, default=1.0)
        spare = (high - low) * margin or max(abs(high) * margin, 0.5)
        return cls(low - spare, high + spare)

    def share(self, value: float) -> float:
        """Return the position of a value: 0 at the beginning, 1 at the end; values beyond are clipped.

        >>> round(Axis(10.0, 1000.0, log=True).share(100.0), 9)
        0.5
        """
        low, high, value = (math.log(x) if self.log else x for x in (self.low, self.high, max(value, self.low)))
        return min((value - low) / (high - low), 1.0)

    @property
    def step(self) -> float:
        """Distance of linear ticks: 1, 2 or 5 times a power of ten."""
        for most in _MOST_TICKS:
            step = _round_up((self.high - self.low) / most)
            if sum(len(_name(tick, step)) for tick in self._multiples(step)) <= _MOST_LETTERS:
                break
        return step

    def ticks(self) -> list[float]:
        """Return round values within the axis; octaves if it is logarithmic.

        >>> Axis(-4.3, 2.2).ticks(), Axis(20.0, 20000.0, log=True).ticks()
        ([-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0], [63.0, 250.0, 1000.0, 4000.0, 16000.0])
        """
        if self.log:
            return [tick for tick in _OCTAVE_TICKS_HZ if self.low <= tick <= self.high]
        return self._multiples(self.step)

    def name(self, tick: float) -> str:
        """Return the label of a tick.

        >>> Axis(-4.3, 2.2).name(-2.0), Axis(20.0, 20000.0, log=True).name(4000.0)
        ('−2', '4k')
        """
        if self.log:
            return f"{tick / 1000:g}k" if tick >= 1000 else f"{tick:g}"
        return _name(tick, self.step)

    def _multiples(self, step: float) -> list[float]:
        first, last = math.ceil(self.low / step - 1e-9), math.floor(self.high / step + 1e-9)
        return [k * step for k in range(first, last + 1)]


def _name(tick: float, step: float) -> str:
    decimals = max(0, -math.floor(math.log10(step)))
    return f"{tick + 0.0:.{decimals}f}".replace("-", "\N{MINUS SIGN}")


def _round_up(least: float) -> float:
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least * (1 - 1e-9))

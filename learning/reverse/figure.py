"""A number found, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Figure:
    """A number found.

    Attributes:
        value: the estimate.
        half_width: of the interval that is meant to hold the truth in 90 of 100 cases.
    """

    value: float
    half_width: float

    @property
    def low(self) -> float:
        """Lower end of the interval."""
        return self.value - self.half_width

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value + self.half_width


@dataclass(frozen=True)
class LogFigure(Figure):
    """A number above 0 whose logarithm was found: the interval is so many times lower and higher.

    Attributes:
        factor: of value to low, and of high to value.
    """

    factor: float

    @classmethod
    def of(cls, log: float, half_width: float) -> LogFigure:
        """Of a natural logarithm and the half width of its interval.

        >>> time_s = LogFigure.of(np.log(0.01), np.log(2.0))
        >>> round(time_s.low, 4), round(time_s.value, 4), round(time_s.high, 4)
        (0.005, 0.01, 0.02)
        """
        value = float(np.exp(log))
        return cls(value, float(value * np.sinh(half_width)), float(np.exp(half_width)))

    @property
    def low(self) -> float:
        """Lower end of the interval, above 0."""
        return self.value / self.factor

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return self.value * self.factor

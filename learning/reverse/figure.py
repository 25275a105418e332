"""A number found, and how sure it is."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """A number found.

    Attributes:
        value: the estimate.
        half_width: meant to hold the truth in 90 of 100 cases.
    """

    value: float
    half_width: float

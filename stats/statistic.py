"""What a statistic is: the columns it fills, the rows it fills them in, and one function that measures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:  # a stem is a sound, and a sound asks the measures
    from mixprior.stats.stem import Stem

SAMPLE_RATE_HZ = 44_100
"""The rate that statistics are measured at."""
VOCALS = "vocals"
BACKING = "backing"
MIXTURE = "mixture"
SONG = "song"

Value = float | np.ndarray | None
"""A scalar, a vector whose unmeasurable bins are NaN, or None where nothing can be measured."""


class Family(Enum):
    """What a statistic describes; its value is the heading that a report puts its statistics under, in this order."""

    BALANCE = "Balance"
    DYNAMICS = "Dynamics"
    LOUDNESS = "Loudness"
    SPECTRUM = "Spectrum"
    STEREO = "Stereo"
    TIME = "Time"
    REVERB = "Reverb"
    OTHER = "More"


@dataclass(frozen=True)
class Column:
    """One column of the feature rows, and one statistic of the priors.

    Attributes:
        name: column name, with its unit at the end (`integrated_lufs`).
        unit: unit of the values, in words a reader knows ("LUFS", "dB", "Hz", "1" for a ratio).
        definition: one sentence on how it is measured, with the source of the formula.
        resolution: width of the histogram bins, in `unit`, from which quantiles are read;
            a published quantile is off by at most half of it.
        axis_hz: centre frequencies of a vector's bins in Hz; None for a scalar.
        title: its name in words, without the unit ("Integrated loudness").
        family: what it describes.
    """

    name: str
    unit: str
    definition: str
    resolution: float
    axis_hz: tuple[float, ...] | None = None
    title: str = field(kw_only=True)
    family: Family = field(kw_only=True)

    @property
    def is_vector(self) -> bool:
        """Whether a cell holds a list of numbers instead of one."""
        return self.axis_hz is not None


@dataclass(frozen=True)
class Statistic:
    """A family of columns measured together, because they share their work.

    Attributes:
        columns: what `measure` returns, by column name.
        rows: names of the rows it fills: stems ("vocals"), "backing", "mixture" or "song";
            None stands for every row that is a sound, that is, all but "song".
        measure: takes one `Stem` and returns a value for each column. From a stem its whole song can be
            reached (`stem.song`), so that a stem can be held against the mixture or the rest.
        whole: whether it needs all samples at once (`stem.audio`): with one such statistic registered, songs are
            measured whole, in memory that grows with their length. What does not need them reads what `Stem` measures,
            which a song that comes in pieces gives as well: see `mixprior.stats.pieces`.
    """

    columns: Sequence[Column]
    rows: tuple[str, ...] | None
    measure: Callable[[Stem], Mapping[str, Value]]
    whole: bool = False

    def fills(self, row: str) -> bool:
        """Whether this statistic has columns in the row called `row`."""
        return row != "song" if self.rows is None else row in self.rows

"""How far raw material is off from what it becomes in a mix, by step: `raw_errors.csv`, measured or assumed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

FILE = Path(__file__).with_name("raw_errors.csv")


@dataclass(frozen=True)
class RawError:
    """The error of raw material in one statistic of one stem.

    Attributes:
        sd: standard deviation, in the unit of the statistic.
        far_share: share of the material that is of another kind, farther off: levels that were not set.
        far_sd: standard deviation of that kind.
        pairs: artists with raw tracks and a mix of them that it was measured on; None where it is assumed.
        source: what was measured, or where the assumption is from.
    """

    sd: float
    pairs: int | None
    source: str
    far_share: float = 0.0
    far_sd: float = 0.0

    @property
    def kinds(self) -> tuple[tuple[float, float], ...]:
        """Share and standard deviation of each kind of material."""
        near = (1 - self.far_share, self.sd)
        return (near, (self.far_share, self.far_sd)) if self.far_share else (near,)

    def scaled(self, factor: float) -> RawError:
        """All of it so many times as far off."""
        return replace(self, sd=factor * self.sd, far_sd=factor * self.far_sd)

    def __str__(self) -> str:
        """Where it is from, in a few words.

        >>> str(RawError(3.0, None, "as drums"))
        'assumed: as drums'
        """
        return f"assumed: {self.source}" if self.pairs is None else f"{self.pairs} artists, {self.source}"


@cache
def raw_errors() -> Mapping[tuple[str, str, str], RawError]:
    """All rows, by step, statistic and stem."""
    with FILE.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {(row["step"], row["statistic"], row["stem"]): _of_row(row) for row in rows}


def _of_row(row: Mapping[str, str]) -> RawError:
    pairs = int(row["pairs"]) if row["status"] == "measured" else None
    return RawError(float(row["sd"]), pairs, row["source"], float(row["far_share"] or 0), float(row["far_sd"] or 0))


def raw_error(step: str, statistic: str, stem: str) -> RawError | None:
    """The error of raw material, None if the table has none.

    >>> raw_error("level", "vocal_to_backing_lu", "song").sd > 0
    True
    """
    return raw_errors().get((step, statistic, stem))

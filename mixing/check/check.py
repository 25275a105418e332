"""A song checked against priors: its standings, and what follows from them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import EVERY_SONG
from mixprior.analysis.song_rows import SongRows
from mixprior.analysis.table import table
from mixprior.mixing.check import sentences
from mixprior.mixing.check.standing import STEMS, Found, Standing, find
from mixprior.stats.schema import SCHEMA_VERSION
from mixprior.stats.visible import visible

MIDDLE = (5.0, 95.0)
"""Percentiles between which nine songs in ten are."""
_NONE = "-"


@dataclass(frozen=True)
class Outside:
    """How many statistics are outside the middle nine tenths of the songs.

    Attributes:
        found: of this song.
        expected: of a song drawn as the songs of the priors were, on average.
        of: statistics in all.
    """

    found: int
    expected: float
    of: int


@dataclass(frozen=True)
class Check:
    """Where a song stands.

    Attributes:
        song: its statistics.
        found: their places among the songs of the priors.
        notable: what stands out most, at most three.
        outside: scalar statistics beyond the middle nine tenths of the songs.
    """

    song: SongRows
    found: Found
    notable: tuple[Standing, ...]
    outside: Outside

    @property
    def sentences(self) -> list[str]:
        """What stands out most, in a sentence each."""
        return [sentences.sentence(standing) for standing in self.notable]

    def to_dict(self) -> dict[str, Any]:
        """Plain dicts, lists, strings, numbers and None, with stable keys."""
        return {
            "schema_version": SCHEMA_VERSION,
            "song": self.song.name,
            "stems": "separated" if self.song.separated else "given",
            "doubts": list(self.song.doubts),
            "notable": [
                {"sentence": said, "stem": standing.stem, "statistic": standing.column.name, "hz": standing.hz}
                for said, standing in zip(self.sentences, self.notable, strict=True)
            ],
            "outside": asdict(self.outside),
            "statistics": [standing.to_dict() for standing in self.found.standings],
            "absent": [asdict(each) for each in self.found.absent],
            "unreliable": dict(self.found.unreliable),
            "notes": list(self.found.notes),
        }

    def to_json(self) -> str:
        """One JSON object."""
        return json.dumps(self.to_dict(), indent=2, ensure_ascii=False, allow_nan=False)

    def text(self) -> str:
        """What stands out, and a table of all scalar statistics."""
        blocks = ["\n".join(self._lines()), _table(self.found.standings)]
        if self.found.unreliable:
            names = sorted({name.partition(" at ")[0] for name in self.found.unreliable})
            blocks.append(f"Left out, since separation errs on them by as much as songs differ: {', '.join(names)}")
        return "\n\n".join(block for block in blocks if block)

    def _lines(self) -> list[str]:
        lines = [f"{said[0].upper()}{said[1:]}." for said in self.sentences] or ["Nothing stands out."]
        outside = self.outside
        if outside.of:
            lines.append(
                f"{outside.found} of {outside.of} statistics are outside the middle 90 % of the songs; of a song like "
                f"these it would be {outside.expected:.0f} on average."
            )
        for each in self.found.absent:
            share = "" if each.share is None else f": {each.share:.0%} of {each.n} songs have them"
            lines.append(f"Absent: {each.stem}{share}.")
        return [
            visible(line) for line in (*lines, *(f"Note: {note}." for note in (*self.found.notes, *self.song.doubts)))
        ]


def check(song: SongRows, chain: PriorsChain, group: str = EVERY_SONG) -> Check:
    """Find where a song stands among the songs of priors.

    Args:
        song: its statistics.
        chain: the priors.
        group: of their songs; all, or those with vocals.

    Raises:
        PriorsLookupError: if no priors have the group.
    """
    found = find(song, chain, group)
    return Check(song, found, tuple(sentences.notable(found.standings)), outside_of(found.standings))


def outside_of(standings: Sequence[Standing]) -> Outside:
    """Count scalars beyond the middle nine tenths of the songs, and how many there would be by chance."""
    scalars = [standing.percentile for standing in standings if standing.hz is None]
    low, high = MIDDLE
    count = sum(not low <= place.percentile <= high for place in scalars)
    expected = 0.0
    for place in scalars:
        places = 100 * (np.arange(place.n + 1) + 0.5) / (place.n + 1)
        expected += float(np.mean((places < low) | (places > high)))
    return Outside(count, expected, len(scalars))


def _table(standings: Sequence[Standing]) -> str:
    header = ("stem", "statistic", "unit", "value", "p5", "median", "p95", "percentile", "95 % interval", "n")
    lines = []
    for stem in STEMS:
        for each in standings:
            if each.stem == stem and each.hz is None:
                place = each.percentile
                numbers = [each.value, *(each.quantiles[name] for name in ("p5", "p50", "p95"))]
                mark = "" if each.is_known else " ?"
                interval = f"{place.low:.0f} to {place.high:.0f}"
                lines.append(
                    (
                        *(each.stem, each.column.name + mark, each.column.unit),
                        *_with_decimals(numbers),
                        *(f"{place.percentile:.0f}", interval, f"{place.n}"),
                    )
                )
    if not lines:
        return ""
    listed = table(header, lines, words=3)
    unknown = any(not each.is_known for each in standings)
    return listed + ("\n? how reliable it is of separated stems is not known" if unknown else "")


def _with_decimals(values: Sequence[float | None]) -> list[str]:
    largest = max((abs(value) for value in values if value is not None), default=0.0)
    decimals = 3 if largest < 1 else 2 if largest < 1000 else 0
    return [_NONE if value is None else f"{value:.{decimals}f}" for value in values]

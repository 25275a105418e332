"""Where each statistic of a song stands among the songs of the priors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from mixprior.analysis.distribution import Distribution, Name, of_group
from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.packaged.default_priors import LEAST_SONGS, PriorsChain, title
from mixprior.analysis.priors import EVERY_SONG, Priors
from mixprior.analysis.song_rows import SongRows
from mixprior.stats.priors.derived import CORRECTED, definitions
from mixprior.stats.priors.grouping import SINGING
from mixprior.stats.priors.percentile import Percentile
from mixprior.stats.priors.reliability import LEAST
from mixprior.stats.statistic import MIXTURE, SONG, Column

QUANTILES = ("p5", "p25", "p50", "p75", "p95")
STEMS = ("song", "mixture", "vocals", "backing", "drums", "bass", "other")
"""Rows in the order in which they are reported."""


@dataclass(frozen=True)
class Standing:
    """One statistic of the song, and where it stands.

    Attributes:
        stem: row it is of.
        column: the statistic.
        hz: the bin of a vector; None for a scalar.
        value: of the song.
        percentile: its place among the songs.
        quantiles: of the songs, by `QUANTILES`; None where they are not known.
        priors: whose songs, in words.
        group: which of them.
        reliability: of the statistic of separated stems; None where the songs' stems are true, or it is not known.
        is_known: whether the reliability is known, or the stems are true.
    """

    stem: str
    column: Column
    hz: float | None
    value: float
    percentile: Percentile
    quantiles: Mapping[str, float | None]
    priors: str
    group: str
    reliability: float | None
    is_known: bool

    @property
    def over_median(self) -> float | None:
        """How far above the median, in the unit of the statistic."""
        median = self.quantiles["p50"]
        return None if median is None else self.value - median

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        place = self.percentile
        return {
            "stem": self.stem,
            "statistic": self.column.name,
            "title": self.column.title,
            "unit": self.column.unit,
            "hz": self.hz,
            "value": self.value,
            "percentile": place.percentile,
            "percentile_low": place.low,
            "percentile_high": place.high,
            "songs_below_at_least": place.fewest,
            "songs_below_at_most": place.most,
            "n": place.n,
            **self.quantiles,
            "priors": self.priors,
            "group": self.group,
            "reliability": self.reliability,
            "reliability_known": self.is_known,
        }


@dataclass(frozen=True)
class Presence:
    """A stem that is absent from the song.

    Attributes:
        stem: the stem.
        n: songs of which it is known whether they have it; None where the priors do not say.
        share: share of them that have it, 0 to 1; None likewise.
    """

    stem: str
    n: int | None
    share: float | None


@dataclass(frozen=True)
class Found:
    """The standings, and what has none.

    Attributes:
        standings: by stem and statistic, in the order of `STEMS` and of the registry.
        absent: stems that are not in the song.
        unreliable: statistics that are left out, with the reason.
        notes: what stands in for what.
    """

    standings: tuple[Standing, ...]
    absent: tuple[Presence, ...]
    unreliable: Mapping[str, str]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class _Source:
    """The distributions of one group of one of the priors."""

    priors: Priors
    group: str
    distributions: Mapping[Name, Distribution]


def find(song: SongRows, chain: PriorsChain, group: str = EVERY_SONG) -> Found:
    """Place the statistics of a song among those of the priors' songs.

    Each statistic is looked up in the first of the priors that can place it: in the group, or else, with a note, in all
    songs. Without a group, songs with vocals are compared with those that have vocals, where there are enough of them.
    True stems are compared with statistics that are corrected for the bias of separation, where the priors have them.

    Args:
        song: its statistics.
        chain: the priors, each searched if those before it lack a statistic.
        group: of songs, whatever their number.

    Raises:
        PriorsLookupError: if no priors have the group.
    """
    check_group(chain, group)
    sung = not song.is_absent("vocals") and "vocals" in song.rows
    sources, notes = [], []
    for priors in chain.links:
        chosen = _group(priors, group, sung)
        if group != EVERY_SONG and chosen != group:
            notes.append(f"{title(priors)} has no group {group}: all songs are used")
        sources.append(_Source(priors, chosen, dict(of_group(priors, chosen))))
    unreliable: dict[str, str] = {}
    standings = [*_standings(song, sources, unreliable)]
    parts = [stem for stem in STEMS if stem not in (SONG, MIXTURE) and stem in song.rows]
    absent = tuple(_presence(stem, sources) for stem in parts if song.is_absent(stem))
    return Found(tuple(standings), absent, unreliable, tuple(notes))


def check_group(chain: PriorsChain, group: str) -> None:
    """Refuse a group of songs that no priors have, before any work is done.

    Raises:
        PriorsLookupError: naming the priors and the groups that there are.

    """
    groups = [sorted({row["group"] for row in priors.contents}) for priors in chain.links]
    if group == EVERY_SONG or any(group in there for there in groups):
        return
    if group in (chain.links[0].manifest.get("withheld") or {}):
        chain.links[0].rows(group=group)  # raises, and says how many songs it has
    listed = [f"{title(priors)} ({', '.join(there)})" for priors, there in zip(chain.links, groups, strict=True)]
    raise PriorsLookupError(f"there is no group {group} in {' or '.join(listed)}")


def _group(priors: Priors, group: str, sung: bool) -> str:
    there: dict[str, int] = {}
    for row in priors.contents:
        there[row["group"]] = max(there.get(row["group"], 0), row["n"])
    if group in there and group != EVERY_SONG:
        return group
    return SINGING if sung and there.get(SINGING, 0) >= LEAST_SONGS else EVERY_SONG


def _standings(song: SongRows, sources: list[_Source], unreliable: dict[str, str]) -> Iterator[Standing]:
    for stem in (stem for stem in STEMS if stem in song.rows and not song.is_absent(stem)):
        columns = definitions(song.rows[stem])
        for statistic, column in columns.items():
            for k, hz in enumerate(column.axis_hz or (None,)):
                place = None if hz is None else k
                value = song.value(stem, statistic, place)
                if value is not None:
                    found = _standing(song, (stem, statistic, place), value, column, sources, unreliable)
                    yield from found


def _standing(
    song: SongRows,
    name: Name,
    value: float,
    column: Column,
    sources: list[_Source],
    unreliable: dict[str, str],
) -> Iterator[Standing]:
    stem, statistic, place = name
    hz = None if place is None or column.axis_hz is None else column.axis_hz[place]
    for source in sources:
        names = [name] if song.separated else [(stem, statistic + CORRECTED, place), name]
        there = (source.distributions.get(each) for each in names)
        distribution = next((each for each in there if each is not None and each.is_known), None)
        if distribution is None or distribution.is_constant:
            continue
        judged = source.priors.reliabilities.find(stem, statistic, hz)
        reliability = None if judged is None else judged.reliability
        if reliability is not None and reliability < LEAST:
            label = f"{statistic} of {stem}" + ("" if hz is None else f" at {hz:g} Hz")
            unreliable[label] = f"reliability {reliability:.2f} by songs with true stems of {judged.sources} sources"  # type: ignore[union-attr]
            return
        yield Standing(
            stem,
            column,
            hz,
            value,
            distribution.percentile(value),
            {each: distribution.row[each] for each in QUANTILES},
            title(source.priors),
            source.group,
            reliability,
            judged is None or reliability is not None,
        )
        return


def _presence(stem: str, sources: list[_Source]) -> Presence:
    """How many songs of the priors have a stem: by any of its statistics."""
    for source in sources:
        for (of, _, place), distribution in source.distributions.items():
            share = distribution.row["share_present"]
            if of == stem and place is None and share is not None:
                return Presence(stem, distribution.row["n"] + distribution.row["n_missing"], share)
    return Presence(stem, None, None)

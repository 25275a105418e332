"""Groups of songs: by columns of the catalog, by what follows from them, and by pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

MIN_GROUP = 5
"""Songs a group must have to be published, unless asked otherwise."""
EVERY_SONG = "all"
"""The group that all songs belong to."""
DERIVED = {"decade": ("decade", "year", "date", "release_date"), "tempo_band": (), "singing": ()}
"""Columns that need not be in the catalog: `decade` comes from one of these, the others from what was measured."""
SINGING = "singing=yes"
"""The group of the songs whose vocals are there (`mixprior.stats.measures.presence`)."""
TEMPO_EDGES_BPM = (80, 100, 120, 140)
_LIKE_A_PAIR = re.compile(r",(?=\S[^=]*=)")
"""A comma in a value with which the name of its group could be read as that of a pair."""
_LONGEST_VALUE = 1000
"""Characters: what is longer is a text about the song, and would stand in every row of its group."""


@dataclass(frozen=True)
class Group:
    """The songs that have certain values in certain columns.

    Attributes:
        values: (column, value) of no, one or two columns, sorted by column; none stands for all songs.

    >>> pair = Group((("decade", "1990s"), ("genre", "rock, pop")))
    >>> pair.name, pair.columns, [parent.name for parent in pair.parents]
    ('decade=1990s,genre=rock, pop', ('decade', 'genre'), ['decade=1990s', 'genre=rock, pop'])
    >>> Group().name, Group().parents, [parent.name for parent in Group((("genre", "rock"),)).parents]
    ('all', (), ['all'])
    """

    values: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, name: str, columns: Iterable[str]) -> Group:
        """Read a name, given the columns that songs are grouped by: a value may hold a comma, or a "=".

        >>> Group.parse("decade=1990s,genre=rock, pop", ["decade", "genre"]).values
        (('decade', '1990s'), ('genre', 'rock, pop'))
        """
        if name == EVERY_SONG:
            return cls()
        first, _, value = name.partition("=")
        for place in re.finditer(",", value):
            second, equals, rest = value[place.end() :].partition("=")
            if equals and second > first and second in columns:
                return cls(((first, value[: place.start()]), (second, rest)))
        return cls(((first, value),))

    @property
    def name(self) -> str:
        """What tables call it."""
        return ",".join(f"{column}={value}" for column, value in self.values) or EVERY_SONG

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns it is made of; groups of the same columns are siblings."""
        return tuple(column for column, _ in self.values)

    @property
    def parents(self) -> tuple[Group, ...]:
        """The groups it is part of, nearest first: of a pair its two columns, of a column all songs."""
        if len(self.values) < 2:
            return (Group(),) if self.values else ()
        return tuple(Group((value,)) for value in self.values)


def groups_named(names: Iterable[str]) -> dict[str, Group]:
    """Return the groups of these names, by name. Where there is a pair, its two columns have groups, too.

    >>> [group.columns for group in groups_named(["all", "year=1990", "genre=rock,year=1990", "genre=rock"]).values()]
    [(), ('year',), ('genre', 'year'), ('genre',)]
    """
    names = list(names)
    columns = {name.partition("=")[0] for name in names}
    return {name: Group.parse(name, columns) for name in names}


@dataclass(frozen=True)
class Measured:
    """What songs are grouped by that was measured.

    Attributes:
        tempo_bpm: tempo of the backing, if any.
        has_vocals: whether vocals are there; None where that is not known.
    """

    tempo_bpm: float | None = None
    has_vocals: bool | None = None


def groups_of(metadata: Mapping[str, object], group_by: Iterable[str], measured: Measured = Measured()) -> list[Group]:
    """Return the groups a song is in: of all songs, one for each column that has a value, one for each pair of these.

    "a,b=c" counts as "a, b=c": no name is that of two groups.

    Args:
        metadata: the song's columns in the catalog.
        group_by: columns to group by, or derived ones (`decade`, `tempo_band`, `singing`).
        measured: what the derived ones follow from.

    >>> [group.name for group in groups_of({"genre": "rock", "year": 1994}, ["genre", "decade"])]
    ['all', 'decade=1990s', 'genre=rock', 'decade=1990s,genre=rock']
    >>> [group.name for group in groups_of({"genre": None}, ["genre", "tempo_band"], Measured(tempo_bpm=100.0))]
    ['all', 'tempo_band=100-120 BPM']
    >>> [group.name for group in groups_of({}, ["singing"], Measured(has_vocals=False))]
    ['all', 'singing=no']
    """
    found = [(name, _value(metadata, name, measured)) for name in sorted(set(group_by))]
    values = [
        (name, _LIKE_A_PAIR.sub(", ", str(value)))
        for name, value in found
        if value not in (None, "") and is_value(value)
    ]
    return [Group(), *(Group((value,)) for value in values), *(Group(pair) for pair in combinations(values, 2))]


def is_value(value: object) -> bool:
    """Whether songs can be grouped by a value: a number, true or false, or a text of up to 1,000 characters."""
    return isinstance(value, bool | int | float) or (isinstance(value, str) and len(value) <= _LONGEST_VALUE)


def decade(value: object) -> str | None:
    """Return the decade of a year or a date; None if it has none.

    >>> decade(1994), decade("2003-05-01"), decade("c. 1968"), decade("n/a")
    ('1990s', '2000s', '1960s', None)
    """
    year = re.search(r"(?<!\d)(1[89]|20)\d\d(?!\d)", str(value))
    return f"{year.group()[:3]}0s" if year else None


def tempo_band(tempo_bpm: float | None) -> str | None:
    """Return the band a tempo is in; its lower edge belongs to it.

    >>> tempo_band(79.9), tempo_band(120.0), tempo_band(200.0), tempo_band(None)
    ('below 80 BPM', '120-140 BPM', 'from 140 BPM', None)
    """
    if tempo_bpm is None or not tempo_bpm > 0:
        return None
    low, *_, high = TEMPO_EDGES_BPM
    if tempo_bpm < low:
        return f"below {low} BPM"
    if tempo_bpm >= high:
        return f"from {high} BPM"
    return next(f"{a}-{b} BPM" for a, b in pairwise(TEMPO_EDGES_BPM) if a <= tempo_bpm < b)


def can_group_by(name: str, columns: Sequence[str]) -> bool:
    """Whether songs with these catalog columns can be grouped by `name`."""
    return name in columns or (name in DERIVED and (not DERIVED[name] or any(c in columns for c in DERIVED[name])))


def _value(metadata: Mapping[str, object], name: str, measured: Measured) -> object:
    if metadata.get(name) not in (None, ""):
        return metadata[name]
    if name == "tempo_band":
        return tempo_band(measured.tempo_bpm)
    if name == "singing" and measured.has_vocals is not None:
        return "yes" if measured.has_vocals else "no"
    if name == "decade":
        sources = (metadata[source] for source in DERIVED["decade"] if metadata.get(source) not in (None, ""))
        return next((found for found in map(decade, sources) if found), None)
    return None

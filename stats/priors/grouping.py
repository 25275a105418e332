"""Groups of songs: by columns of the catalog, by what follows from them, and by pairs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations, pairwise

MIN_GROUP = 5
"""Songs a group must have to be published, unless asked otherwise."""
EVERY_SONG = "all"
"""The group that all songs belong to."""
DERIVED = {"decade": ("decade", "year", "date", "release_date"), "tempo_band": ("tempo_band",)}
"""Columns that need not be in the catalog: `decade` comes from one of these, `tempo_band` from the measured tempo."""
MIN_GROUP = 5
"""Songs a group must have to be published, unless asked otherwise."""
TEMPO_EDGES_BPM = (80, 100, 120, 140)


def groups_of(
    metadata: Mapping[str, object], group_by: Iterable[str], tempo_bpm: float | None = None
) -> tuple[list[str], list[str]]:
    """Return the groups a song is in: "all" and one for each column that has a value; and one for each pair of these.

    Args:
        metadata: the song's columns in the catalog.
        group_by: columns to group by, or derived ones (`decade`, `tempo_band`).
        tempo_bpm: measured tempo of the backing, if any.

    >>> groups_of({"genre": "rock", "year": 1994}, ["genre", "decade"])
    (['all', 'decade=1990s', 'genre=rock'], ['decade=1990s,genre=rock'])
    >>> groups_of({"genre": None}, ["genre", "tempo_band"], tempo_bpm=100.0)
    (['all', 'tempo_band=100-120 BPM'], [])
    """
    found = [(name, _value(metadata, name, tempo_bpm)) for name in sorted(set(group_by))]
    singles = [f"{name}={value}" for name, value in found if value not in (None, "")]
    return [EVERY_SONG, *singles], [",".join(pair) for pair in combinations(singles, 2)]


def parents_of(group: str, groups: Iterable[str]) -> list[str]:
    """Return the groups that a group is part of, nearest first: of a pair its two columns, of a column all songs.

    >>> parents_of("decade=1990s,genre=rock", ["all", "decade=1990s", "genre=rock"])
    ['decade=1990s', 'genre=rock']
    >>> parents_of("genre=rock", ["all", "genre=rock"]), parents_of("all", ["all"])
    (['all'], [])
    """
    if group == EVERY_SONG:
        return []
    known = groups if isinstance(groups, Mapping) else set(groups)
    # A value may hold a comma ("genre=rock, pop"): every split is tried.
    places = [match.start() for match in re.finditer(",", group)]
    pairs = [(group[:k], group[k + 1 :]) for k in places]
    return next(([*pair] for pair in pairs if all(single in known for single in pair)), [EVERY_SONG])


def columns_of(group: str, groups: Iterable[str]) -> tuple[str, ...]:
    """Return the columns a group is made of; groups of the same columns are siblings.

    >>> columns_of("genre=rock", ["all", "genre=rock"]), columns_of("all", ["all"])
    (('genre',), ())
    """
    parents = parents_of(group, groups)
    singles = parents if len(parents) == 2 else [group] if parents else []
    return tuple(single.split("=", 1)[0] for single in singles)


def decade(value: object) -> str | None:
    """Return the decade of a year or a date; None if it has none.

    >>> decade(1994), decade("2003-05-01"), decade("c. 1968"), decade("n/a")
    ('1990s', '2000s', '1960s', None)
    """
    year = re.search(r"(?<!\d)(1[89]|20)\d\d(?!\d)", str(value))
    return f"{year.group()[:3]}0s" if year else None


def tempo_band(tempo_bpm: float | None) -> str | None:
    """Return the band a tempo lies in; its lower edge belongs to it.

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
    return name in columns or name == "tempo_band" or (name in DERIVED and any(c in columns for c in DERIVED[name]))


def _value(metadata: Mapping[str, object], name: str, tempo_bpm: float | None) -> object:
    if metadata.get(name) not in (None, ""):
        return metadata[name]
    if name == "tempo_band":
        return tempo_band(tempo_bpm)
    if name == "decade":
        sources = (metadata[source] for source in DERIVED["decade"] if metadata.get(source) not in (None, ""))
        return next((found for found in map(decade, sources) if found), None)
    return None

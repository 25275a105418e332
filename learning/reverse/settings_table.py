"""Settings of many mixes, taken apart, as one table: how people set gains, pans, equalisers and compressors."""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.mix import recipe
from mixprior.pipeline.store import files
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

FIELDS = ("setting", "frequency_hz", "tracks", "songs", "low", "median", "high")
"""`low` and `high` are the quartiles over tracks."""
WIDEST = {"gain_db": 1.0, "pan": 0.05, "eq_db": 2.0, "send_db": 3.0}
"""A figure that is less sure, by half its interval, does not count."""
WIDEST_OF_COMPRESSORS = {"threshold_dbfs": 2.0, "knee_db": 6.0, "reduction_db": 1.0}
"""Likewise."""
WIDEST_FACTOR = {"ratio": 1.25, "attack_s": 1.6, "release_s": 1.6}
"""Likewise, by the root of high over low."""
Row = dict[str, str | int | float | None]


@dataclass(frozen=True)
class _Figure:
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class _Track:
    """What a recipe says of a track; null, and missing, for what was not found."""

    gain_db: _Figure | None = None
    pan: _Figure | None = None
    send_db: _Figure | None = None
    compressor: Mapping[str, _Figure | None] | None = None
    eq_db: Mapping[str, _Figure | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for hz in self.eq_db:
            try:
                float(hz)
            except ValueError as error:
                raise InputError(f"eq_db.{visible(hz)[:40]} is no frequency") from error


@dataclass(frozen=True)
class _Reverse:
    tracks: Mapping[str, _Track]


def table(documents: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Quartiles of settings over the tracks of all songs, a row a setting; no row without a song.

    A gain counts over the median gain of its song: how loud raw tracks are is chance. A pan counts by how far it is
    from the centre, 0 to 1.

    Args:
        documents: recipes that `mixprior reverse` wrote, of one mix each.

    Raises:
        InputError: if one holds something else.

    >>> known = {"gain_db": {"value": -3.0, "low": -3.1, "high": -2.9}, "pan": None, "send_db": None, "eq_db": {}}
    >>> table([{"reverse": {"tracks": {"bass": known}}}])[0]["median"]
    0.0
    >>> table([])
    []
    """
    values: dict[tuple[str, float | None], list[float]] = defaultdict(list)
    songs: dict[tuple[str, float | None], set[int]] = defaultdict(set)
    for number, document in enumerate(documents):
        for setting, value in _settings(list(_read(document).tracks.values())):
            values[setting].append(value)
            songs[setting].add(number)
    rows: list[Row] = []
    for name, hz in sorted(values, key=lambda key: (key[0], key[1] or 0.0)):
        own = values[name, hz]
        quartiles = (round(float(each), 3) for each in np.quantile(own, (0.25, 0.5, 0.75)))
        rows.append(dict(zip(FIELDS, (name, hz, len(own), len(songs[name, hz]), *quartiles), strict=True)))
    return rows


def _read(document: Mapping[str, Any]) -> _Reverse:
    return json_document.decode(_Reverse, document["reverse"], at="reverse", others=True)


def _settings(tracks: Sequence[_Track]) -> Iterator[tuple[tuple[str, float | None], float]]:
    gains_db = [value for track in tracks if (value := _sure("gain_db", track.gain_db)) is not None]
    for track in tracks:
        gain_db, pan, send_db = (_sure(name, getattr(track, name)) for name in ("gain_db", "pan", "send_db"))
        if gain_db is not None:
            yield ("gain_db", None), gain_db - float(np.median(gains_db))
        if pan is not None:
            yield ("width", None), abs(2 * pan - 1)
        if send_db is not None:
            yield ("send_db", None), send_db
        for hz, figure in track.eq_db.items():
            eq_db = _sure("eq_db", figure)
            if eq_db is not None:
                yield ("eq_db", float(hz)), eq_db
        for name, figure in (track.compressor or {}).items():
            value = _sure(name, figure)
            if value is not None:
                yield (f"compressor {name}", None), value


def _sure(name: str, figure: _Figure | None) -> float | None:
    if figure is None:
        return None
    if name in WIDEST_FACTOR:
        narrow = 0 < figure.high <= figure.low * WIDEST_FACTOR[name] ** 2
    else:
        narrow = (figure.high - figure.low) / 2 <= (WIDEST | WIDEST_OF_COMPRESSORS).get(name, 0.0)
    return figure.value if narrow else None


def write(recipes: Sequence[str], output: Path) -> int:
    """Write the table of recipes as CSV, the names of its columns alone where there are none; how many rows it has.

    Raises:
        InputError: if a recipe cannot be read, or is not of a mix taken apart; or the table cannot be written.
    """
    documents = [recipe.read(path) for path in recipes]
    for path, document in zip(recipes, documents, strict=True):
        if "reverse" not in document:
            raise InputError(f"{path} is the recipe of a mix that was made, not taken apart: give those of `reverse`")
        try:
            _read(document)
        except InputError as error:
            raise InputError(f"{path}: {error}") from error
    rows = table(documents)
    text = io.StringIO()
    written = csv.DictWriter(text, FIELDS, lineterminator="\n")
    written.writeheader()
    written.writerows(rows)
    files.write_bytes(str(output), text.getvalue().encode())
    return len(rows)

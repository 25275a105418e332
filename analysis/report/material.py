"""The data of a report: everything it needs from a priors folder, read once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.analysis.errors import NotPriors
from mixprior.analysis.priors import EVERY_SONG, Priors, open_priors
from mixprior.analysis.report.chart import Number
from mixprior.analysis.songs import Songs, open_songs
from mixprior.pipeline.store.layout import JOINT_FILE, PRIORS_FOLDER
from mixprior.pipeline.store.songs import NotARun
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import groups_named

RATIO = "vocal_to_backing_lu"
STEMS = ("vocals", "drums", "bass", "other", "guitar", "piano", "backing", "mixture", "song")
"""The stems in the order of the page; each is the CSS class of its colour too."""
MOST_SONGS_DRAWN = 300
_POINTS_AN_OCTAVE = 6
_LOWEST_HZ, _HIGHEST_HZ = 25.0, 20_000.0

Row = Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """The data of a report. Make one with `Material.of`.

    Attributes:
        priors: the priors folder.
        songs: the songs of its run; None where the priors folder is not part of a run.
    """

    priors: Priors
    songs: Songs | None

    @classmethod
    def of(cls, path: str | Path) -> Material:
        """Open a priors folder, or the output folder of a run. Raises what `open_priors` raises."""
        priors = open_priors(path)
        run = priors.path.parent if priors.path.name == PRIORS_FOLDER else priors.path
        try:
            return cls(priors, open_songs(run))
        except NotARun:
            return cls(priors, None)

    @property
    def manifest(self) -> Mapping[str, Any]:
        """The manifest of the priors."""
        return self.priors.manifest

    @cached_property
    def scalars(self) -> dict[str, dict[str, Row]]:
        """Rows over all songs by statistic and stem, stems in the order of the page."""
        rows = self.priors.rows(group=EVERY_SONG).to_pylist()
        rows.sort(key=lambda row: (row["statistic"], *place(row["stem"])))
        found: dict[str, dict[str, Row]] = {}
        for row in rows:
            found.setdefault(row["statistic"], {})[row["stem"]] = row
        return found

    def scalar(self, stem: str, statistic: str) -> Row | None:
        """Return one row over all songs; None if there is none, or nothing was measured."""
        row = self.scalars.get(statistic, {}).get(stem)
        return row if row is not None and row["n"] else None

    def bins(self, statistic: str) -> dict[str, list[Row]]:
        """Return the bins of a vector over all songs, by stem; nothing where the priors have no such vector."""
        if not any(row["statistic"] == statistic and row["group"] == EVERY_SONG for row in self.priors.contents):
            return {}
        found: dict[str, list[Row]] = {}
        for row in self.priors.rows(statistic=statistic, group=EVERY_SONG).to_pylist():
            if row["bin_hz"] is not None:
                found.setdefault(row["stem"], []).append(row)
        found = {stem: rows for stem, rows in found.items() if any(row["n"] for row in rows)}
        return dict(sorted(found.items(), key=lambda item: place(item[0])))

    @cached_property
    def ratio_groups(self) -> dict[str, list[Row]]:
        """Rows of the vocal-to-backing ratio by the column that the groups are of."""
        if RATIO not in self.scalars:
            return {}
        rows = self.priors.rows(stem="song", statistic=RATIO).to_pylist()
        groups = groups_named(row["group"] for row in rows)
        found: dict[str, list[Row]] = {}
        for row in rows:
            columns = groups[row["group"]].columns
            if len(columns) == 1 and row["n"]:
                found.setdefault(columns[0], []).append(row)
        return found

    @cached_property
    def joint(self) -> list[Row]:
        """Correlations over all songs; nothing where the priors have none."""
        file = self.priors.path / JOINT_FILE
        if not file.is_file():
            return []
        try:
            rows = pq.read_table(self.priors.file(JOINT_FILE), filters=pc.field("group") == EVERY_SONG).to_pylist()
        except (OSError, pa.ArrowException) as error:
            raise NotPriors(f"{file} is damaged; build the priors again") from error
        return [row for row in rows if row["correlation"] is not None]

    def values(self, stem: str, statistic: str) -> list[tuple[float, str]]:
        """Return the value of each song and its name, if the songs are there and few enough to draw."""
        if self.songs is None or len(self.songs.table) > MOST_SONGS_DRAWN:
            return []
        try:
            rows = self.songs.rows(stem, statistic)
        except (OSError, InputError):  # the table of songs was copied without their features
            return []
        return [(row["value"], PurePath(row["path"]).stem) for row in rows if row["value"] is not None]


def place(stem: str) -> tuple[int, str]:
    """Return a key that sorts stems in the order of the page."""
    return (STEMS.index(stem) if stem in STEMS else len(STEMS), stem)


def kind(stem: str) -> str:
    """Return the CSS class of a stem's colour."""
    return stem if stem in STEMS else "song"


def smooth(hz: Sequence[float], values: Sequence[Number]) -> tuple[list[float], list[Number]]:
    """Average a curve of many bins in sixths of an octave, for display.

    Returns:
        Frequencies at which there are bins, and the mean of the bins around each; None where all of them are None.
    """
    steps = int(np.log2(_HIGHEST_HZ / _LOWEST_HZ) * _POINTS_AN_OCTAVE)
    centres = _LOWEST_HZ * 2.0 ** (np.arange(steps + 1) / _POINTS_AN_OCTAVE)
    half = 2.0 ** (0.5 / _POINTS_AN_OCTAVE)
    known = np.array([np.nan if value is None else value for value in values], float)
    grid, means = [], []
    for centre in centres:
        near = known[(np.asarray(hz) >= centre / half) & (np.asarray(hz) < centre * half)]
        if near.size:
            known_near = near[~np.isnan(near)]
            grid.append(float(centre))
            means.append(float(known_near.mean()) if known_near.size else None)
    return grid, means

"""The songs of a run, one by one: what was measured on each, with the metadata of its catalog."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import open_priors, suggest
from mixprior.pipeline.store import songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.places import Place, place
from mixprior.stats.schema import FINISHED

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Songs:
    """The songs of a run. Make one with `open_songs`.

    Attributes:
        path: the run's output folder.
        table: its `songs.parquet`, as `mixprior.stats.schema.SONGS_SCHEMA` has it.
    """

    path: Place
    table: pa.Table

    def query(self, stem: str, statistic: str) -> pd.DataFrame:
        """One statistic of one stem, a row a song: path, the manifest's columns, and `value`."""
        import pandas as pd

        return pd.DataFrame([{**row["metadata"], **row} for row in self.rows(stem, statistic)]).drop(
            columns="metadata", errors="ignore"
        )

    def rows(self, stem: str, statistic: str) -> list[dict[str, Any]]:
        """One statistic of one stem for every finished song, sorted by path.

        Returns:
            For each song its song_id, path, metadata (a mapping), stem, statistic, unit, and value: a number, a list of
            numbers for a vector, None where it could not be measured.

        Raises:
            PriorsLookupError: if there is no such statistic, or no song has such a stem.
        """
        name = statistic.replace("-", "_")
        units = {key: facts["unit"] for key, facts in open_priors(self.path).manifest["statistics"].items()}
        if name not in units:
            raise PriorsLookupError(f"no statistic {statistic!r}; {suggest(statistic, units)}")
        rows = list(self._rows(stem, name, units[name]))
        if not rows:
            raise PriorsLookupError(f"no song in {self.path} has a row {stem!r}")
        return rows

    def _rows(self, stem: str, statistic: str, unit: str) -> Iterator[dict[str, Any]]:
        from mixprior.pipeline.store.rows import Rows  # here, because it takes numba along

        values = Rows(RunFolder.at(str(self.path)), self.table).values(stem, statistic)
        for song in self.table.to_pylist():
            if song["song_id"] in values and song["status"] in FINISHED:
                yield {
                    "song_id": song["song_id"],
                    "path": song["path"],
                    "metadata": json.loads(song["metadata"]),
                    "stem": stem,
                    "statistic": statistic,
                    "unit": unit,
                    "value": values[song["song_id"]],
                }


def open_songs(path: str | Place) -> Songs:
    """Open the output folder of `mixprior mine`.

    Raises:
        NotARun: if it holds no table of songs.
    """
    folder = place(path)
    return Songs(folder, songs.read(str(folder)))

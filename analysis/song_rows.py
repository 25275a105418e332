"""The statistics of one song, as `mine` would write them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from mixprior.stats import registry
from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.statistic import SONG
from mixprior.stats.stem import StemSet

if TYPE_CHECKING:
    import pandas as pd

Cell = float | list[float | None] | None


@dataclass(frozen=True)
class SongRows:
    """What was measured of one song.

    Attributes:
        name: what people call it.
        rows: value by row ("vocals", ..., "backing", "mixture", "song") and statistic: a number, a list of numbers for
            a vector; None where it cannot be measured.
        separated: whether its stems are a separator's.
        doubts: what may be wrong with its file, in sentences.
    """

    name: str
    rows: Mapping[str, Mapping[str, Cell]]
    separated: bool
    doubts: tuple[str, ...] = ()

    @classmethod
    def of_table(cls, name: str, table: pa.Table, separated: bool, doubts: tuple[str, ...] = ()) -> SongRows:
        """Read the rows of one song, as `mixprior.stats.registry.FEATURES_SCHEMA` has them."""
        rows = {row.pop("stem"): row for row in table.drop_columns(["song_id"]).to_pylist()}
        return cls(name, rows, separated, doubts)

    @classmethod
    def of_frame(cls, frame: pd.DataFrame, name: str = "the song") -> SongRows:
        """Read what `mixprior.measure` returns: its stems are taken for true ones."""
        rows = {str(stem): {str(key): _cell(value) for key, value in row.items()} for stem, row in frame.iterrows()}
        return cls(name, rows, separated=False)

    @classmethod
    def of_song(cls, name: str, song: StemSet) -> SongRows:
        """Measure stems in memory."""
        return cls.of_table(name, registry.to_table("", registry.measure(song), ""), song.is_estimated)

    def value(self, stem: str, statistic: str, place: int | None = None) -> float | None:
        """Return a number, or that of one bin of a vector; None where it was not measured."""
        cell = self.rows.get(stem, {}).get(statistic)
        if isinstance(cell, list):
            return None if place is None or place >= len(cell) else cell[place]
        return cell if place is None else None

    def is_absent(self, stem: str) -> bool:
        """Whether a stem was judged not to be there, or, of the facts about the song, its vocals or its backing."""
        if stem == SONG:
            return self.is_absent("vocals") or self.is_absent("backing")
        return stem in self.rows and self.value(stem, PRESENT) == 0


def _cell(value: Any) -> Cell:
    if value is None:
        return None
    if isinstance(value, np.ndarray | list | tuple):
        return [float(each) if each is not None and np.isfinite(each) else None for each in value]
    return float(value) if np.isfinite(value) else None

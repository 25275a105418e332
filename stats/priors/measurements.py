"""Rows of songs as matrices, from which digests of any groups of them are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.priors.confidence import confidence
from mixprior.stats.priors.derived import columns_in, derive
from mixprior.stats.priors.digest import Cell, Digest
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.summary import FULL_WEIGHT, Summary, countable
from mixprior.stats.priors.unused import OUT_OF_RANGE, SECOND_ROW, WRONG_LENGTH
from mixprior.stats.statistic import BACKING, MIXTURE, SONG, VOCALS


@dataclass(frozen=True)
class Measurements:
    """The rows of some songs as matrices, from which digests of any groups of them are made.

    Attributes:
        song_ids: the songs, in the order of the matrices' rows.
        cells: sorted by stem and statistic.
        counted: float64, shape (songs, bins): the cells that are no curves, side by side; NaN is null.
        curves: for each cell that is a curve, in the order of `cells`: the place of each song's curve among those
            there are, int64, shape (songs,), -1 for null; and these, float32, shape (curves, bins).
        has_row: bool, shape (songs, stems): whether a song has a row of the stem.
        silent: bool, shape (songs, stems): whether it is silent.
        presence: int8, shape (songs, stems): 1 where the stem is there, 0 where it is not, -1 where that is not known.
            Values of an absent stem are null. Of the row of the song: whether both vocals and backing are there.
        weights: int64, shape (songs, stems): confidence in the stem, of `FULL_WEIGHT`.
        stems: names of the stems, sorted.
        unused: song (its index), stem, column and reason of what is in the rows and cannot be counted: NaN here.
    """

    song_ids: list[str]
    cells: tuple[Cell, ...]
    counted: np.ndarray
    curves: list[tuple[np.ndarray, np.ndarray]]
    has_row: np.ndarray
    silent: np.ndarray
    presence: np.ndarray
    weights: np.ndarray
    stems: list[str]
    unused: list[tuple[int, str, str, str]]

    @classmethod
    def of(cls, rows: pa.Table, separated: bool = True) -> Measurements:
        """Read rows of songs: `mixprior.stats.registry.FEATURES_SCHEMA`, and corrected columns where there are any.

        Args:
            rows: of any number of songs.
            separated: whether their stems were separated; true stems are trusted fully.
        """
        song_ids, song = _coded(rows["song_id"])
        names, name = _coded(rows["stem"])
        stems = sorted(names)
        stem = np.array([stems.index(name) for name in names], np.int64)[name]
        has_row = np.zeros((len(song_ids), len(stems)), bool)
        has_row[song, stem] = True
        unused = []
        if has_row.sum() < len(rows):  # of rows of the same stem, the first counts
            _, first = np.unique(song * len(stems) + stem, return_index=True)
            second = np.setdiff1d(np.arange(len(rows)), first)
            unused = [(int(song[row]), stems[stem[row]], "stem", SECOND_ROW) for row in second]
            first.sort()
            rows, song, stem = rows.take(first), song[first], stem[first]
        rows = derive(rows)
        cells = tuple(
            sorted(
                (Cell(name, c) for name in stems for c in columns_in(name, rows.column_names)),
                key=lambda cell: cell.key,
            )
        )
        rows_of = {name: np.flatnonzero(stem == k) for k, name in enumerate(stems)}
        counted, curves, faults = _matrices(rows, cells, song, rows_of, len(song_ids))
        scalars = _Scalars(cells, counted)
        weights = _weights(scalars, stems, has_row.shape) if separated else np.full(has_row.shape, FULL_WEIGHT)
        silent = _silent(scalars, stems, has_row)
        presence = np.full(has_row.shape, -1, np.int8)
        presence[song, stem] = _presence(rows)
        _leave_out(cells, counted, curves, presence, stems)
        if SONG in stems and VOCALS in stems and BACKING in stems:
            both = presence[:, [stems.index(VOCALS), stems.index(BACKING)]]
            presence[:, stems.index(SONG)] = np.where((both == 0).any(axis=1), 0, both.min(axis=1))
        return cls(song_ids, cells, counted, curves, has_row, silent, presence, weights, stems, unused + faults)

    def digest(self, songs: np.ndarray, scalars_only: bool = False) -> Digest:
        """Digest some of the songs.

        Args:
            songs: their indices.
            scalars_only: whether to leave out vectors and joint moments, as for pairs of groups, which are many.
        """
        there = {name for name, any_ in zip(self.stems, self.has_row[songs].any(axis=0), strict=True) if any_}
        kept = [cell.stem in there and (cell.bins == 1 or not scalars_only) for cell in self.cells]
        cells = self.cells if all(kept) else tuple(cell for cell, keep in zip(self.cells, kept, strict=True) if keep)
        if scalars_only:
            return Digest(cells, self._counted(songs, cells), None, None)
        return Digest(cells, self._counted(songs, cells), self._curves(songs, cells), self._moments(songs, cells))

    def scalar(self, stem: str, statistic: str) -> np.ndarray | None:
        """Values of one scalar, shape (songs,); None where there is no such cell."""
        return _Scalars(self.cells, self.counted).get(stem, statistic)

    def presence_of(self, stem: str) -> np.ndarray:
        """`presence` of one stem, shape (songs,)."""
        unknown = np.full(len(self.song_ids), -1, np.int8)
        return self.presence[:, self.stems.index(stem)] if stem in self.stems else unknown

    def _counted(self, songs: np.ndarray, cells: Sequence[Cell]) -> Summary:
        cells = [cell for cell in cells if not cell.is_curve]
        bins = np.array([cell.bins for cell in cells], np.int64)
        return Summary.of(
            self._values(songs, cells),
            np.repeat([cell.column.resolution for cell in cells], bins),
            self.weights[songs],
            self.silent[songs],
            self.presence[songs],
            self.has_row[songs],
            np.repeat(np.array([self.stems.index(cell.stem) for cell in cells], np.int64), bins),
        )

    def _curves(self, songs: np.ndarray, cells: Sequence[Cell]) -> Summary:
        kept = {cell.key for cell in cells}
        found = []
        for cell, (place, content) in zip((c for c in self.cells if c.is_curve), self.curves, strict=True):
            if cell.key in kept:
                stem = self.stems.index(cell.stem)
                there = songs[place[songs] >= 0]
                lacking = songs[(place[songs] < 0) & self.has_row[songs, stem]]
                weights = self.weights[there, stem][:, None]
                summary = Summary.of(content[place[there]], cell.column.resolution, weights, histogram=False)
                summary.missing += len(lacking)
                summary.silent += self.silent[lacking, stem].sum()
                summary.absent += (self.presence[lacking, stem] == 0).sum()
                summary.judged += ((self.presence[songs, stem] >= 0) & self.has_row[songs, stem]).sum()
                found.append(summary)
        return Summary.joined(found)

    def _moments(self, songs: np.ndarray, cells: Sequence[Cell]) -> Moments:
        joint = [cell for cell in cells if cell.is_joint]
        return Moments.of(self._values(songs, joint), np.array([cell.column.resolution for cell in joint]))

    def _values(self, songs: np.ndarray, cells: Sequence[Cell]) -> np.ndarray:
        """Columns of some cells that are no curves, for some songs."""
        kept = {cell.key for cell in cells}
        columns = [np.full(cell.bins, cell.key in kept) for cell in self.cells if not cell.is_curve]
        wanted = np.concatenate([np.zeros(0, bool), *columns])
        return self.counted[songs] if wanted.all() else self.counted[np.ix_(songs, np.flatnonzero(wanted))]


@dataclass(frozen=True)
class _Scalars:
    """Columns of scalars by stem and statistic, of cells side by side."""

    cells: Sequence[Cell]
    counted: np.ndarray

    def get(self, stem: str, statistic: str) -> np.ndarray | None:
        start = 0
        for cell in self.cells:
            if cell.key == (stem, statistic) and cell.bins == 1:
                return self.counted[:, start]
            start += 0 if cell.is_curve else cell.bins
        return None


def _matrices(
    rows: pa.Table, cells: Sequence[Cell], song: np.ndarray, rows_of: Mapping[str, np.ndarray], songs: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]], list[tuple[int, str, str, str]]]:
    """`Measurements.counted`, `.curves` and `.unused` of rows, given the song of each row and the rows of each stem."""
    counted = np.full((songs, sum(cell.bins for cell in cells if not cell.is_curve)), np.nan)
    curves: list[tuple[np.ndarray, np.ndarray]] = []
    unused: list[tuple[int, str, str, str]] = []
    numbers: dict[str, tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]] = {}
    start = 0
    for cell in cells:
        if cell.column.name not in numbers:
            numbers[cell.column.name] = _numbers(rows, cell)
        filled, content, faults = numbers[cell.column.name]
        at = rows_of[cell.stem]
        for reason, faulty in faults.items():
            unused += [(int(song[row]), cell.stem, cell.column.name, reason) for row in at[faulty[at]]]
        at = at[filled[at] >= 0]
        if cell.is_curve:
            place = np.full(songs, -1)
            place[song[at]] = filled[at]
            curves.append((place, content))
        else:
            counted[song[at], start : start + cell.bins] = content[filled[at]]
            start += cell.bins
    return counted, curves, unused


def _presence(rows: pa.Table) -> np.ndarray:
    """Presence of each row: 1, 0, or -1 where it is not known."""
    if PRESENT not in rows.column_names:
        return np.full(len(rows), -1, np.int8)
    known = rows[PRESENT].to_numpy()
    return np.where(np.isnan(known), -1, known > 0).astype(np.int8)


def _leave_out(
    cells: Sequence[Cell],
    counted: np.ndarray,
    curves: Sequence[tuple[np.ndarray, np.ndarray]],
    presence: np.ndarray,
    stems: Sequence[str],
) -> None:
    """Make null what was measured of absent stems, in place."""
    absent = {name: presence[:, k] == 0 for k, name in enumerate(stems)}
    start = 0
    curve = iter(curves)
    for cell in cells:
        if cell.is_curve:
            next(curve)[0][absent[cell.stem]] = -1
        else:
            counted[absent[cell.stem], start : start + cell.bins] = np.nan
            start += cell.bins


def _silent(scalars: _Scalars, stems: Sequence[str], has_row: np.ndarray) -> np.ndarray:
    """`Measurements.silent`: where a stem that has a row has no loudness."""
    silent = np.zeros(has_row.shape, bool)
    for k, name in enumerate(stems):
        loudness = scalars.get(name, "integrated_lufs")
        if loudness is not None:
            silent[:, k] = np.isnan(loudness) & has_row[:, k]
    if SONG in stems and VOCALS in stems:  # its facts are about the vocals
        silent[:, stems.index(SONG)] = silent[:, stems.index(VOCALS)]
    return silent


def _weights(scalars: _Scalars, stems: Sequence[str], shape: tuple[int, ...]) -> np.ndarray:
    """`Measurements.weights` of separated stems."""
    trusted = np.ones(shape)
    residual_db = scalars.get(SONG, "separation_residual_db")
    if residual_db is not None:
        for k, name in enumerate(stems):
            level_lu = scalars.get(name, "loudness_vs_mixture_lu")
            if level_lu is not None and name != MIXTURE:
                trusted[:, k] = confidence(level_lu, residual_db)
        both = [stems.index(name) for name in (VOCALS, BACKING) if name in stems]
        trusted[:, stems.index(SONG)] = trusted[:, both].min(axis=1, initial=1.0)
    return np.rint(trusted * FULL_WEIGHT).astype(np.int64)


def _coded(column: pa.ChunkedArray) -> tuple[list[str], np.ndarray]:
    """The values of a column of text, each once, and which of them stands in each row."""
    coded = column.combine_chunks().dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy()


def _numbers(rows: pa.Table, cell: Cell) -> tuple[np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """Content of a column without its nulls; for each row where in it the value is (-1: null); and what is not counted.

    That is null in the content. It is given as the rows concerned, bool, by the reason.
    """
    column = rows[cell.column.name].combine_chunks()
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    faults: dict[str, np.ndarray] = {}
    if cell.column.is_vector:
        lengths = column.value_lengths().fill_null(cell.bins).to_numpy(zero_copy_only=False)
        wrong = lengths != cell.bins
        if wrong.any():
            faults[WRONG_LENGTH] = wrong
            valid = valid & ~wrong
            column = column.filter(pa.array(valid))
    filled = np.where(valid, np.cumsum(valid) - 1, -1)
    flat = column.flatten() if cell.column.is_vector else column.drop_null()
    content = flat.to_numpy(zero_copy_only=False).reshape(-1, cell.bins)
    beyond = np.abs(content) >= countable(cell.column.resolution)
    if beyond.any():
        content = np.where(beyond, np.nan, content)
        faults[OUT_OF_RANGE] = np.zeros(len(valid), bool)
        faults[OUT_OF_RANGE][np.flatnonzero(valid)[beyond.any(axis=1)]] = True
    return filled, content, faults

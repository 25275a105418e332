"""What a group of songs amounts to: mergeable summaries of every statistic, and the joint moments of the scalars."""

from __future__ import annotations

import pickle
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mixprior.stats.priors.confidence import confidence
from mixprior.stats.priors.derived import CORRECTED, columns_in, derive
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.summary import ARRAYS, FULL_WEIGHT, SPAN, Summary
from mixprior.stats.statistic import Column
from mixprior.stats.stem import BACKING, MIXTURE, SONG

LONGEST_HISTOGRAM = 64
"""Vectors with more bins are curves: they have means and spreads, but no quantiles."""


@dataclass(frozen=True)
class Cell:
    """One statistic of one stem: a place in a digest.

    Attributes:
        stem: name of the row ("vocals", "song", ...).
        column: what is measured there.
    """

    stem: str
    column: Column

    @property
    def bins(self) -> int:
        """Numbers it takes: 1 for a scalar."""
        return 1 if self.column.axis_hz is None else len(self.column.axis_hz)

    @property
    def is_curve(self) -> bool:
        """Whether it is too long for histograms."""
        return self.bins > LONGEST_HISTOGRAM

    @property
    def is_joint(self) -> bool:
        """Whether it takes part in the joint moments: a measured scalar, not a corrected twin of one."""
        return self.column.axis_hz is None and not self.column.name.endswith(CORRECTED)

    @property
    def key(self) -> tuple[str, str]:
        """(stem, statistic): what cells are sorted by."""
        return self.stem, self.column.name


@dataclass
class Digest:
    """The mergeable state of a group of songs.

    Attributes:
        cells: sorted by stem and statistic.
        counted: summary of the cells that are no curves, side by side in the order of `cells`.
        curves: the same of the curves; None where they are not kept.
        moments: joint moments of the `is_joint` cells, in the order of `cells`; None where they are not kept.
    """

    cells: tuple[Cell, ...]
    counted: Summary
    curves: Summary | None
    moments: Moments | None

    @classmethod
    def merged(cls, digests: Sequence[Digest]) -> Digest:
        """Merge any number (at least one): those of all songs together, byte for byte.

        Curves and moments are kept if all of them keep them.
        """
        if len(digests) == 1:
            return digests[0]
        cells = union(digests)
        digests = [d.aligned(cells) for d in digests]
        curves = [d.curves for d in digests if d.curves is not None]
        moments = [d.moments for d in digests if d.moments is not None]
        return cls(
            cells,
            Summary.merged([d.counted for d in digests]),
            Summary.merged(curves) if len(curves) == len(digests) else None,
            Moments.merged(moments) if len(moments) == len(digests) else None,
        )

    def joint_cells(self) -> list[Cell]:
        """The variables of the joint moments, in their order."""
        return [cell for cell in self.cells if cell.is_joint]

    def absorb(self, other: Digest) -> Digest:
        """Merge another into this one, in place where both have the same cells; return what has both."""
        mergeable = self.curves is None or other.curves is not None
        if not mergeable or [c.key for c in self.cells] != [c.key for c in other.cells]:
            return Digest.merged([self, other])
        self.counted.absorb(other.counted)
        if self.curves is not None and other.curves is not None:
            self.curves.absorb(other.curves)
        if self.moments is not None and other.moments is not None:
            self.moments.absorb(other.moments)
        return self

    def __getstate__(self) -> bytes:
        """Between workers digests travel compressed, to a quarter or less."""
        return zlib.compress(pickle.dumps(vars(self), protocol=5), level=1)

    def __setstate__(self, state: bytes) -> None:
        vars(self).update(pickle.loads(zlib.decompress(state)))

    def summary(self, curves: bool) -> Summary | None:
        """The summary of all cells that are curves, or that are none, side by side; None if it is not kept."""
        return self.curves if curves else self.counted

    def aligned(self, cells: tuple[Cell, ...]) -> Digest:
        """The same in the layout of more cells, where nothing is counted in those it does not have."""
        if self.cells is cells or [c.key for c in self.cells] == [c.key for c in cells]:
            return self
        own = {cell.key for cell in self.cells}
        joint = [k for k, cell in enumerate(c for c in cells if c.is_joint) if cell.key in own]
        moments = self.moments
        if moments is not None:
            wanted = [cell for cell in cells if cell.is_joint]
            wider = Moments.of(np.empty((0, len(wanted))), np.array([cell.column.resolution for cell in wanted]))
            for name in ("n", "total", "square", "cross"):
                getattr(wider, name)[np.ix_(joint, joint)] = getattr(moments, name)
            moments = wider
        return Digest(
            cells,
            _spread_summary(self.counted, [c for c in cells if not c.is_curve], own),
            None if self.curves is None else _spread_summary(self.curves, [c for c in cells if c.is_curve], own),
            moments,
        )


def union(digests: Sequence[Digest]) -> tuple[Cell, ...]:
    """The cells that any of the digests has, sorted."""
    first = digests[0].cells
    if all(d.cells is first for d in digests):
        return first
    return tuple(cell for _, cell in sorted({cell.key: cell for d in digests for cell in d.cells}.items()))


def _spread_summary(summary: Summary, cells: Sequence[Cell], own: set[tuple[str, str]]) -> Summary:
    wider = Summary.of(
        np.empty((0, sum(cell.bins for cell in cells))),
        np.concatenate([np.zeros(0), *(np.full(cell.bins, cell.column.resolution) for cell in cells)]),
    )
    place = np.flatnonzero(np.concatenate([np.zeros(0, bool), *(np.full(c.bins, c.key in own) for c in cells)]))
    for name in ARRAYS:
        getattr(wider, name)[..., place] = getattr(summary, name)
    wider.keys = place[summary.keys // SPAN] * SPAN + summary.keys % SPAN if summary.keys.size else summary.keys
    wider.counts = summary.counts
    return wider


@dataclass
class Measurements:
    """The rows of some songs as matrices, from which digests of any groups of them are made.

    Attributes:
        song_ids: the songs, in the order of the matrices' rows.
        cells: sorted by stem and statistic.
        counted: float64, shape (songs, bins): the cells that are no curves, side by side; NaN is null.
        curves: for each cell that is a curve, in the order of `cells`: the place of each song's curve among those
            there are, int64, shape (songs,), -1 for null; and these, float32, shape (curves, bins).
        present: bool, shape (songs, stems): whether a song has the stem.
        silent: bool, shape (songs, stems): whether nothing can be heard on it.
        weights: int64, shape (songs, stems): confidence in the stem, of `FULL_WEIGHT`.
        stems: names of the stems, sorted.
    """

    song_ids: list[str]
    cells: tuple[Cell, ...]
    counted: np.ndarray
    curves: list[tuple[np.ndarray, np.ndarray]]
    present: np.ndarray
    silent: np.ndarray
    weights: np.ndarray
    stems: list[str]

    @classmethod
    def of(cls, rows: pa.Table, separated: bool = True) -> Measurements:
        """Read rows of songs: `mixprior.stats.registry.FEATURES_SCHEMA`, and corrected columns where there are any.

        Args:
            rows: of any number of songs.
            separated: whether their stems were separated; true stems are trusted fully.
        """
        rows = derive(rows)
        ids = rows["song_id"].combine_chunks().dictionary_encode()
        names = rows["stem"].combine_chunks().dictionary_encode()
        song_ids, stems = ids.dictionary.to_pylist(), sorted(names.dictionary.to_pylist())
        song = ids.indices.to_numpy()
        stem = np.array([stems.index(name) for name in names.dictionary.to_pylist()], np.int64)[
            names.indices.to_numpy()
        ]
        cells = tuple(
            sorted(
                (Cell(name, c) for name in stems for c in columns_in(name, rows.column_names)),
                key=lambda cell: cell.key,
            )
        )
        shape = (len(song_ids), len(stems))
        present = np.zeros(shape, bool)
        present[song, stem] = True
        found = cls(song_ids, cells, np.empty(0), [], present, np.empty(0), np.empty(0), stems)
        places = [np.flatnonzero(stem == k) for k in range(len(stems))]
        numbers: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        found.counted = np.full((len(song_ids), sum(c.bins for c in cells if not c.is_curve)), np.nan)
        start = 0
        for cell in cells:
            if cell.column.name not in numbers:
                numbers[cell.column.name] = _numbers(rows, cell)
            filled, content = numbers[cell.column.name]
            at = places[stems.index(cell.stem)]
            at = at[filled[at] >= 0]
            if cell.is_curve:
                place = np.full(len(song_ids), -1)
                place[song[at]] = filled[at]
                found.curves.append((place, content))
            else:
                found.counted[song[at], start : start + cell.bins] = content[filled[at]]
                start += cell.bins
        found.silent = found._silent()
        found.weights = found._weights() if separated else np.full(shape, FULL_WEIGHT)
        return found

    def digest(self, songs: np.ndarray, scalars_only: bool = False) -> Digest:
        """Digest some of the songs.

        Args:
            songs: their indices.
            scalars_only: whether to leave out vectors and joint moments, as for pairs of groups, which are many.
        """
        there = {name for name, any_ in zip(self.stems, self.present[songs].any(axis=0), strict=True) if any_}
        kept = [cell.stem in there and (cell.bins == 1 or not scalars_only) for cell in self.cells]
        cells = self.cells if all(kept) else tuple(cell for cell, keep in zip(self.cells, kept, strict=True) if keep)
        if scalars_only:
            return Digest(cells, self._counted(songs, cells), None, None)
        return Digest(cells, self._counted(songs, cells), self._curves(songs, cells), self._moments(songs, cells))

    def scalar(self, stem: str, statistic: str) -> np.ndarray | None:
        """Values of one scalar, shape (songs,); None where there is no such cell."""
        start = 0
        for cell in self.cells:
            if cell.key == (stem, statistic) and cell.bins == 1:
                return self.counted[:, start]
            start += 0 if cell.is_curve else cell.bins
        return None

    def _counted(self, songs: np.ndarray, cells: Sequence[Cell]) -> Summary:
        cells = [cell for cell in cells if not cell.is_curve]
        bins = np.array([cell.bins for cell in cells], np.int64)
        return Summary.of(
            self._values(songs, cells),
            np.repeat([cell.column.resolution for cell in cells], bins),
            self.weights[songs],
            self.silent[songs],
            self.present[songs],
            np.repeat(np.array([self.stems.index(cell.stem) for cell in cells], np.int64), bins),
        )

    def _curves(self, songs: np.ndarray, cells: Sequence[Cell]) -> Summary:
        kept = {cell.key for cell in cells}
        found = []
        for cell, (place, content) in zip((c for c in self.cells if c.is_curve), self.curves, strict=True):
            if cell.key in kept:
                stem = self.stems.index(cell.stem)
                there = songs[place[songs] >= 0]
                lacking = songs[(place[songs] < 0) & self.present[songs, stem]]
                weights = self.weights[there, stem][:, None]
                summary = Summary.of(content[place[there]], cell.column.resolution, weights, histogram=False)
                summary.missing += len(lacking)
                summary.silent += self.silent[lacking, stem].sum()
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

    def _silent(self) -> np.ndarray:
        silent = np.zeros(self.present.shape, bool)
        for k, name in enumerate(self.stems):
            loudness = self.scalar(name, "integrated_lufs")
            if loudness is not None:
                silent[:, k] = np.isnan(loudness) & self.present[:, k]
        if SONG in self.stems and "vocals" in self.stems:  # its facts are about the voice
            silent[:, self.stems.index(SONG)] = silent[:, self.stems.index("vocals")]
        return silent

    def _weights(self) -> np.ndarray:
        trusted = np.ones(self.present.shape)
        residual_db = self.scalar(SONG, "separation_residual_db")
        if residual_db is not None:
            for k, name in enumerate(self.stems):
                level_lu = self.scalar(name, "loudness_vs_mixture_lu")
                if level_lu is not None and name != MIXTURE:
                    trusted[:, k] = confidence(level_lu, residual_db)
            both = [self.stems.index(name) for name in ("vocals", BACKING) if name in self.stems]
            trusted[:, self.stems.index(SONG)] = trusted[:, both].min(axis=1, initial=1.0)
        return np.rint(trusted * FULL_WEIGHT).astype(np.int64)


def _numbers(rows: pa.Table, cell: Cell) -> tuple[np.ndarray, np.ndarray]:
    """Content of a column without its nulls, and for each row where in it the value lies (-1: null)."""
    column = rows[cell.column.name].combine_chunks()
    valid = column.is_valid().to_numpy(zero_copy_only=False)
    filled = np.where(valid, np.cumsum(valid) - 1, -1)
    flat = column.flatten() if cell.column.is_vector else column.drop_null()
    content = flat.to_numpy(zero_copy_only=False).reshape(-1, cell.bins)
    return filled, content

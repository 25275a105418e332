"""What a group of songs amounts to: mergeable summaries of every statistic, and the joint moments of the scalars."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mixprior.stats.priors.derived import CORRECTED
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.summary import ARRAYS, SPAN, Summary
from mixprior.stats.priors.unused import NOTHING_UNUSED, Unused
from mixprior.stats.statistic import Column

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
        unused: values of the rows that are not counted; kept by the group of all songs alone.
    """

    cells: tuple[Cell, ...]
    counted: Summary
    curves: Summary | None
    moments: Moments | None
    unused: Unused = NOTHING_UNUSED

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
            Unused.merged([d.unused for d in digests]),
        )

    def rows_of(self, stem: str, statistic: str) -> int:
        """Return how many rows of a stem were digested, by a scalar statistic of it."""
        starts = np.cumsum([0, *(cell.bins for cell in self.cells if not cell.is_curve)])
        keys = [cell.key for cell in self.cells if not cell.is_curve]
        place = starts[keys.index((stem, statistic))]
        return int(self.counted.n[place] + self.counted.missing[place])

    def joint_cells(self) -> list[Cell]:
        """The variables of the joint moments, in their order."""
        return [cell for cell in self.cells if cell.is_joint]

    def absorb(self, other: Digest) -> Digest:
        """Merge another into this one, in place where both have the same cells; return what has both."""
        mergeable = self.curves is None or other.curves is not None
        if not mergeable or [c.key for c in self.cells] != [c.key for c in other.cells]:
            return Digest.merged([self, other])
        self.counted.absorb(other.counted)
        self.unused = Unused.merged([self.unused, other.unused])
        if self.curves is not None and other.curves is not None:
            self.curves.absorb(other.curves)
        if self.moments is not None and other.moments is not None:
            self.moments.absorb(other.moments)
        return self

    def __getstate__(self) -> tuple[int, bytes]:
        """Between workers digests travel compressed, to a quarter or less."""
        whole = pickle.dumps(vars(self), protocol=5)
        return len(whole), pa.Codec("zstd", compression_level=1).compress(whole, asbytes=True)

    def __setstate__(self, state: tuple[int, bytes]) -> None:
        size, compressed = state
        whole = pa.decompress(compressed, decompressed_size=size, codec="zstd")
        vars(self).update(pickle.loads(whole))  # nosec B301 # of another worker of the run

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
            self.unused,
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

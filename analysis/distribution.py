"""How statistics are distributed over the songs of a group, as far as priors tell: by song, or by quantile."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.analysis.errors import NotPriors
from mixprior.analysis.priors import Priors
from mixprior.pipeline.store.layout import STATE_FILE
from mixprior.stats.priors.digest import LONGEST_HISTOGRAM
from mixprior.stats.priors.percentile import Percentile, percentile
from mixprior.stats.priors.summary import SPAN
from mixprior.stats.schema import QUANTILES

Name = tuple[str, str, int | None]
"""Stem, statistic, and the bin of a vector; None for a scalar."""
_STATE_COLUMNS = ["stem", "statistic", "resolution", "n", "keys", "counts"]


@dataclass(frozen=True)
class Distribution:
    """The values of one statistic over n songs.

    Attributes:
        row: its row of the priors: `n`, `unit`, `bin_hz`, mean, quantiles and the rest.
        resolution: width of the bins that values were counted in; None where they were not.
        bins: values in units of `resolution`, ascending; empty where they were not counted.
        counts: songs in each.
    """

    row: Mapping[str, Any]
    resolution: float | None
    bins: np.ndarray
    counts: np.ndarray

    @property
    def is_known(self) -> bool:
        """Whether a value can be placed: songs were counted, or their number and their median are known."""
        return bool(self.bins.size) or (self.row["n"] > 0 and self.row["p50"] is not None)

    @property
    def is_constant(self) -> bool:
        """Whether all songs have the same value."""
        low, high = self.row["min"], self.row["max"]
        return low is not None and low == high

    def percentile(self, value: float) -> Percentile:
        """Place a value among the songs: exactly to the resolution, or between the quantiles that are known.

        >>> from mixprior.analysis.priors import open_priors
        >>> ratio = next(of_group(open_priors("published"), "all", [("song", "vocal_to_backing_lu", None)]))[1]
        >>> round(ratio.percentile(-1.96).percentile), round(ratio.percentile(2.0).low), ratio.percentile(9.0).fewest
        (50, 90, 150)
        """
        if self.bins.size and self.resolution is not None:
            place = int(np.rint(value / self.resolution))
            upto = np.concatenate([[0], np.cumsum(self.counts)])
            fewest, most = (upto[np.searchsorted(self.bins, place, side)] for side in ("left", "right"))
            return percentile(int(upto[-1]), int(fewest), int(most))
        return self._between_quantiles(value)

    def _between_quantiles(self, value: float) -> Percentile:
        """Place a value by quantiles: that of share q is the order statistic q (n - 1), counted from 0."""
        n = int(self.row["n"])
        shares = {"min": 0.0, **QUANTILES, "max": 1.0}
        known = [(self.row[name], share * (n - 1)) for name, share in shares.items() if self.row[name] is not None]
        values, ranks = np.array(known, np.float64).T
        under, over = ranks[values < value], ranks[values > value]
        fewest = int(np.floor(under.max() + 1e-9)) + 1 if under.size else 0
        most = int(np.ceil(over.min() - 1e-9)) if over.size else n
        at = ranks[values == value]
        if at.size:
            below = float(at.mean()) + 0.5
        elif under.size and over.size:
            below = float(np.interp(value, values, ranks)) + 0.5
        else:
            below = (fewest + most) / 2
        return percentile(n, fewest, most, min(max(below, fewest), most))


def of_group(priors: Priors, group: str, names: list[Name] | None = None) -> Iterator[tuple[Name, Distribution]]:
    """Give the distributions of a group: of scalars, and of each bin of the vectors that are no curves.

    Args:
        priors: opened priors.
        group: of their songs.
        names: only these; None for all.

    Raises:
        PriorsLookupError: if there is no such group.
        NotPriors: if a file is damaged.
    """
    counted = _counted(priors, group)
    wanted = None if names is None else set(names)
    vectors = sorted({row["statistic"] for row in priors.contents if 0 < row["bins"] <= LONGEST_HISTOGRAM})
    tables = [priors.rows(group=group), *(priors.rows(statistic=name, group=group) for name in vectors)]
    for row in pa.concat_tables(tables).to_pylist():
        name = (row["stem"], row["statistic"], row["bin"])
        if wanted is None or name in wanted:
            resolution, bins, counts = counted.get(name, (None, np.zeros(0), np.zeros(0)))
            yield name, Distribution(row, resolution, bins, counts)


def _counted(priors: Priors, group: str) -> dict[Name, tuple[float, np.ndarray, np.ndarray]]:
    """Resolution, values in units of it, and songs, by statistic; nothing where priors have no state."""
    try:
        table = pq.read_table(priors.file(STATE_FILE), columns=_STATE_COLUMNS, filters=pc.field("group") == group)
    except FileNotFoundError:
        return {}
    except (OSError, pa.ArrowException) as error:
        raise NotPriors(f"{priors.path / STATE_FILE} is damaged: build the priors again") from error
    found: dict[Name, tuple[float, np.ndarray, np.ndarray]] = {}
    for row in table.to_pylist():
        keys, counts = np.array(row["keys"], np.int64), np.array(row["counts"], np.int64)
        bins, values = keys // SPAN, keys % SPAN - SPAN // 2
        is_scalar = len(row["n"]) == 1
        for k in np.unique(bins):
            at = bins == k
            name = (row["stem"], row["statistic"], None if is_scalar else int(k))
            found[name] = row["resolution"], values[at], counts[at]
    return found

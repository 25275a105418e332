"""Digests of groups of songs become the table of priors and the table of joint facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from stats.digest import Cell, Digest
from stats.grouping import EVERY_SONG, columns_of, parents_of
from stats.interval import mean_interval, median_ranks
from stats.schema import JOINT_SCHEMA, PRIORS_SCHEMA, QUANTILES, with_metadata
from stats.shrinkage import shrink
from stats.summary import Summary


def size(digest: Digest) -> int:
    """Songs in a group."""
    return int((digest.counted.n + digest.counted.missing).max(initial=0))


def withheld(digests: Mapping[str, Digest], min_group: int) -> dict[str, int]:
    """Groups with fewer than `min_group` songs, which are not published, and how many they have."""
    sizes = {group: size(digest) for group, digest in sorted(digests.items()) if group != EVERY_SONG}
    return {group: songs for group, songs in sizes.items() if songs < min_group}


def priors_table(digests: Mapping[str, Digest], min_group: int) -> pa.Table:
    """Return the priors, `stats.schema.PRIORS_SCHEMA`, sorted by group, stem, statistic and bin."""
    shrunk = _shrunk(digests)
    hidden = withheld(digests, min_group)
    tables = [PRIORS_SCHEMA.empty_table()]
    for group, digest in sorted(digests.items()):
        if group not in hidden:
            parent = " + ".join(parents_of(group, digests)) or None
            tables.extend(
                _rows(group, parent, cell, summary, shrunk.get((group, *cell.key)))
                for cell, summary in digest.summaries()
            )
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(with_metadata(PRIORS_SCHEMA).metadata)


def _rows(
    group: str, parent: str | None, cell: Cell, summary: Summary, shrunk: tuple[np.ndarray, np.ndarray] | None
) -> pa.Table:
    bins, n = cell.bins, summary.n
    mean, sd = summary.mean(), summary.sd()
    with np.errstate(divide="ignore", invalid="ignore"):
        se = sd / np.sqrt(n)
    mean_low, mean_high = mean_interval(mean, se, n)
    median_low, median_high = (summary.order_statistic(rank) for rank in median_ranks(summary.counted))
    numbers = {
        "mean": mean,
        "sd": sd,
        "min": summary.low,
        "max": summary.high,
        **{name: summary.quantile(q) for name, q in QUANTILES.items()},
        "se": se,
        "mean_low": mean_low,
        "mean_high": mean_high,
        "median_low": median_low,
        "median_high": median_high,
        "trimmed_mean": summary.trimmed_mean(),
        "weighted_mean": summary.weighted_mean(),
        "shrunk_mean": np.full(bins, np.nan) if shrunk is None else shrunk[0],
        "shrinkage": np.full(bins, np.nan) if shrunk is None else shrunk[1],
    }
    axis_hz = cell.column.axis_hz
    columns = {
        "group": pa.repeat(group, bins),
        "stem": pa.repeat(cell.stem, bins),
        "statistic": pa.repeat(cell.column.name, bins),
        "unit": pa.repeat(cell.column.unit, bins),
        "bin": pa.nulls(1, pa.int32()) if axis_hz is None else pa.array(np.arange(bins, dtype=np.int32)),
        "bin_hz": pa.nulls(1, pa.float64()) if axis_hz is None else pa.array(axis_hz, pa.float64()),
        "n": n,
        "n_missing": summary.missing,
        "n_silent": summary.silent,
        **{
            name: pa.array(values, pa.float64(), mask=~np.isfinite(values) | (n == 0))
            for name, values in numbers.items()
        },
        "parent": pa.nulls(bins, pa.string()) if parent is None else pa.repeat(parent, bins),
    }
    return pa.table([columns[name] for name in PRIORS_SCHEMA.names], PRIORS_SCHEMA)


def _shrunk(digests: Mapping[str, Digest]) -> dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray]]:
    """Shrunk means, and the parents' shares in them, by group, stem and statistic; none for all songs together."""
    own: dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray, np.ndarray]] = {}
    siblings: dict[tuple[str, ...], list[str]] = {}
    for group, digest in sorted(digests.items()):
        siblings.setdefault(columns_of(group, digests), []).append(group)
        for cell, summary in digest.summaries():
            own[group, cell.stem, cell.column.name] = summary.n, summary.mean(), summary.sd()
    found: dict[tuple[str, str, str], tuple[np.ndarray, np.ndarray]] = {}
    for columns, groups in sorted(siblings.items(), key=lambda item: len(item[0])):
        if not columns:
            continue
        keys = sorted({key[1:] for group in groups for key in own if key[0] == group})
        for stem, statistic in keys:
            having = [group for group in groups if (group, stem, statistic) in own]
            n, mean, sd = (np.stack(arrays) for arrays in zip(*(own[g, stem, statistic] for g in having), strict=True))
            parent = np.stack([_parent_mean(group, (stem, statistic), digests, own, found) for group in having])
            means, shares = shrink(mean, sd, n, parent)
            for group, each, share in zip(having, means, shares, strict=True):
                found[group, stem, statistic] = each, share
    return found


def _parent_mean(
    group: str, key: tuple[str, str], digests: Mapping[str, Digest], own: Mapping, found: Mapping
) -> np.ndarray:
    """Mean of the parent; of a pair, what its two columns add up to: one's mean, and how far the other's is off."""

    def of(name: str) -> tuple[str, ...]:
        return (name, *key)

    everything: np.ndarray = own[of(EVERY_SONG)][1]
    parents = [parent for parent in parents_of(group, digests) if of(parent) in found]
    return everything + sum((found[of(parent)][0] - everything for parent in parents), np.zeros(everything.shape))


def joint_table(digests: Mapping[str, Digest], min_group: int) -> pa.Table:
    """Return the joint facts, `stats.schema.JOINT_SCHEMA`, of the groups that are published and keep them."""
    hidden = withheld(digests, min_group)
    tables = [JOINT_SCHEMA.empty_table()]
    for group, digest in sorted(digests.items()):
        if group not in hidden and digest.moments is not None:
            tables.append(_joint_rows(group, digest, digest.joint_cells()))
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(with_metadata(JOINT_SCHEMA).metadata)


def _joint_rows(group: str, digest: Digest, cells: Sequence[Cell]) -> pa.Table:
    moments = digest.moments
    assert moments is not None
    correlation = moments.correlation()
    low, high = moments.correlation_interval()
    slope, mean = moments.slope(), moments.mean()
    with np.errstate(invalid="ignore", divide="ignore"):
        intercept = mean - slope * mean.T
        free = np.where(moments.n > 2, (moments.n - 1) / (moments.n - 2), np.nan)
        residual_sd = np.sqrt((1 - correlation**2) * moments.variance() * free)
    known = np.isfinite(correlation) & ~np.eye(len(cells), dtype=bool)
    i, j = np.nonzero(known)
    stems = pa.array([cell.stem for cell in cells], pa.string())
    names = pa.array([cell.column.name for cell in cells], pa.string())
    numbers = [
        pa.array(values[known], pa.float64(), mask=~np.isfinite(values[known]))
        for values in (correlation, low, high, slope, intercept, residual_sd)
    ]
    labels = [stems.take(pa.array(i)), names.take(pa.array(i)), stems.take(pa.array(j)), names.take(pa.array(j))]
    return pa.table([pa.repeat(group, len(i)), *labels, pa.array(moments.n[known]), *numbers], JOINT_SCHEMA)

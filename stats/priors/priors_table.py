"""Digests of groups of songs become the table of priors and the table of joint facts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixprior.stats.measures import balance
from mixprior.stats.priors.derived import CORRECTED
from mixprior.stats.priors.digest import Cell, Digest, union
from mixprior.stats.priors.grouping import EVERY_SONG, Group, groups_named
from mixprior.stats.priors.interval import intervals, share_interval
from mixprior.stats.priors.shrinkage import shrink
from mixprior.stats.priors.summary import Summary
from mixprior.stats.schema import JOINT_SCHEMA, PRIORS_SCHEMA, QUANTILES, with_metadata
from mixprior.stats.statistic import MIXTURE, SONG

_ABOUT_VOCALS = [column.name + end for column in balance.STATISTIC.columns for end in ("", CORRECTED)]
_Shrunk = tuple[np.ndarray, np.ndarray]
"""Shrunk means, and the parents' shares in them."""


def size(digest: Digest) -> int:
    """Songs in a group."""
    return int((digest.counted.n + digest.counted.missing).max(initial=0))


def withheld(digests: Mapping[str, Digest], min_group: int) -> dict[str, int]:
    """Groups with fewer than `min_group` songs, which are not published, and how many they have."""
    sizes = {group: size(digest) for group, digest in sorted(digests.items()) if group != EVERY_SONG}
    return {group: songs for group, songs in sizes.items() if songs < min_group}


def priors_table(digests: Mapping[str, Digest], min_group: int) -> pa.Table:
    """Return the priors, `mixprior.stats.schema.PRIORS_SCHEMA`, sorted by group, stem, statistic and bin."""
    cells = union(list(digests.values()))
    digests = {group: digest.aligned(cells) for group, digest in sorted(digests.items())}
    kinds = [(curves, _labels([cell for cell in cells if cell.is_curve == curves])) for curves in (False, True)]
    shrunk = {curves: _shrunk(digests, curves) for curves, _ in kinds}
    hidden = withheld(digests, min_group)
    groups = groups_named(digests)
    tables = [PRIORS_SCHEMA.empty_table()]
    for group, digest in digests.items():
        if group not in hidden:
            parent = " + ".join(parent.name for parent in groups[group].parents) or None
            tables.append(
                pa.concat_tables(
                    _rows(group, parent, labels, summary, shrunk[curves].get(group))
                    for curves, labels in kinds
                    if (summary := digest.summary(curves)) is not None
                ).sort_by([("stem", "ascending"), ("statistic", "ascending"), ("bin", "ascending")])
            )
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(with_metadata(PRIORS_SCHEMA).metadata)


def _labels(cells: Sequence[Cell]) -> dict[str, pa.Array]:
    """Labels of the bins of cells, side by side."""
    bins = np.array([cell.bins for cell in cells], np.int64)
    cell_of_bin = pa.array(np.repeat(np.arange(len(cells)), bins))
    inner = np.arange(bins.sum()) - np.repeat(np.cumsum(bins) - bins, bins)
    scalar = np.repeat(bins == 1, bins)
    axes = [np.asarray(cell.column.axis_hz or (0.0,)) for cell in cells]
    texts = {
        "stem": [cell.stem for cell in cells],
        "statistic": [cell.column.name for cell in cells],
        "unit": [cell.column.unit for cell in cells],
    }
    return {
        **{name: pa.array(values, pa.string()).take(cell_of_bin) for name, values in texts.items()},
        "bin": pa.array(inner, pa.int32(), mask=scalar),
        "bin_hz": pa.array(np.concatenate([np.zeros(0), *axes]), pa.float64(), mask=scalar),
    }


def _rows(
    group: str, parent: str | None, labels: Mapping[str, pa.Array], summary: Summary, shrunk: _Shrunk | None
) -> pa.Table:
    n = summary.n
    judged = np.where(_may_be_absent(labels), summary.judged, 0)
    present = judged - np.where(judged > 0, summary.absent, 0)
    share_low, share_high = share_interval(present, judged)
    with np.errstate(invalid="ignore"):
        shares = {"": present / judged, "_low": share_low, "_high": share_high}
    unknown = np.full(n.size, np.nan)
    numbers = {
        "mean": summary.mean(),
        "sd": summary.sd(),
        "min": summary.low,
        "max": summary.high,
        **{name: summary.quantile(q) for name, q in QUANTILES.items()},
        **intervals(summary),
        "trimmed_mean": summary.trimmed_mean(),
        "weighted_mean": summary.weighted_mean(),
        "shrunk_mean": unknown if shrunk is None else shrunk[0],
        "shrinkage": unknown if shrunk is None else shrunk[1],
    }
    columns = {
        **labels,
        "group": pa.repeat(group, n.size),
        "n": pa.array(n),
        "n_missing": pa.array(summary.missing),
        "n_silent": pa.array(summary.silent),
        **{
            name: pa.array(values, pa.float64(), mask=~np.isfinite(values) | (n == 0))
            for name, values in numbers.items()
        },
        "parent": pa.nulls(n.size, pa.string()) if parent is None else pa.repeat(parent, n.size),
        "n_absent": pa.array(summary.absent, mask=judged == 0),
        **{f"share_present{end}": pa.array(share, mask=judged == 0) for end, share in shares.items()},
    }
    table = pa.table([columns[name] for name in PRIORS_SCHEMA.names], PRIORS_SCHEMA)
    return table.filter(pa.array(_worth_telling(labels, summary)))


def _may_be_absent(labels: Mapping[str, pa.Array]) -> np.ndarray:
    """Which bins are of what a song may lack: stems, and facts about vocals against their backing."""
    stem = labels["stem"]
    sound = pc.and_(pc.not_equal(stem, MIXTURE), pc.not_equal(stem, SONG))
    about_vocals = pc.is_in(labels["statistic"], pa.array(_ABOUT_VOCALS))
    return pc.or_(sound, about_vocals).to_numpy(zero_copy_only=False)


def _worth_telling(labels: Mapping[str, pa.Array], summary: Summary) -> np.ndarray:
    """All bins but those of stems that no song of the group has, and of vectors that none has a value of."""
    first = labels["bin"].fill_null(0).to_numpy(zero_copy_only=False) == 0
    measured = np.maximum.reduceat(summary.n, np.flatnonzero(first)) > 0 if first.any() else first
    scalar = labels["bin"].is_null().to_numpy(zero_copy_only=False)
    worth: np.ndarray = (scalar | measured[np.cumsum(first) - 1]) & (summary.n + summary.missing > 0)
    return worth


def _shrunk(digests: Mapping[str, Digest], curves: bool) -> dict[str, _Shrunk]:
    """Shrink the means of all groups but that of all songs, siblings together, parents before children."""
    kept = {group: summary for group, digest in digests.items() if (summary := digest.summary(curves)) is not None}
    siblings: dict[tuple[str, ...], list[str]] = {}
    known = groups_named(digests)
    for name in kept:
        siblings.setdefault(known[name].columns, []).append(name)
    found: dict[str, _Shrunk] = {}
    for columns, groups in sorted(siblings.items(), key=lambda item: len(item[0])):
        if columns:
            parents = np.stack([_parent_mean(known[group], kept, found) for group in groups])
            learned = _learned([known[group] for group in groups], kept)
            n, mean, sd = (
                np.stack(arrays)
                for arrays in zip(*((kept[g].n, kept[g].mean(), kept[g].sd()) for g in groups), strict=True)
            )
            found.update(zip(groups, zip(*shrink(mean, sd, n, parents, learned), strict=True), strict=True))
    return found


def _learned(siblings: Sequence[Group], kept: Mapping[str, Summary]) -> np.ndarray:
    """Free parameters of the siblings' parents, per bin: 1 for all songs; of pairs, those of a sum of two effects."""
    parents = {parent.name for group in siblings for parent in group.parents if parent.name in kept}
    filled: np.ndarray = np.sum([kept[name].n > 0 for name in sorted(parents)], axis=0)
    return np.maximum(filled - len(siblings[0].columns) + 1, 1)


def _parent_mean(group: Group, kept: Mapping[str, Summary], found: Mapping[str, _Shrunk]) -> np.ndarray:
    """Mean of the parent; of a pair, what its two columns add up to: one's mean, and how far the other's is off."""
    everything = kept[EVERY_SONG].mean()
    parents = [parent.name for parent in group.parents if parent.name in found]
    return everything + sum((found[parent][0] - everything for parent in parents), np.zeros(everything.shape))


def joint_table(digests: Mapping[str, Digest], min_group: int) -> pa.Table:
    """Return the joint facts, `mixprior.stats.schema.JOINT_SCHEMA`, of the groups that are published and keep them."""
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

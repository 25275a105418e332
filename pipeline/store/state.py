"""The state of digests on disk: tables that merge to exactly what one run over all songs would have written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa

from mixprior.pipeline.store.layout import MOMENTS_FILE, STATE_FILE
from mixprior.stats.errors import InputError
from mixprior.stats.priors.derived import definitions
from mixprior.stats.priors.digest import Cell, Digest
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.summary import SPAN, Summary
from mixprior.stats.schema import MOMENTS_SCHEMA, STATE_SCHEMA, with_metadata

_SUMS = ("n", "missing", "silent", "absent", "judged", "total", "weight", "weighted")
SINCE_1_1 = ("absent", "judged")
"""Columns that the state of older files does not have."""
_MOMENTS = ("n", "total", "square", "cross")


def state_table(digests: Mapping[str, Digest]) -> pa.Table:
    """Return the summaries, `mixprior.stats.schema.STATE_SCHEMA`: a row for each group, stem and statistic."""
    tables = [STATE_SCHEMA.empty_table()]
    for group, digest in sorted(digests.items()):
        for summary, curves in ((digest.counted, False), (digest.curves, True)):
            cells = [cell for cell in digest.cells if cell.is_curve == curves]
            if summary is not None and cells:
                tables.append(_state_rows(group, cells, summary))
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(with_metadata(STATE_SCHEMA).metadata)


def _state_rows(group: str, cells: Sequence[Cell], summary: Summary) -> pa.Table:
    starts = np.cumsum([0, *(cell.bins for cell in cells)])
    cell_of_key = np.searchsorted(starts, summary.keys // SPAN, side="right") - 1
    edges = np.concatenate([[0], np.cumsum(np.bincount(cell_of_key, minlength=len(cells)))])
    extremes = {name: pa.array(getattr(summary, name), pa.float64(), mask=summary.n == 0) for name in ("low", "high")}
    flat = {
        **{name: pa.array(getattr(summary, name)) for name in _SUMS},
        "squares_high": pa.array(summary.squares[0]),
        "squares_low": pa.array(summary.squares[1]),
        **extremes,
    }
    histogram = {"keys": pa.array(summary.keys - starts[cell_of_key] * SPAN), "counts": pa.array(summary.counts)}
    columns = {
        "group": pa.repeat(group, len(cells)),
        "stem": pa.array([cell.stem for cell in cells]),
        "statistic": pa.array([cell.column.name for cell in cells]),
        "resolution": pa.array([cell.column.resolution for cell in cells]),
        **{name: _lists(starts, values) for name, values in flat.items()},
        **{name: _lists(edges, values) for name, values in histogram.items()},
    }
    return pa.table([columns[name] for name in STATE_SCHEMA.names], STATE_SCHEMA)


def moments_table(digests: Mapping[str, Digest]) -> pa.Table:
    """Return the joint moments, `mixprior.stats.schema.MOMENTS_SCHEMA`: a row for each group that keeps them."""
    tables = [MOMENTS_SCHEMA.empty_table()]
    for group, digest in sorted(digests.items()):
        if digest.moments is not None:
            cells = digest.joint_cells()
            names = [_lists([0, len(cells)], pa.array(list(texts), pa.string())) for texts in _keys(cells)]
            sums = [getattr(digest.moments, name).ravel() for name in _MOMENTS]
            lists = [_lists([0, values.size], pa.array(values)) for values in sums]
            tables.append(pa.table([pa.array([group]), *names, *lists], MOMENTS_SCHEMA))
    return pa.concat_tables(tables).combine_chunks().replace_schema_metadata(with_metadata(MOMENTS_SCHEMA).metadata)


def digests_of(state: pa.Table, moments: pa.Table) -> dict[str, Digest]:
    """Return the digests that the two tables were made of, by group.

    Raises:
        InputError: if they hold a statistic that this version of mixprior does not know, or counts otherwise.
    """
    joint = dict(_by_group(moments))
    found: dict[str, Digest] = {}
    for group, rows in _by_group(state):
        cells = _cells(rows)
        kept: dict[bool, Summary] = {}
        for curves in (False, True):
            places = [k for k, cell in enumerate(cells) if cell.is_curve == curves]
            if places:  # curves lie behind the others
                kept[curves] = _summary(rows.slice(places[0], len(places)), [cells[k] for k in places])
        counted = kept.get(False) or Summary.of(np.empty((0, 0)), 1.0)
        digest = Digest(tuple(sorted(cells, key=lambda cell: cell.key)), counted, kept.get(True), None)
        if group in joint:
            digest.moments = _moments(digest.joint_cells(), joint[group])
        found[group] = digest
    return found


def _by_group(table: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    groups = table["group"].to_pylist()
    start = 0
    for k in range(1, len(groups) + 1):
        if k == len(groups) or groups[k] != groups[start]:
            yield groups[start], table.slice(start, k - start)
            start = k


def _cells(rows: pa.Table) -> list[Cell]:
    names = rows["statistic"].to_pylist()
    known = definitions(names)
    for name, resolution in zip(names, rows["resolution"].to_pylist(), strict=True):
        if name not in known or known[name].resolution != resolution:
            raise InputError(
                f"the statistic {name} of these priors is not counted as this mixprior counts it: "
                "build them again with `mixprior aggregate`, from the run's rows"
            )
    cells = [Cell(stem, known[name]) for stem, name in zip(rows["stem"].to_pylist(), names, strict=True)]
    if len({cell.key for cell in cells}) < len(cells):
        raise InputError(f"{STATE_FILE} of these priors has a statistic twice: build them again")
    return cells


def _summary(rows: pa.Table, cells: Sequence[Cell]) -> Summary:
    flat = {name: _flat(rows[name]) for name in rows.column_names if pa.types.is_list(rows[name].type)}
    n = flat["n"]
    flat = {**{name: np.zeros(n.size, np.int64) for name in SINCE_1_1}, **flat}
    lengths = np.array(rows["keys"].combine_chunks().value_lengths())
    bins = sum(cell.bins for cell in cells)
    if {flat[name].size for name in flat.keys() - {"keys", "counts"}} != {bins}:
        raise InputError(f"{STATE_FILE} of these priors does not have a number for each bin: build them again")
    if flat["keys"].size != flat["counts"].size or lengths.size != len(cells):
        raise InputError(f"{STATE_FILE} of these priors does not have a count for each key: build them again")
    starts = np.cumsum([0, *(cell.bins for cell in cells)])[:-1]
    return Summary(
        resolution=np.repeat([cell.column.resolution for cell in cells], [cell.bins for cell in cells]),
        squares=np.stack([flat["squares_high"], flat["squares_low"]]),
        low=np.where(n == 0, np.inf, flat["low"]),
        high=np.where(n == 0, -np.inf, flat["high"]),
        keys=flat["keys"] + np.repeat(starts * SPAN, lengths),
        counts=flat["counts"],
        **{name: flat[name] for name in _SUMS},
    )


def _moments(cells: Sequence[Cell], rows: pa.Table) -> Moments:
    keys = [(stem, name) for stem, name in zip(rows["stems"][0].as_py(), rows["statistics"][0].as_py(), strict=True)]
    if keys != [cell.key for cell in cells]:
        raise InputError(f"{STATE_FILE} and {MOMENTS_FILE} of these priors do not belong together: build them again")
    sums = [_flat(rows[name]).reshape(len(cells), len(cells)) for name in _MOMENTS]
    return Moments(np.array([cell.column.resolution for cell in cells]), *sums)


def _keys(cells: Sequence[Cell]) -> tuple[list[str], list[str]]:
    return [cell.stem for cell in cells], [cell.column.name for cell in cells]


def _lists(edges: Sequence[int] | np.ndarray, values: pa.Array) -> pa.ListArray:
    return pa.ListArray.from_arrays(pa.array(np.asarray(edges), pa.int32()), values)


def _flat(column: pa.ChunkedArray) -> np.ndarray:
    flat: np.ndarray = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    return flat

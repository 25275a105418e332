"""Lines and rank correlations of statistics, over all songs or a group: from the priors' moments or the songs' rows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import EVERY_SONG, Priors, suggest
from mixprior.pipeline.store.layout import MOMENTS_FILE, PRIORS_FOLDER, STATE_FILE
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from mixprior.pipeline.store.rows import Rows
    from mixprior.stats.priors.regression import Regression

Name = tuple[str, str]
"""Stem and statistic."""


def named(text: str) -> Name:
    """Return the stem and the statistic of "stem:statistic"; the stem may be left out where it is the song.

    >>> named("backing:tempo_bpm"), named("vocal_to_backing_lu")
    (('backing', 'tempo_bpm'), ('song', 'vocal_to_backing_lu'))
    """
    stem, colon, statistic = text.rpartition(":")
    return (stem if colon else "song"), statistic.replace("-", "_")


def regress(priors: Priors, target: Name, on: Sequence[Name], group: str = EVERY_SONG) -> list[dict[str, object]]:
    """Regress a scalar statistic on others by least squares, over the songs that have all of them.

    On one statistic the line is read from the joint moments of the priors; on several it is computed from the rows of
    the run that the priors are in.

    Args:
        priors: opened priors.
        target: (stem, statistic), the dependent variable.
        on: the explaining variables.
        group: "all" or a single group ("genre=rock"); on several statistics also a pair of groups.

    Returns:
        A row for each explaining statistic: `slope` with its 95 % interval `slope_low` to `slope_high`, and, the same
        in all rows, `group`, `n`, `intercept`, `r2` and `residual_sd`.

    Raises:
        PriorsLookupError: if there is no such statistic or group.
        InputError: if the priors have no joint moments, or none of the rows that several statistics need; if songs are
            too few, or the statistics depend on each other.
    """
    _check_others(target, on)
    if len(on) == 1:
        found = _line(priors, target, on[0], group)
    else:
        from mixprior.stats.priors.regression import least_squares

        values = song_values(priors, [target, *on], group)
        found = least_squares(values[0], values[1:])
    whole = {"n": found.n, "intercept": found.intercept, "r2": found.r2, "residual_sd": found.residual_sd}
    return [
        {
            **_labels(group, target, name),
            "slope": slope,
            "slope_low": low,
            "slope_high": high,
            **whole,
        }
        for name, slope, low, high in zip(on, found.slopes, found.slopes_low, found.slopes_high, strict=True)
    ]


def rank_correlations(
    priors: Priors, target: Name, on: Sequence[Name], group: str = EVERY_SONG
) -> list[dict[str, object]]:
    """Correlate a scalar statistic with others by Spearman's rank correlation, from the rows of the run.

    Args:
        priors: opened priors in the folder of a run.
        target: (stem, statistic).
        on: the others, each by itself.
        group: "all", a group, or a pair of groups.

    Returns:
        A row for each of the others: `rank_correlation` with its 95 % interval `rank_correlation_low` to
        `rank_correlation_high`, over the `n` songs that have both.

    Raises:
        PriorsLookupError: if there is no such statistic or group.
        InputError: if there are no rows, too few songs, or one of the statistics does not vary.
    """
    from mixprior.stats.priors.regression import rank_correlation

    _check_others(target, on)
    values = song_values(priors, [target, *on], group)
    rows = []
    for name, other in zip(on, values[1:], strict=True):
        found = rank_correlation(values[0], other)
        numbers = {"": found.correlation, "_low": found.low, "_high": found.high}
        ends = {f"rank_correlation{end}": number for end, number in numbers.items()}
        rows.append({**_labels(group, target, name), "n": found.n, **ends})
    return rows


def song_values(priors: Priors, names: Sequence[Name], group: str = EVERY_SONG) -> np.ndarray:
    """Values of scalar statistics for each song of a group, from the rows of the run that the priors are in.

    Returns:
        float64, shape (names, songs); NaN where a song has none.

    Raises:
        PriorsLookupError: if there is no such statistic or group.
        InputError: if there are no rows, or they are of other songs than the priors.
    """
    from mixprior.stats.priors.calibration import Calibration
    from mixprior.stats.priors.measurements import Measurements
    from mixprior.stats.priors.tally import songs_by_group
    from mixprior.stats.registry import FEATURES_SCHEMA

    priors.rows(*names[0], group)  # refuses a group that is not there, or not published
    corrections = priors.manifest.get("calibration")
    calibration = None if corrections is None else Calibration.load(json.dumps(corrections))
    scalars = [field.name for field in FEATURES_SCHEMA if not pa.types.is_list(field.type)]
    rows = _rows(priors)
    known: set[Name] = set()
    parts = [np.empty((len(names), 0))]
    for feature_key in rows.feature_keys:
        separated = rows.settings(feature_key)["stems"] == "separated"
        metadata = rows.metadata(feature_key)
        for table in rows.tables(feature_key, scalars):
            corrected = table if calibration is None else calibration.corrected(table, separated)
            measured = Measurements.of(corrected, separated)
            known |= {cell.key for cell in measured.cells if cell.column.axis_hz is None}
            members, _ = songs_by_group(measured, metadata, priors.manifest.get("group_by") or ())
            songs = next((songs for found, songs in members.items() if found.name == group), [])
            there = [measured.scalar(*name) if name in known else None for name in names]
            parts.append(np.array([np.full(len(songs), np.nan) if x is None else x[songs] for x in there]))
    _check_names(names, known)
    return np.concatenate(parts, axis=1)


def _line(priors: Priors, target: Name, on: Name, group: str) -> Regression:
    """Read the regression on one statistic from the joint moments."""
    from mixprior.pipeline.store.state import digests_of
    from mixprior.stats.priors.moments import Moments

    try:
        moments = pq.read_table(priors.file(MOMENTS_FILE), filters=[("group", "=", group)])
        state = pq.read_table(priors.file(STATE_FILE), filters=[("group", "=", group)])
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"{priors.path} has no joint moments; build it again with `mixprior aggregate`") from error
    if not len(moments):
        raise PriorsLookupError(f"no joint moments of the group {group!r} (pairs of groups have none)")
    if group in (priors.manifest.get("withheld") or {}):
        raise PriorsLookupError(f"the group {group!r} is withheld: it has too few songs to publish")
    digest = digests_of(state, moments)[group]
    places = {cell.key: k for k, cell in enumerate(digest.joint_cells())}
    _check_names((target, on), places)
    assert isinstance(digest.moments, Moments)
    return digest.moments.regress(places[target], places[on])


def _rows(priors: Priors) -> Rows:
    """Open the rows that the priors were built from."""
    from mixprior.pipeline.store.members import lost_from, members_hash, members_of
    from mixprior.pipeline.store.rows import Rows
    from mixprior.pipeline.store.songs import NotARun

    try:
        if priors.path.name != PRIORS_FOLDER:
            raise NotARun("it is not the folder of the priors of a run")
        rows = Rows.open(str(priors.path.parent))
    except NotARun as error:
        raise InputError(
            f"{priors.path} has no rows of songs beside it (merged and packaged priors have none): several statistics "
            "and ranks need the folder of a run; --regress on one statistic does not"
        ) from error
    of = priors.manifest.get("members_sha256")
    if of is not None and of != members_hash(lost_from(members_of(rows.songs), rows.lost())):
        raise InputError(f"{priors.path} is not of the songs of {rows.folder.root} as it is now: aggregate it again")
    return rows


def _check_others(target: Name, on: Sequence[Name]) -> None:
    if target in on:
        raise InputError(f"{':'.join(target)} cannot explain itself")
    if not on:
        raise InputError("no statistic to explain it by: name one or several")


def _check_names(names: Sequence[Name], known: set[Name] | dict[Name, int]) -> None:
    for name in names:
        if name not in known:
            raise PriorsLookupError(f"no scalar {':'.join(name)}; {suggest(':'.join(name), map(':'.join, known))}")


def _labels(group: str, target: Name, on: Name) -> dict[str, object]:
    return {"group": group, "target": ":".join(target), "on": ":".join(on)}

"""Rows of songs become digests of the groups that the songs are in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.grouping import MIN_GROUP, Group, Measured, groups_of, is_value
from mixprior.stats.priors.measurements import Measurements
from mixprior.stats.priors.unused import NO_GROUP, NO_METADATA, Unused
from mixprior.stats.statistic import BACKING, SONG, VOCALS


@dataclass(frozen=True)
class Grouping:
    """How songs are grouped and corrected on their way into priors.

    Attributes:
        group_by: columns of the catalog, or derived ones (`mixprior.stats.priors.grouping`).
        min_group: groups with fewer songs are not published.
        calibration: corrections for separated stems, as JSON; None for none.
    """

    group_by: tuple[str, ...] = ()
    min_group: int = MIN_GROUP
    calibration: str | None = None


def tally(
    rows: pa.Table, metadata: Mapping[str, str], grouping: Grouping, separated: bool
) -> Iterator[tuple[str, Digest]]:
    """Digest rows of songs, once for every group that one of the songs is in.

    Args:
        rows: `mixprior.stats.registry.FEATURES_SCHEMA`. What cannot be counted is null, and named in the digest of all
            songs: no row is refused.
        metadata: columns of the catalog as JSON, by song id; songs that are not in it are skipped.
        grouping: how the songs are grouped and corrected.
        separated: whether the stems were separated, and not in the catalog.
    """
    if grouping.calibration is not None:
        rows = Calibration.load(grouping.calibration).corrected(rows, separated)
    measured = Measurements.of(rows, separated)
    members, ungrouped = songs_by_group(measured, metadata, grouping.group_by)
    unused = [(measured.song_ids[song], stem, column, why) for song, stem, column, why in measured.unused] + ungrouped
    for group, songs in members.items():
        digest = measured.digest(np.array(songs), scalars_only=len(group.columns) == 2)
        if group == Group() and unused:
            digest.unused = Unused.of(found for found in unused if found[0] in metadata)
        yield group.name, digest


def songs_by_group(
    measured: Measurements, metadata: Mapping[str, str], group_by: Sequence[str]
) -> tuple[dict[Group, list[int]], list[tuple[str, str, str, str]]]:
    """Find the groups that songs are in.

    Args:
        measured: the songs' rows.
        metadata: columns of the catalog as JSON, by song id; songs that are not in it are in no group.
        group_by: columns of the catalog, or derived ones.

    Returns:
        Indices of the songs of each group; and song id, stem, column and reason of what songs cannot be grouped by.
    """
    facts = _facts(measured)
    members: dict[Group, list[int]] = {}
    unused = []
    for k, song_id in enumerate(measured.song_ids):
        if song_id in metadata:
            known = metadata_of(metadata[song_id])
            if known is None:
                unused.append((song_id, SONG, "metadata", NO_METADATA))
                known = {}
            for name in group_by:
                if known.get(name) is not None and not is_value(known[name]):
                    unused.append((song_id, SONG, name, NO_GROUP))
            for group in groups_of(known, group_by, facts[k]):
                members.setdefault(group, []).append(k)
    return members, unused


def _facts(measurements: Measurements) -> list[Measured]:
    """What is measured of each song that songs are grouped by."""
    tempo_bpm = measurements.scalar(BACKING, "tempo_bpm")
    vocals = measurements.presence_of(VOCALS)
    songs = range(len(measurements.song_ids))
    tempi = [None if tempo_bpm is None or np.isnan(tempo_bpm[k]) else float(tempo_bpm[k]) for k in songs]
    sung = [None if vocals[k] < 0 else bool(vocals[k]) for k in songs]
    return [Measured(tempo, has_vocals) for tempo, has_vocals in zip(tempi, sung, strict=True)]


def metadata_of(text: str) -> dict[str, Any] | None:
    """Return the columns that the catalog has of a song; None if they are damaged.

    >>> metadata_of('{"genre": "rock"}'), metadata_of('{"genre": ')
    ({'genre': 'rock'}, None)
    """
    try:
        return json_document.parse(text)
    except InputError:
        return None

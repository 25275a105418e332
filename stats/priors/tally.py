"""Rows of songs become digests of the groups that the songs are in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.grouping import MIN_GROUP, Group, groups_of
from mixprior.stats.priors.measurements import Measurements


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
        rows: `mixprior.stats.registry.FEATURES_SCHEMA`.
        metadata: columns of the catalog as JSON, by song id; songs that are not in it are skipped.
        grouping: how the songs are grouped and corrected.
        separated: whether the stems were separated, and not in the catalog.
    """
    if grouping.calibration is not None:
        rows = Calibration.load(grouping.calibration).corrected(rows, separated)
    measured = Measurements.of(rows, separated)
    tempo_bpm = measured.scalar("backing", "tempo_bpm")
    members: dict[Group, list[int]] = {}
    for k, song_id in enumerate(measured.song_ids):
        if song_id in metadata:
            tempo = None if tempo_bpm is None or np.isnan(tempo_bpm[k]) else float(tempo_bpm[k])
            for group in groups_of(json.loads(metadata[song_id]), grouping.group_by, tempo):
                members.setdefault(group, []).append(k)
    for group, songs in members.items():
        yield group.name, measured.digest(np.array(songs), scalars_only=len(group.columns) == 2)

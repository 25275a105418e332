"""Linear regression of one statistic on others, over all songs or a group, from the joint moments of the priors."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import EVERY_SONG, Priors, suggest
from mixprior.pipeline.store.layout import MOMENTS_FILE, STATE_FILE
from mixprior.stats.errors import InputError

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
    """Regress a scalar statistic on others by least squares.

    Args:
        priors: opened priors.
        target: (stem, statistic), the dependent variable.
        on: the explaining variables.
        group: "all" or a single group ("genre=rock").

    Returns:
        A row for each explaining statistic: `slope` with its 95 % interval `slope_low` to `slope_high`, and, the same
        in all rows, `group`, `n`, `intercept`, `r2` and `residual_sd`. How n and the covariances are taken where songs
        lack one of the statistics: `mixprior.stats.priors.moments.Moments.regress`.

    Raises:
        PriorsLookupError: if there is no such statistic or group.
        InputError: if the priors have no joint moments, songs are too few, or the statistics depend on each other.
    """
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
    for name in (target, *on):
        if name not in places:
            raise PriorsLookupError(f"no scalar {':'.join(name)}; {suggest(':'.join(name), map(':'.join, places))}")
    assert isinstance(digest.moments, Moments)
    found = digest.moments.regress(places[target], [places[name] for name in on])
    whole = {"n": found.n, "intercept": found.intercept, "r2": found.r2, "residual_sd": found.residual_sd}
    return [
        {
            "group": group,
            "target": ":".join(target),
            "on": ":".join(name),
            "slope": slope,
            "slope_low": low,
            "slope_high": high,
            **whole,
        }
        for name, slope, low, high in zip(on, found.slopes, found.slopes_low, found.slopes_high, strict=True)
    ]

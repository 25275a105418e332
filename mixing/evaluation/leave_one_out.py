"""Priors of a run without the songs of some artists, so that nothing is mixed by what was measured on their songs."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import Priors, open_priors
from mixprior.pipeline.catalogs.roles import Recording, song_ids_of
from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.schema import PRIORS_SCHEMA


class KeptPriors(Priors):
    """Priors that are read from disk once: a hundred mixes ask for the same rows."""

    @classmethod
    def of(cls, priors: Priors) -> KeptPriors:
        """Keep the rows of these."""
        return cls(priors.path, priors.manifest)

    def _read(self, condition: pc.Expression | None = None, columns: Sequence[str] = PRIORS_SCHEMA.names) -> pa.Table:
        rows = self._rows if condition is None else self._rows.filter(condition)
        return rows.select(list(columns))

    @cached_property
    def _rows(self) -> pa.Table:
        return super()._read()


def priors_without(run: Path, artists: Collection[str], recordings: Sequence[Recording], folder: Path) -> Priors:
    """Return the priors of the songs of a run on which some artists are not heard, neither as lead nor as featured.

    Args:
        run: output folder of `mixprior mine`.
        artists: in small letters.
        recordings: of the table of roles, all songs of the run among them.
        folder: where to write them if a song is left out; what is there is replaced.

    Raises:
        InputError: if the folder is not that of a run, the artists of a song of it are not known, or no song is left.
    """
    rows = Rows.open(run)
    song_ids = rows.songs["song_id"].to_pylist()
    unknown = set(song_ids) - {each.song_id for each in recordings}
    if unknown:
        raise InputError(f"{run} has songs that the table of roles lacks: {', '.join(sorted(unknown))}")
    left_out = song_ids_of(recordings, artists)
    if not left_out.intersection(song_ids):
        return open_priors(run)
    rest = Rows(rows.folder, rows.songs.filter([song_id not in left_out for song_id in song_ids]))
    if not len(rest.finished):
        raise InputError(f"{run} has no song without {', '.join(sorted(artists))}")
    grouping = Grouping()
    digests: dict[str, list[Digest]] = {}
    for feature_key in rest.feature_keys:
        separated = rest.settings(feature_key)["stems"] == "separated"
        for table in rest.tables(feature_key):
            for group, digest in tally(table, rest.metadata(feature_key), grouping, separated):
                digests.setdefault(group, []).append(digest)
    merged = {group: Digest.merged(found) for group, found in digests.items()}
    Evidence.of(rest, merged, grouping, {}).write(str(folder))
    return open_priors(folder)

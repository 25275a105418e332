"""Priors of a run without one of its songs, so that no song is mixed by what was measured on it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import Priors, open_priors
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


def priors_without(run: Path, song: str | None, folder: Path) -> Priors:
    """Write the priors of the songs of a run but one.

    Args:
        run: output folder of `mixprior mine`.
        song: the end of the path of the song to leave out; None leaves none out.
        folder: where to write the priors; what is there is replaced.

    Raises:
        InputError: if the folder is not that of a run, or not exactly one song ends so: it might count in the priors.
    """
    rows = Rows.open(run)
    others = [song is None or not path.endswith(song) for path in rows.songs["path"].to_pylist()]
    left_out = others.count(False)
    if left_out != (song is not None):
        raise InputError(f"{left_out} songs of {run} are called {song}: one is to be left out")
    rest = Rows(rows.folder, rows.songs.filter(others))
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

"""Priors of a run without one of its songs, so that no song is mixed by what was measured on it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.priors import Priors, open_priors
from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.schema import PRIORS_SCHEMA
from tests.conftest import ROOT

OUTPUT = ROOT / "outputs" / "mix_eval"
RUN = ROOT / "outputs" / "songs"


def prepare(songs: Iterable[str]) -> None:
    """Aggregate `RUN` without each of these songs in turn, for `priors_for`."""
    for song in songs:
        priors_without(RUN, song, _folder(song))


def priors_for(song: str | None) -> Priors:
    """The priors of `RUN` by which a song may be mixed; all of them for None, a song that is not in it."""
    return _opened(RUN if song is None else _folder(song))


@lru_cache(maxsize=4)
def _opened(folder: Path) -> Priors:
    found = open_priors(folder)
    return _Kept(found.path, found.manifest)


class _Kept(Priors):
    """Priors that are read from disk once: a hundred mixes ask for the same rows."""

    def _read(self, condition: pc.Expression | None = None, columns: Sequence[str] = PRIORS_SCHEMA.names) -> pa.Table:
        rows = self._rows if condition is None else self._rows.filter(condition)
        return rows.select(list(columns))

    @cached_property
    def _rows(self) -> pa.Table:
        return super()._read()


def _folder(song: str) -> Path:
    return OUTPUT / "priors" / f"without {song}"


def priors_without(run: Path, song: str | None, folder: Path) -> Priors:
    """Aggregate the finished songs of a run but one.

    Args:
        run: output folder of `mixprior mine`.
        song: the end of the path of the song to leave out; None leaves none out.
        folder: where to write the priors; what is there is written again.

    Raises:
        ValueError: if not exactly one song ends so: the song might be among those it is mixed by.
    """
    rows = Rows.open(run)
    others = [song is None or not path.endswith(song) for path in rows.songs["path"].to_pylist()]
    left_out = others.count(False)
    if left_out != (song is not None):
        raise ValueError(f"{left_out} songs of {run} are called {song}: one was to be left out")
    rest = Rows(rows.folder, rows.songs.filter(others))
    grouping = Grouping()
    digests: dict[str, list[Digest]] = {}
    for batch in rest.batches():
        separated = rest.settings(batch.feature_key)["stems"] == "separated"
        for table in rest.read(batch):
            for group, digest in tally(table, rest.metadata(batch.feature_key), grouping, separated):
                digests.setdefault(group, []).append(digest)
    merged = {group: Digest.merged(found) for group, found in digests.items()}
    Evidence.of(rest, merged, grouping, {}).write(str(folder))
    return open_priors(folder)

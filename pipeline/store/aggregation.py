"""Rows of songs added up to the digests of groups, and what is written of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mixprior.pipeline.store import files
from mixprior.pipeline.store.evidence import Evidence
from mixprior.pipeline.store.layout import table_in
from mixprior.pipeline.store.rows import Batch, Rows
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally

_WAITING = 8
_SONGS_A_PROCESS = 256


def adders(songs: int, workers: int) -> int:
    """Return how many of the workers add up the rows of so many songs: a further one for every 256.

    >>> adders(255, 4), adders(600, 4), adders(100_000, 4)
    (1, 3, 4)
    """
    return min(workers, 1 + songs // _SONGS_A_PROCESS)


class Sums:
    """Adds up rows by group: one digest for each, of what was added.

    Args:
        grouping: how songs are grouped and corrected.
    """

    def __init__(self, grouping: Grouping) -> None:
        self.grouping = grouping
        self._rows: dict[str, Rows] = {}
        self._digests: dict[str, list[Digest]] = {}

    def add(self, run: str, batch: Batch) -> None:
        """Add the rows of a batch.

        Args:
            run: as `Rows.open` takes it.
            batch: of its rows.
        """
        if run not in self._rows:
            self._rows[run] = Rows.open(run)
        rows = self._rows[run]
        metadata = rows.metadata(batch.feature_key)
        separated = rows.settings(batch.feature_key)["stems"] == "separated"
        for table in rows.read(batch):
            for group, digest in tally(table, metadata, self.grouping, separated):
                self._add(group, digest)

    def take(self) -> Iterator[tuple[str, Digest]]:
        """Give (group, digest) of all that was added, and begin anew."""
        digests, self._digests = self._digests, {}
        for group, found in digests.items():
            yield group, Digest.merged(found)

    def clear(self) -> None:
        """Forget what was added."""
        self._digests = {}

    def _add(self, group: str, digest: Digest) -> None:
        waiting = self._digests.setdefault(group, [])
        if digest.curves is None:
            # Of pairs of groups, which are many and small, several are merged at a time: it touches every histogram.
            waiting.append(digest)
            if len(waiting) > _WAITING:
                self._digests[group] = [Digest.merged(waiting)]
        else:
            self._digests[group] = [waiting[0].absorb(digest) if waiting else digest]


@dataclass(frozen=True)
class Aggregation:
    """The priors of a run, as they are to be built.

    Attributes:
        run: path of the run's table of songs.
        folder: where to write the priors. In the run's own folder its table of songs goes with them.
        grouping: how songs are grouped and corrected.
        versions: versions of the libraries, by name.
    """

    run: str
    folder: str
    grouping: Grouping
    versions: Mapping[str, str]

    def build(self) -> None:
        """Add up all rows in this process, and write the priors."""
        sums = Sums(self.grouping)
        for batch in Rows.open(self.run).batches():
            sums.add(self.run, batch)
        self.write(dict(sums.take()))

    def write(self, digests: Mapping[str, Digest]) -> None:
        """Write the priors.

        Args:
            digests: of all rows, by group.
        """
        rows = Rows.open(self.run)
        own = self.folder == rows.folder.priors
        beside = {rows.folder.songs: files.read_bytes(table_in(self.run))} if own else {}
        Evidence.of(rows, digests, self.grouping, self.versions).write(self.folder, beside)

"""The second graph: rows of songs become priors, by sums that merge in any order to the same bytes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from mixprior.pipeline.store import files
from mixprior.pipeline.store.evidence import Evidence, joined_members
from mixprior.pipeline.store.rows import Batch, Catalog, batches, catalog_of, read, settings_of
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.schema import MEMBERS_SCHEMA

_WAITING = 8


@dataclass
class Aggregate(beam.PTransform):
    """Takes paths of songs tables and gives (group, `Digest`) for each group.

    Attributes:
        root: the run's folder, in which the rows lie.
        grouping: how songs are grouped and corrected.
    """

    root: str
    grouping: Grouping = field(default_factory=Grouping)

    def expand(self, songs_tables: PCollection) -> PCollection:
        """Build the graph."""
        return (
            songs_tables
            | "Find their rows" >> beam.FlatMap(lambda path: [(path, batch) for batch in batches(self.root, path)])
            | "Spread rows" >> beam.Reshuffle()
            | "Digest rows" >> beam.ParDo(DigestRows(self.root, self.grouping))
            | "Merge groups" >> beam.CombinePerKey(MergeDigests())
        )


class DigestRows(beam.DoFn):
    """Takes (path of a songs table, `Batch`) and gives (group, `Digest`) for every group one of its songs is in.

    One for each bundle and group: what a worker digests it adds up itself.
    """

    def __init__(self, root: str, grouping: Grouping) -> None:
        self.root, self.grouping = root, grouping
        self.catalogs: dict[str, Catalog] = {}
        self.digests: dict[str, list[Digest]] = {}

    def start_bundle(self) -> None:
        """Begin with nothing: what a failed bundle left is not counted."""
        self.digests = {}

    def process(self, element: tuple[str, Batch]) -> None:
        """Digest one batch."""
        songs_path, batch = element
        if songs_path not in self.catalogs:
            self.catalogs[songs_path] = catalog_of(songs_path)
        metadata = self.catalogs[songs_path].metadata(batch.feature_key)
        separated = settings_of(self.root, batch.feature_key)["stems"] == "separated"
        for rows in read(self.root, batch):
            for group, digest in tally(rows, metadata, self.grouping, separated):
                self._add(group, digest)

    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Give what was added up."""
        for group, digests in self.digests.items():
            found = (group, Digest.merged(digests))
            yield WindowedValue(found, GlobalWindow().max_timestamp(), (GlobalWindow(),))
        self.digests = {}

    def _add(self, group: str, digest: Digest) -> None:
        waiting = self.digests.setdefault(group, [])
        if digest.curves is None:
            # Of pairs of groups, which are many and small, several are merged at a time: it touches every histogram.
            waiting.append(digest)
            if len(waiting) > _WAITING:
                self.digests[group] = [Digest.merged(waiting)]
        else:
            self.digests[group] = [waiting[0].absorb(digest) if waiting else digest]


class MergeDigests(beam.CombineFn):
    """Takes digests of one group and gives the digest of all its songs."""

    def create_accumulator(self) -> list[Digest]:
        """Nothing digested."""
        return []

    def add_input(self, digests: list[Digest], digest: Digest) -> list[Digest]:
        """Add some songs."""
        return self.compact([*digests, digest])

    def merge_accumulators(self, accumulators: Iterable[list[Digest]]) -> list[Digest]:
        """Merge what several workers digested."""
        return self.compact([digest for digests in accumulators for digest in digests])

    def compact(self, digests: list[Digest]) -> list[Digest]:
        """Merge what waits."""
        return [Digest.merged(digests)] if digests else []

    def extract_output(self, digests: list[Digest]) -> Digest:
        """Give the digest of all."""
        return Digest.merged(digests)


@dataclass
class WritePriors(beam.PTransform):
    """Takes (group, digest) and writes the priors folder; gives its path.

    Attributes:
        folder: where to write.
        root: the run's folder.
        songs_path: path of the table of songs.
        grouping: how songs were grouped and corrected.
        versions: versions of the libraries, by name.
    """

    folder: str
    root: str
    songs_path: str
    grouping: Grouping
    versions: Mapping[str, str]

    def expand(self, groups: PCollection) -> PCollection:
        """Build the graph."""
        return groups | "Gather groups" >> ToList() | "Write the priors" >> beam.Map(self.write)

    def write(self, digests: list[tuple[str, Digest]]) -> str:
        """Write the files, the manifest last: without one, readers refuse the folder."""
        files.remove(f"{self.folder}/manifest.json")
        members = members_of(files.read_table(self.songs_path))
        evidence = Evidence(
            dict(digests),
            members,
            {key: settings_of(self.root, key) for key in sorted(set(members["feature_key"].to_pylist()))},
            {name: [version] for name, version in self.versions.items()},
            tuple(sorted(self.grouping.group_by)),
            self.grouping.min_group,
            None if self.grouping.calibration is None else json.loads(self.grouping.calibration),
        )
        for name, content in evidence.files():
            files.write_bytes(f"{self.folder}/{name}", content)
        return self.folder


def members_of(songs: pa.Table) -> pa.Table:
    """Return the songs of a songs table by content, `mixprior.stats.schema.MEMBERS_SCHEMA`."""
    copy = pc.equal(songs["status"], "duplicate")
    copies = Counter(_keys(songs.filter(copy)))
    songs = songs.filter(pc.invert(copy))
    counts = pa.array([copies[key] for key in _keys(songs)], pa.int64())
    columns = [songs[name] for name in ("song_id", "feature_key", "duration_s", "error")]
    return joined_members([pa.table([*columns, counts], MEMBERS_SCHEMA)])


def _keys(songs: pa.Table) -> Iterator[tuple[str, str]]:
    return zip(songs["song_id"].to_pylist(), songs["feature_key"].to_pylist(), strict=True)

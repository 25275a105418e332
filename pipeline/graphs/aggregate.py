"""The second graph: rows of songs become priors, by sums that merge in any order to the same bytes."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from mixprior.pipeline.store import archive, files
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.evidence import Evidence, first_of_each, joined_members
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.schema import FINISHED, MEMBERS_SCHEMA

_BATCH = 64
"""Single songs read at a time: enough for array arithmetic to pay, little enough for memory."""
_PIECE_BYTES = 32 << 20
_WAITING = 8


@dataclass(frozen=True)
class Batch:
    """Some rows on disk.

    Attributes:
        feature_key: how they were measured.
        part: path of a part of the archive; None for files of single songs.
        song_ids: the single songs; of a part, those that lie elsewhere too, and are to be left out here.
    """

    feature_key: str
    part: str | None
    song_ids: tuple[str, ...] = field(repr=False)


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
        self.catalogs: dict[str, _Catalog] = {}
        self.digests: dict[str, list[Digest]] = {}

    def start_bundle(self) -> None:
        """Begin with nothing: what a failed bundle left is not counted."""
        self.digests = {}

    def process(self, element: tuple[str, Batch]) -> None:
        """Digest one batch."""
        songs_path, batch = element
        if songs_path not in self.catalogs:
            self.catalogs[songs_path] = _catalog(songs_path)
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


def batches(root: str, songs_path: str) -> list[Batch]:
    """Find where the rows of the finished songs of a songs table lie.

    Raises:
        InputError: if the rows of some are gone.
    """
    found = []
    catalog = _catalog(songs_path)
    for feature_key in catalog.feature_keys:
        wanted = catalog.song_ids(feature_key)
        single = np.array(archive.loose_songs(root, feature_key), "S")
        own = wanted[np.isin(wanted, single)]
        index = archive.Index.of(root, feature_key)
        place = index.find(wanted)
        lost = ~np.isin(wanted, single) & (place < 0)
        if lost.any():
            raise InputError(
                f"{root} has no rows of {lost.sum()} songs that songs.parquet calls finished: mine the catalog again"
            )
        names = [song_id.decode() for song_id in own]
        for start in range(0, len(names), _BATCH):
            found.append(Batch(feature_key, None, tuple(names[start : start + _BATCH])))
        archived = np.isin(index.song_ids, wanted) & ~np.isin(index.song_ids, own)
        for k, path in enumerate(index.paths):
            if (archived & (index.part == k)).any():
                here, _ = archive.songs_in(path, feature_key)
                elsewhere = here[~np.isin(here, index.song_ids[archived & (index.part == k)])]
                found.append(Batch(feature_key, path, tuple(song_id.decode() for song_id in elsewhere)))
    return found


def read(root: str, batch: Batch) -> Iterator[pa.Table]:
    """Give the rows of a batch, a few tens of megabytes at a time."""
    if batch.part is None:
        checkpoint = Checkpoint(root, batch.feature_key)
        found = {song_id: checkpoint.features(song_id) for song_id in batch.song_ids}
        broken = [song_id for song_id, table in found.items() if table is None]
        if broken:
            path = checkpoint.features_path(broken[0])
            raise InputError(f"{path} is damaged or of another version: remove it and mine the catalog again")
        yield pa.concat_tables([table.replace_schema_metadata() for table in found.values() if table is not None])
        return
    for rows in archive.read_part(batch.part, _PIECE_BYTES):
        if batch.song_ids:
            rows = rows.filter(pc.invert(pc.is_in(rows["song_id"], pa.array(batch.song_ids))))
        if len(rows):
            yield rows


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


def settings_of(root: str, feature_key: str) -> dict[str, Any]:
    """Return how the rows of a feature key were measured."""
    path = f"{root}/features/{feature_key}/settings.json"
    try:
        facts: dict[str, Any] = json.loads(files.read_bytes(path))
    except (FileNotFoundError, ValueError) as error:
        raise InputError(f"{path} is missing or damaged: mine the catalog again") from error
    return facts


@dataclass
class _Catalog:
    """The finished songs of a songs table: by feature key, ids and metadata, sorted by id."""

    by_key: dict[str, tuple[np.ndarray, pa.Array]]

    @property
    def feature_keys(self) -> list[str]:
        return sorted(self.by_key)

    def song_ids(self, feature_key: str) -> np.ndarray:
        return self.by_key[feature_key][0]

    def metadata(self, feature_key: str) -> Mapping[str, str]:
        return _Lookup(*self.by_key[feature_key])


class _Lookup(Mapping[str, str]):
    """Metadata by song id, in two arrays: a dictionary of a million songs would take hundreds of megabytes."""

    def __init__(self, song_ids: np.ndarray, metadata: pa.Array) -> None:
        self.song_ids, self.values_ = song_ids, metadata

    def __getitem__(self, song_id: str) -> str:
        place = int(np.searchsorted(self.song_ids, song_id.encode()))
        if place == len(self.song_ids) or self.song_ids[place] != song_id.encode():
            raise KeyError(song_id)
        return str(self.values_[place].as_py())

    def __iter__(self) -> Iterator[str]:
        return (song_id.decode() for song_id in self.song_ids)

    def __len__(self) -> int:
        return len(self.song_ids)


def _catalog(songs_path: str) -> _Catalog:
    table = files.read_table(songs_path).select(["song_id", "feature_key", "metadata", "status"])
    table = table.filter(pc.is_in(table["status"], pa.array(FINISHED)))
    table = table.sort_by([("song_id", "ascending"), ("feature_key", "ascending")])
    table = table.filter(first_of_each(table["song_id"]))  # measured with and without stems, a song counts once
    found = {}
    for feature_key in pc.unique(table["feature_key"]).to_pylist():
        own = table.filter(pc.equal(table["feature_key"], feature_key))
        found[feature_key] = np.array(own["song_id"].to_pylist(), "S"), own["metadata"].combine_chunks()
    return _Catalog(found)

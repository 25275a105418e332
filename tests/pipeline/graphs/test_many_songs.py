"""What many songs cost a graph: requests, elements and bytes are counted, on the default runner and on Dask."""

import hashlib
import pickle
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import pytest

from mixprior.pipeline.graphs import aggregate, runner
from mixprior.pipeline.graphs.aggregate import FAN_OUT, DigestRows, MergeDigests
from mixprior.pipeline.graphs.extract import WriteSongs
from mixprior.pipeline.store import files, song_list, songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Outcome, Song
from mixprior.pipeline.store.rows import Rows
from mixprior.pipeline.store.song_list import SongList
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping
from tests.pipeline.store.shards import shards_of
from tools.catalogs.generated import KEY, write_run

MANY = 100_000


def thousand_of(number: int) -> list[Outcome]:
    """Outcomes of a thousand songs."""
    return [outcome_of(song) for song in range(1000 * number, 1000 * (number + 1))]


def outcome_of(number: int) -> Outcome:
    song_id = hashlib.sha256(str(number).encode()).hexdigest()[:16]
    metadata = (("artist", f"Artist {number // 12}"), ("genre", "rock"))
    return Outcome(Song(f"music/{number:07d}.mp3", metadata=metadata), song_id, "mined", KEY, 200.0)


@dataclass(frozen=True)
class WriteRun:
    """The graph: writes the table of so many thousand songs."""

    folder: RunFolder
    thousands: int

    def __call__(self, pipeline: beam.Pipeline) -> None:
        outcomes = pipeline | beam.Create(list(range(self.thousands))) | beam.Reshuffle() | beam.FlatMap(thousand_of)
        _ = outcomes | WriteSongs(self.folder, 1000 * self.thousands)


@dataclass(frozen=True)
class ReadRun:
    """The graph: reads a catalog, and writes the paths of its songs."""

    catalog: str
    out: str

    def __call__(self, pipeline: beam.Pipeline) -> None:
        found = pipeline | beam.Create([self.catalog]) | beam.FlatMap(song_list.ranges) | beam.Reshuffle()
        _ = found | beam.Map(self.note)

    def note(self, found: song_list.Range) -> None:
        paths = "".join(f"{song.path}\n" for song in song_list.read(found))
        files.write_bytes(f"{self.out}/{found.start:012d}", paths.encode())


def contents(folder: RunFolder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (Path(folder.root) / "songs").iterdir()}


def counted(monkeypatch, module, name, measure) -> list:
    """Have the calls of a function noted, by a measure of its arguments."""
    own, found = getattr(module, name), []

    def call(*arguments):
        found.append(measure(*arguments))
        return own(*arguments)

    monkeypatch.setattr(module, name, call)
    return found


@pytest.mark.parametrize(
    ("thousands", "shard"), [(2, 700), pytest.param(MANY // 1000, 65_536, marks=pytest.mark.nightly("engines"))]
)
def test_no_worker_gathers_all_songs_for_their_table(tmp_path, monkeypatch, thousands, shard):
    count = 1000 * thousands
    monkeypatch.setattr(songs, "SHARD_SONGS", shard)
    shards = -(-count // shard)
    folder, here = (RunFolder.at(tmp_path / name).mining(b"", "call") for name in ("graph", "here"))
    written = counted(monkeypatch, files, "write_bytes", lambda url, content: url)
    gathered = counted(monkeypatch, songs, "finish", lambda _folder, found: len(found))
    runner.run(WriteRun(folder, thousands), (), 1)
    assert gathered == [shards]
    assert len(written) == shards + 2  # the list of shards, and the name of the table
    largest = max(len(songs.read(path)) for path in shards_of(songs.of_call(folder)))
    assert largest < 1.1 * count / shards
    assert len(pickle.dumps(outcome_of(count - 1))) < 500  # of a song, once: what follows are names of shards
    songs.write(here, (outcome for each in range(thousands) for outcome in thousand_of(each)), shards)
    assert contents(folder) == contents(here)


@pytest.mark.parametrize("count", [5_000, pytest.param(MANY, marks=pytest.mark.nightly("engines"))])
def test_no_worker_reads_the_whole_catalog_and_nothing_is_read_twice(tmp_path, monkeypatch, count):
    monkeypatch.setattr(song_list, "RANGE_BYTES", 1 << 17)
    catalog = str(tmp_path / "catalog.jsonl")
    files.write_bytes(catalog, SongList.of(outcome_of(number).song for number in range(count)).content)
    size_bytes = files.size_bytes(catalog)
    read = counted(monkeypatch, files, "read_range", lambda url, start, end: end - start)
    whole = counted(monkeypatch, files, "read_bytes", lambda url: url)
    runner.run(ReadRun(catalog, str(tmp_path / "out")), (), 1)
    ranges = -(-size_bytes // (1 << 17))
    found = sorted((tmp_path / "out").iterdir())
    assert len(found) == ranges
    assert "".join(path.read_text() for path in found).splitlines() == [outcome_of(k).song.path for k in range(count)]
    assert not whole
    assert len(read) <= 2 * ranges
    assert max(read) <= (1 << 17) + 1
    assert sum(read) <= size_bytes + ranges * (song_list.LINE_BYTES + 1)


def test_the_digests_of_a_group_that_all_songs_are_in_are_merged_by_several(tmp_path):
    run, shares, bundles = write_run(tmp_path / "run", 48), 4, 12
    rows, grouping = Rows.open(run), Grouping(("genre",))
    [whole] = rows.batches()
    digesting, by_share, merging = DigestRows(grouping), {}, MergeDigests()
    for k in range(bundles):  # each leaves the songs of others out
        ids = [f"{number:016x}" for number in range(48) if number % bundles != k]
        batch = type(whole)(whole.feature_key, whole.part, tuple(ids))
        digesting.start_bundle()
        digesting.process((str(run), batch))
        digesting.share = k % shares  # parts of other names
        for each in digesting.finish_bundle():
            by_share.setdefault(each.value[0], []).append(each.value[1])
    own = {key: found for key, found in by_share.items() if key[0] == "all"}
    assert len(own) == shares
    assert {len(found) for found in own.values()} == {bundles // shares}
    merged = [merging.extract_output(merging.compact(found)) for found in own.values()]
    digesting.start_bundle()
    digesting.process((str(run), whole))
    [expected] = [each.value[1] for each in digesting.finish_bundle() if each.value[0][0] == "all"]
    assert pickle.dumps(Digest.merged(merged)) == pickle.dumps(expected)


def test_parts_of_different_names_are_dealt_to_different_shares():
    digesting = DigestRows(Grouping())
    digesting.sums.add = lambda *_element: None
    shares = set()
    for number in range(200):
        digesting.start_bundle()
        digesting.process(("run", aggregate.Batch(KEY, f"run/archive/{KEY}/{number:06d}-{number:016x}.parquet", ())))
        shares.add(digesting.share)
    assert shares == set(range(FAN_OUT))


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
def test_dask_stores_a_table_of_a_hundred_thousand_songs_as_this_process_does(tmp_path):
    pytest.importorskip("distributed")
    folder, here = (RunFolder.at(tmp_path / name).mining(b"", "call") for name in ("dask", "here"))
    runner.run(WriteRun(folder, MANY // 1000), ("--runner", "dask"), 2)
    songs.write(
        here, (outcome for each in range(MANY // 1000) for outcome in thousand_of(each)), songs.shards_for(MANY)
    )
    assert contents(folder) == contents(here)
    assert len(contents(folder)) == 3


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
def test_dask_reads_a_catalog_of_a_hundred_thousand_songs_by_ranges(tmp_path):
    pytest.importorskip("distributed")
    catalog = str(tmp_path / "catalog.jsonl")
    files.write_bytes(catalog, SongList.of(outcome_of(number).song for number in range(MANY)).content)
    runner.run(ReadRun(catalog, str(tmp_path / "out")), ("--runner", "dask"), 2)
    found = sorted((tmp_path / "out").iterdir())
    assert len(found) == -(-files.size_bytes(catalog) // song_list.RANGE_BYTES)
    assert sum(len(path.read_text().splitlines()) for path in found) == MANY


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
def test_the_rows_of_many_songs_give_the_same_priors_in_one_process_in_two_and_on_dask(tmp_path, mixprior):
    pytest.importorskip("distributed")
    run = write_run(tmp_path / "run", MANY)
    found = []
    for name, options in {"one": ("-j", 1), "two": ("-j", 2), "dask": ("-j", 2, "--runner", "dask")}.items():
        mixprior("aggregate", run, "--group-by", "genre,decade", "-o", tmp_path / name, *options)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert len(found[0]) > 4
    assert found[0] == found[1] == found[2]

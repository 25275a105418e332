"""A table of many songs is stored in shards, the same ones by every way, and read as one; a small one is one file."""

import hashlib
import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store import files, song_list, songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.members import members_hash, members_of
from mixprior.pipeline.store.records import Outcome, Song
from mixprior.pipeline.store.song_list import SongList
from tests.pipeline.store.shards import shards_of
from tools.catalogs.generated import write_run

KEY = "0" * 16


def outcomes(count: int) -> list[Outcome]:
    """Outcomes of songs in the order of their paths; the last one has the content of the first."""

    def song_id(k):
        return hashlib.sha256(str(k % (count - 1)).encode()).hexdigest()[:16]

    found = [Outcome(Song(f"{k:06d}.wav"), song_id(k), "mined", KEY, 10.0) for k in range(count)]
    return [*found[:-1], Outcome(found[-1].song, found[-1].song_id, "duplicate", KEY)]


def run_in(folder) -> RunFolder:
    return RunFolder.at(folder).mining(b"", "call")


def contents(folder) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "songs").glob("*.parquet")}


def test_a_small_table_is_one_file_as_ever(tmp_path):
    run = run_in(tmp_path)
    songs.write(run, outcomes(20), songs.shards_for(20))
    [only] = contents(tmp_path)
    assert songs.of_call(run).endswith(only)
    assert shards_of(songs.of_call(run)) == [songs.of_call(run)]
    assert songs.read(songs.of_call(run))["path"].to_pylist() == [f"{k:06d}.wav" for k in range(20)]


def test_a_shard_that_is_missing_is_named(tmp_path):
    run = run_in(tmp_path)
    songs.write(run, outcomes(200), 4)
    lost = shards_of(songs.of_call(run))[2]
    files.remove(lost)
    with pytest.raises(songs.NotARun, match=f"{lost} is missing or damaged, a shard of the table of songs"):
        songs.read(songs.of_call(run))


@pytest.mark.parametrize("order", [1, -1, 7])
def test_shards_are_the_same_bytes_in_any_order_of_the_outcomes(tmp_path, order):
    first, other = run_in(tmp_path / "first"), run_in(tmp_path / "other")
    found = outcomes(200)
    songs.write(first, found, 4)
    songs.write(other, found[::order] if order != 7 else found[7:] + found[:7], 4)
    assert contents(tmp_path / "first") == contents(tmp_path / "other")
    assert len(contents(tmp_path / "first")) == 5
    assert songs.of_call(first).rpartition("/")[2] == songs.of_call(other).rpartition("/")[2]


def test_shards_are_read_as_one_table_that_stands_for_the_same_catalog(tmp_path):
    whole, sharded = run_in(tmp_path / "whole"), run_in(tmp_path / "sharded")
    songs.write(whole, outcomes(200))
    songs.write(sharded, outcomes(200), 4)
    one, several = songs.read(songs.of_call(whole)), songs.read(songs.of_call(sharded))
    assert several.replace_schema_metadata() == one.replace_schema_metadata()  # sorted by path
    assert several.schema.metadata[b"members_sha256"] == one.schema.metadata[b"members_sha256"]
    assert members_hash(members_of(several)) == members_hash(members_of(one))
    counts = [pq.read_metadata(path).num_rows for path in shards_of(songs.of_call(sharded))]
    assert sum(counts) == 200
    assert max(counts) < 80
    # Songs of equal content are in one shard.
    assert several["song_id"].to_pylist().count(outcomes(200)[0].song_id) == 2


def test_the_table_of_a_run_stays_while_another_run_ends(tmp_path):
    run = run_in(tmp_path)
    songs.write(run, outcomes(200), 4)
    files.write_bytes(run.songs, files.read_bytes(songs.of_call(run)))
    assert songs.kept(tmp_path) == songs.of_call(run)
    assert len(songs.read(tmp_path)) == 200


def test_a_shard_that_is_gone_or_damaged_is_told(tmp_path):
    run = run_in(tmp_path)
    songs.write(run, outcomes(200), 4)
    shard = shards_of(songs.of_call(run))[1]
    content = files.read_bytes(shard)
    files.write_bytes(shard, content[:-50])
    with pytest.raises(songs.NotARun):
        songs.read(songs.of_call(run))
    files.remove(shard)
    with pytest.raises(songs.NotARun):
        songs.read(songs.of_call(run))


@pytest.mark.parametrize("range_bytes", [1, 7, 64, 100, 1000, 1 << 20])
def test_a_list_is_read_by_ranges_each_song_once(tmp_path, range_bytes, monkeypatch):
    monkeypatch.setattr(song_list, "LINE_BYTES", 16)
    found = SongList.of(Song(f"{'x' * (k % 13)}{k}.wav", metadata=(("genre", "röck"),)) for k in range(50))
    path = str(tmp_path / "songs.jsonl")
    files.write_bytes(path, found.content)
    monkeypatch.setattr(song_list, "RANGE_BYTES", range_bytes)
    ranges = list(song_list.ranges(path))
    assert [song for each in ranges for song in song_list.read(each)] == list(found)


def test_no_range_is_read_whole_again(tmp_path, monkeypatch):
    path = str(tmp_path / "songs.jsonl")
    files.write_bytes(path, SongList.of(Song(f"{k:08d}.wav") for k in range(20_000)).content)
    size_bytes, read = files.size_bytes(path), []
    own = files.read_range
    monkeypatch.setattr(files, "read_range", lambda *asked: read.append(own(*asked)) or read[-1])
    monkeypatch.setattr(song_list, "RANGE_BYTES", size_bytes // 8)
    ranges = list(song_list.ranges(path))
    assert sum(1 for each in ranges for _ in song_list.read(each)) == 20_000
    assert len(read) <= 2 * len(ranges)
    assert sum(map(len, read)) <= size_bytes + len(ranges) * (song_list.LINE_BYTES + 1)


def in_shards(run, shards):
    """Store a run's table of songs in shards."""
    folder = run_in(run)
    table = songs.read(run)
    found = [
        Outcome(
            Song(row["path"], metadata=tuple(json.loads(row["metadata"]).items())),
            row["song_id"],
            row["status"],
            row["feature_key"],
            row["duration_s"],
        )
        for row in table.to_pylist()
    ]
    songs.write(folder, found, shards)
    files.write_bytes(folder.songs, files.read_bytes(songs.of_call(folder)))


def test_priors_and_queries_of_a_table_in_shards_are_the_same(tmp_path, mixprior, monkeypatch):
    monkeypatch.setattr(songs, "shard_of", lambda song_id, shards: int(song_id, 16) * shards // 40)
    whole, sharded = (write_run(tmp_path / name, 40) for name in ("whole", "sharded"))
    in_shards(sharded, 3)
    in_shards(whole, 1)
    for run in (whole, sharded):
        mixprior("aggregate", run, "--group-by", "genre", "--min-group", 4, "-j", 1)
    same = [path.relative_to(whole) for path in (whole / "priors").iterdir()]
    assert len(same) > 4
    assert [(whole / path).read_bytes() for path in same] == [(sharded / path).read_bytes() for path in same]
    query = ("--sql", "SELECT count(*) AS n, max(duration_s) AS s FROM songs", "--json")
    counts = [json.loads(mixprior("query", run, *query).stdout)["rows"] for run in (whole, sharded)]
    assert counts[0] == counts[1]
    assert counts[0][0]["n"] == 40
    assert len(shards_of(sharded)) == 3
    mixprior("verify", sharded)


def test_aggregating_a_run_again_keeps_no_second_table_of_its_songs(mined_run):
    before = sorted((mined_run / "songs").iterdir())
    assert Path(songs.kept(mined_run)) in before
    assert sorted((mined_run / "songs").iterdir()) == before

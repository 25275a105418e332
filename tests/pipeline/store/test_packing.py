"""Rows are packed while a run goes on: few small files at any time, and nothing is lost wherever it ends."""

import os
import pickle
from concurrent.futures import Future
from pathlib import Path

import numpy as np
import pytest

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.graphs.compact import Compact
from mixprior.pipeline.graphs.extract import MineSongs
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import miner, pace
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import archive, files, packing
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes, part_number
from mixprior.pipeline.store.ledger import Found, Ledger
from mixprior.pipeline.store.progress import Log, Note
from mixprior.pipeline.store.records import Song
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, rows

IDS = [f"{number:x}{number:015x}" for number in range(6)]
ROWS = rows(0, 1)


def row_file(song_id: str) -> bytes:
    """Rows as the file of a song."""
    table = ROWS.set_column(0, ROWS.schema.field("song_id"), [[song_id] * len(ROWS)])
    return parquet_bytes(table.replace_schema_metadata(with_metadata(table.schema, feature_key=KEY).metadata))


def statuses(folder: RunFolder, **options) -> list[str]:
    ledger = Ledger(folder, **options)
    return [next(ledger.outcomes((KEY, song_id), [Found(Song(f"{song_id}.wav"))])).status for song_id in IDS]


def finish(folder: RunFolder) -> None:
    for song_id in IDS:
        Checkpoint(folder, KEY).finish(song_id, row_file(song_id))


def test_a_packed_song_is_as_its_own_file_was_and_made_by_this_run_until_that_ends(tmp_path):
    folder = RunFolder.at(tmp_path)
    finish(folder)
    packing.pack(folder, KEY, IDS, is_made=True)
    assert archive.loose_songs(folder, KEY) == []
    assert len(files.sources.file_names(f"{folder.made}/{KEY}")) == 1
    assert statuses(folder) == statuses(folder, force=True) == ["mined"] * len(IDS)
    files.remove_folder(folder.made)
    assert statuses(folder) == ["kept"] * len(IDS)
    assert statuses(folder, force=True) == ["to mine"] * len(IDS)


class Ended(Exception):
    """The process was killed."""


@pytest.mark.parametrize("at", range(0, 16, 2))
def test_wherever_packing_ends_every_song_is_mined_and_whole(tmp_path, at, monkeypatch):
    """`at`: the number of the write or removal before which it ends."""
    folder = RunFolder.at(tmp_path)
    finish(folder)
    done = []

    def ending(own):
        def act(*arguments):
            if len(done) == at:
                raise Ended
            done.append(arguments)
            return own(*arguments)

        return act

    with monkeypatch.context() as patched:
        for name in ("write_bytes", "remove", "remove_as"):
            patched.setattr(files, name, ending(getattr(files, name)))
        try:
            packing.pack(folder, KEY, IDS, is_made=True)
        except Ended:
            assert at < 2 + 2 * len(IDS)
        else:
            assert at >= 2 + 2 * len(IDS)
    assert statuses(folder) == ["mined"] * len(IDS)
    packing.pack(folder, KEY, archive.loose_songs(folder, KEY), is_made=True)
    assert archive.loose_songs(folder, KEY) == []
    assert statuses(folder) == ["mined"] * len(IDS)
    assert len(archive.Index.of(folder, KEY).song_ids) == len(IDS)


def test_a_file_that_another_run_replaced_since_it_was_read_stays_and_counts(tmp_path, monkeypatch):
    folder = RunFolder.at(tmp_path)
    finish(folder)
    newer, write = row_file(IDS[2]), files.write_bytes

    def write_when_another_has(url, content):
        if "/archive/" in url:
            Checkpoint(folder, KEY).finish(IDS[2], newer)
        write(url, content)

    with monkeypatch.context() as patched:
        patched.setattr(packing.files, "write_bytes", write_when_another_has)
        packing.pack(folder, KEY, IDS, is_made=True)
    assert archive.loose_songs(folder, KEY) == [IDS[2]]
    assert Checkpoint(folder, KEY).is_made(IDS[2])
    assert statuses(folder) == ["mined"] * len(IDS)


def test_a_file_that_is_replaced_between_being_compared_and_removed_stays(tmp_path, monkeypatch):
    folder, tell, told = RunFolder.at(tmp_path), files.state, []
    finish(folder)
    newest = row_file(IDS[2])

    def tell_and_be_replaced(url):
        state = tell(url)
        told.append(url)
        if len(told) == len(IDS) + 3:  # IDS[2] was compared
            files.write_bytes(folder.features(KEY, IDS[2]), newest)
        return state

    with monkeypatch.context() as patched:
        patched.setattr(files, "state", tell_and_be_replaced)
        packing.pack(folder, KEY, IDS, is_made=True)
    assert Path(folder.features(KEY, IDS[2])).read_bytes() == newest
    assert archive.loose_songs(folder, KEY) == [IDS[2]]
    assert not list(tmp_path.rglob("*.tmp"))


def test_what_takes_a_files_place_while_it_is_put_back_prevails(tmp_path, monkeypatch):
    path, tell = tmp_path / "song.parquet", files.state
    path.write_bytes(b"second")

    def tell_and_be_replaced(url):
        path.write_bytes(b"third")
        return tell(url)

    monkeypatch.setattr(files, "state", tell_and_be_replaced)
    assert not files.remove_as(str(path), "of the first")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"third"]


def test_a_process_reads_no_part_twice_however_many_there_are(monkeypatch):
    states = {f"archive/{number:06d}-0.parquet": archive._State(1, "1") for number in range(20_000)}
    read = []
    monkeypatch.setattr(archive, "_states", lambda _folder, _key: states)
    monkeypatch.setattr(
        archive, "songs_in", lambda path, *_: read.append(path) or (np.array([path[8:14]], "S"), np.ones(1))
    )
    folder = RunFolder("many parts")
    assert len(archive.Index.of(folder, KEY).song_ids) == len(read) == 20_000
    changed, new, gone = (f"archive/{number:06d}-0.parquet" for number in (7, 20_000, 3))
    states |= {changed: archive._State(1, "2"), new: archive._State(1, "1")}
    del states[gone], read[:]
    assert len(archive.Index.of(folder, KEY).song_ids) == 20_000
    assert read == [changed, new]


def test_parts_of_two_runs_at_once_are_numbered_as_they_are_begun(tmp_path):
    folder = RunFolder.at(tmp_path)
    finish(folder)
    compact = Compact(folder, songs=len(IDS))
    elements = list(compact.deal(KEY))
    packing.pack(folder, KEY, IDS[:2])
    [path] = [path for element in elements for path in compact.write(*element)]
    assert part_number(path) == 2


def test_a_row_file_that_cannot_be_read_stays_and_ends_no_run(tmp_path, monkeypatch):
    folder, read = RunFolder.at(tmp_path), files.read_bytes
    finish(folder)

    def refuse(url):
        if IDS[1] in url:
            raise PermissionError(13, "Permission denied", url)
        return read(url)

    with monkeypatch.context() as patched:
        patched.setattr(files, "read_bytes", refuse)
        packing.pack(folder, KEY, IDS)
    assert archive.loose_songs(folder, KEY) == [IDS[1]]
    assert len(archive.Index.of(folder, KEY).song_ids) == len(IDS) - 1


def test_a_part_that_another_process_sets_aside_is_passed_over(tmp_path, monkeypatch):
    folder = RunFolder.at(tmp_path)
    finish(folder)
    packing.pack(folder, KEY, IDS[:3])
    packing.pack(folder, KEY, IDS[3:])
    listed = archive.parts(folder, KEY)
    Path(listed[0]).unlink()
    monkeypatch.setattr(archive, "parts", lambda _folder, _key: listed)
    assert [song_id.decode() for song_id in archive.Index.of(folder, KEY).song_ids] == IDS[3:]
    assert len(archive.songs_in(listed[0], KEY)[0]) == 0


def test_the_pace_of_a_run_is_known_where_all_its_songs_are_packed(tmp_path, monkeypatch):
    folder = RunFolder.at(tmp_path)
    finish(folder)
    log = Log(folder)
    log.work.started_s, log.work.finished_s, log.audio_s = 0.0, 60.0, 600.0
    log.notes = {(song_id, song_id): Note(song_id, song_id, "mined", 100.0) for song_id in IDS}
    settings = MiningSettings(SeparationSettings(), DecodeLimits())
    monkeypatch.setattr(MiningSettings, "feature_key", lambda *_asked: KEY)
    loose = pace.of_run(folder, log, settings, [True], workers=2)
    packing.pack(folder, KEY, IDS)
    packed = pace.of_run(folder, log, settings, [True], workers=2)
    assert loose.song_rows == packed.song_rows == len(ROWS)
    assert 0 < packed.song_bytes <= loose.song_bytes == len(row_file(IDS[0]))
    assert (packed.audio_s, packed.elapsed_s, packed.workers) == (600.0, 60.0, 2)


def test_songs_that_another_run_packed_since_this_one_began_are_not_mined_again(tmp_path):
    folder = RunFolder.at(tmp_path)
    ledger = Ledger(folder)

    def status(song_id):
        return next(ledger.outcomes((KEY, song_id), [Found(Song(f"{song_id}.wav"))])).status

    assert status(IDS[0]) == "to mine"
    finish(folder)
    packing.pack(folder, KEY, IDS[:3])
    files.remove_folder(folder.made)
    assert [status(song_id) for song_id in IDS[:3]] == ["kept"] * 3
    packing.pack(folder, KEY, IDS[3:])
    assert [status(song_id) for song_id in IDS] == ["kept"] * len(IDS)


class Pool:
    """Finishes every song as it is submitted."""

    def submit(self, _target, _song, song_id, *_job, **_limits):
        future: Future = Future()
        future.set_result(Answer({"duration_s": 10.0, "mined_s": 0.1, "cpu_s": 0.1, "flags": []}, row_file(song_id)))
        return future


def mined(folder, songs: int, part_songs: int, monkeypatch, each=lambda: None) -> list[str]:
    """Mine so many songs of the same rows in one bundle; return what became of them."""
    monkeypatch.setattr(miner.shared_pool, "get", lambda *_arguments: Pool())
    Path(folder.own_call).mkdir(parents=True, exist_ok=True)
    settings = MiningSettings(SeparationSettings(), DecodeLimits())
    mining, found = miner.Miner(miner.Way(folder, settings, part_songs=part_songs)), []
    for number in range(songs):
        song = Song(f"songs/{number}", (("vocals", f"songs/{number}/vocals.wav"),))
        song_id = f"{number * 0x9E3779B97F4A7C15 % 2**64:016x}"
        found += [outcome.status for outcome in mining.add((KEY, song_id), [Found(song, 1)])]
        each()
    return [*found, *(outcome.status for outcome in mining.rest())]


def small_files(root) -> int:
    """Files of single songs: rows, and notes of this run."""
    return sum(1 for place in ("features", "made") for path in (root / place).rglob("*") if path.is_file())


def test_a_run_never_has_more_small_files_than_it_packs_together(tmp_path, monkeypatch):
    most = []
    found = mined(RunFolder.at(tmp_path), 75, 15, monkeypatch, lambda: most.append(small_files(tmp_path)))
    assert found == ["mined"] * 75
    assert max(most) <= 2 * 15 + 75 // 15  # rows and notes, and a note for each part
    assert small_files(tmp_path) == 5
    assert len(archive.parts(RunFolder.at(tmp_path), KEY)) == 5


def test_bundles_of_few_songs_are_packed_together_by_their_process(tmp_path, monkeypatch):
    monkeypatch.setattr(miner.shared_pool, "get", lambda *_arguments: Pool())
    folder = RunFolder.at(tmp_path)
    Path(folder.own_call).mkdir(parents=True, exist_ok=True)
    way = miner.Way(folder, MiningSettings(SeparationSettings(), DecodeLimits()), part_songs=10)
    for bundle in range(8):
        step = MineSongs(pickle.loads(pickle.dumps(way)))
        step.start_bundle()
        for number in range(4):
            song = Song(f"songs/{bundle}-{number}", (("vocals", f"songs/{bundle}-{number}/vocals.wav"),))
            list(step.process(((KEY, f"{bundle:x}{number:015x}"), [Found(song, 1)])))
        list(step.finish_bundle())
    assert len(archive.parts(folder, KEY)) == 3
    assert len(archive.loose_songs(folder, KEY)) == 2


def test_songs_that_runs_before_left_in_files_of_their_own_are_packed_too(tmp_path, monkeypatch):
    folder = RunFolder.at(tmp_path)
    monkeypatch.setattr(packing, "WORTH", 10)
    assert mined(folder, 30, 0, monkeypatch) == ["mined"] * 30
    files.remove_folder(folder.made)
    assert mined(folder, 39, 15, monkeypatch) == ["kept"] * 30 + ["mined"] * 9
    assert len(archive.loose_songs(folder, KEY)) == 9  # not worth a part
    assert mined(folder, 42, 15, monkeypatch) == ["kept"] * 30 + ["mined"] * 12
    assert archive.loose_songs(folder, KEY) == []


def test_the_rows_of_few_songs_stay_where_they_are(tmp_path, monkeypatch):
    assert mined(RunFolder.at(tmp_path), 40, packing.songs_a_part(40, is_here=True), monkeypatch) == ["mined"] * 40
    assert len(archive.loose_songs(RunFolder.at(tmp_path), KEY)) == 40


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
def test_ten_thousand_songs_never_have_more_than_4096_small_files_of_rows(tmp_path, monkeypatch):
    folder, most, count = RunFolder.at(tmp_path), [], iter(range(10_000))
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)
    part_songs = packing.songs_a_part(10_000, is_here=True)

    def look():
        if next(count) % 100 == 99:
            most.append(len(archive.loose_songs(folder, KEY)))

    assert mined(folder, 10_000, part_songs, monkeypatch, look) == ["mined"] * 10_000
    assert 1_000 < max(most) <= archive.MANY // 2
    assert len(archive.Index.of(folder, KEY).song_ids) == 10_000


def test_songs_are_listed_by_prefix_and_no_more_of_them_than_it_takes(tmp_path, monkeypatch):
    folder = RunFolder.at(tmp_path)
    for number in range(512):  # two for each prefix
        path = Path(folder.features(KEY, f"{number % 256:02x}{number:014x}"))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    listed, own = [], files.below
    monkeypatch.setattr(files, "below", lambda url: listed.append(url) or own(url))
    monkeypatch.setattr(archive, "MANY", 20)
    assert archive.has_many_loose(folder, KEY)
    assert len(listed) == 10
    monkeypatch.setattr(archive, "MANY", 513)
    assert not archive.has_many_loose(folder, KEY)
    listed.clear()
    compact = Compact(folder, songs=512, part_songs=64)
    elements = list(compact.deal(KEY))
    assert listed == []
    assert len(elements) == 8
    assert max(len(pickle.dumps(element)) for element in elements) < 1000
    monkeypatch.setattr(packing, "pack", lambda _folder, _key, song_ids, prefixes: song_ids)
    packed = [song_ids for element in elements for song_ids in compact.write(*element)]
    assert sorted(song_id for song_ids in packed for song_id in song_ids) == archive.loose_songs(folder, KEY)
    assert {len(song_ids) for song_ids in packed} == {64}
    assert len(listed) == 256 + 1  # the last for all of them is this test's

"""Rows move from single files to parts of many songs, and nothing that is read from them changes."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs
from mixprior.pipeline.graphs.compact import Compact
from mixprior.pipeline.store import archive, files, packing
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, rows, write_run

GROUPS = ("--group-by", "genre,tempo_band", "--min-group", 4)


def priors(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.fixture(scope="module")
def run_of_forty(tmp_path_factory):
    return write_run(tmp_path_factory.mktemp("scale") / "run", 40)


def loosen(run):
    """Take a run's archive apart into files of single songs, as `mine` leaves them."""
    for part in archive.parts(RunFolder.at(run), KEY):
        table = pq.read_table(part)
        for k in range(0, len(table), 7):
            song = table.slice(k, 7)
            song_id = song["song_id"][0].as_py()
            path = run / "features" / KEY / song_id[:2] / f"{song_id}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            metadata = with_metadata(song.schema, feature_key=KEY).metadata
            pq.write_table(song.replace_schema_metadata(metadata), path)
        (run / part).unlink()


@pytest.fixture(scope="module")
def loose_run(tmp_path_factory):
    run = write_run(tmp_path_factory.mktemp("loose") / "run", 40)
    loosen(run)
    return run


def test_priors_are_the_same_bytes_from_single_files_and_from_the_archive(run_of_forty, loose_run, mixprior, tmp_path):
    mixprior("aggregate", run_of_forty, "-o", tmp_path / "archived", "-j", 1, *GROUPS)
    mixprior("aggregate", loose_run, "-o", tmp_path / "loose", "-j", 2, *GROUPS)
    assert priors(tmp_path / "archived") == priors(tmp_path / "loose")
    manifest = json.loads((tmp_path / "loose" / "manifest.json").read_text())
    assert manifest["songs"] == 40
    groups = pq.read_table(tmp_path / "loose" / "priors.parquet")["group"].unique().to_pylist()
    assert {"all", "genre=pop"} <= set(groups)
    assert any(group.startswith("genre=") and ",tempo_band=" in group for group in groups)


def test_compaction_keeps_every_row_and_removes_the_single_files(loose_run, tmp_path):
    run = write_run(tmp_path / "run", 40)
    loosen(run)
    whole = dict(songs_of(run))
    compact = Compact(RunFolder.at(run), songs=40, part_songs=16)
    for element in list(compact.deal(KEY)):
        list(compact.write(*element))
    assert archive.loose_songs(RunFolder.at(run), KEY) == []
    assert len(archive.parts(RunFolder.at(run), KEY)) == 3
    index = archive.Index.of(RunFolder.at(run), KEY)
    assert [song.decode() for song in index.song_ids] == sorted(whole)
    assert dict(songs_of(run)) == whole
    assert all(index.duration_of(song) is not None for song in whole)
    assert index.duration_of("f" * 16) is None


def test_a_song_mined_again_prevails_over_its_archived_row(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 8)
    part = pq.read_table(archive.parts(RunFolder.at(run), KEY)[0])
    changed = rows(8, 1).set_column(0, part.schema.field("song_id"), part["song_id"].slice(0, 7).combine_chunks())
    path = run / "features" / KEY / "00" / f"{part['song_id'][0].as_py()}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(changed.replace_schema_metadata(with_metadata(changed.schema, feature_key=KEY).metadata), path)
    mixprior("aggregate", run, "-j", 1)
    before = priors(run / "priors")
    compact = Compact(RunFolder.at(run), songs=8)
    for element in list(compact.deal(KEY)):
        list(compact.write(*element))
    assert len(archive.parts(RunFolder.at(run), KEY)) == 2
    mixprior("aggregate", run, "-j", 1)
    assert priors(run / "priors") == before
    assert open_priors(run).lookup("song", "duration_s").n == 8


def test_what_cannot_be_read_while_compacting_is_not_removed(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", 8)
    loosen(run)
    read = files.read_bytes

    def fail_once(url):
        if url.endswith("3.parquet"):
            raise ConnectionResetError("gone for a moment")
        return read(url)

    monkeypatch.setattr(files, "read_bytes", fail_once)
    compact = Compact(RunFolder.at(run), songs=8)
    [element] = compact.deal(KEY)
    list(compact.write(*element))
    left = archive.loose_songs(RunFolder.at(run), KEY)
    assert left
    assert all(song_id.endswith("3") for song_id in left)
    assert len(archive.Index.of(RunFolder.at(run), KEY).song_ids) + len(left) == 8


def test_a_step_that_is_done_again_after_it_was_done_changes_nothing(tmp_path):
    run = write_run(tmp_path / "run", 8)
    loosen(run)
    compact = Compact(RunFolder.at(run), songs=8)
    [element] = compact.deal(KEY)
    [path] = compact.write(*element)
    content = Path(path).read_bytes()
    assert list(compact.write(*element)) == []
    assert archive.parts(RunFolder.at(run), KEY) == [path]
    assert Path(path).read_bytes() == content


def test_a_damaged_part_is_told_by_its_songs_not_by_a_traceback(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 8)
    [part] = archive.parts(RunFolder.at(run), KEY)
    with open(part, "r+b") as file:
        file.truncate(1000)
    done = mixprior("aggregate", run, "-j", 1, expect=2)
    assert "no rows of 8 songs" in done.stderr


def test_songs_are_read_one_by_one_from_the_archive(run_of_forty, mixprior):
    mixprior("aggregate", run_of_forty, "-j", 1)
    found = open_songs(run_of_forty).rows("song", "vocal_to_backing_lu")
    assert len(found) == 40
    assert {row["metadata"]["genre"] for row in found} > {"pop"}


def test_rows_that_are_gone_are_told(tmp_path, mixprior):
    run = write_run(tmp_path / "run", 8)
    for part in archive.parts(RunFolder.at(run), KEY):
        (run / part).unlink()
    done = mixprior("aggregate", run, "-j", 1, expect=2)
    assert "no rows of 8 songs" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_cannot_be_grouped_by_is_told(run_of_forty, mixprior):
    done = mixprior("aggregate", run_of_forty, "--group-by", "mood", expect=2)
    assert "it has: artist, genre, year" in done.stderr


def songs_of(run):
    found = Rows.open(run)
    for table in found.tables(KEY):
        for k in range(0, len(table), 7):
            yield table["song_id"][k].as_py(), table.slice(k, 7).to_pylist().__repr__()


def test_a_process_that_asks_again_reads_new_parts_alone_and_those_that_changed(tmp_path, monkeypatch):
    run = write_run(tmp_path / "run", 40)
    folder = RunFolder.at(run)
    loosen(run)
    for _ in range(4):
        packing.pack(folder, KEY, archive.loose_songs(folder, KEY)[:10])
    read, own = [], archive.songs_in
    monkeypatch.setattr(archive, "songs_in", lambda path, *asked: read.append(path) or own(path, *asked))
    before = archive.Index.of(folder, KEY)
    assert len(before.song_ids) == 40
    assert len(read) == 4
    assert archive.Index.of(folder, KEY).song_ids.tolist() == before.song_ids.tolist()
    assert len(read) == 4
    changed = archive.parts(folder, KEY)[1]
    Path(changed).write_bytes(Path(changed).read_bytes()[:-100])
    assert len(archive.Index.of(folder, KEY).song_ids) == 30
    assert read[4:] == [changed]

"""A file of rows counts only if it opens, has the schema and carries its feature key, whoever asks."""

import errno
import io
import os
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store import archive, files, songs, soundness
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError, RowsLost
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, write_run


@pytest.fixture(scope="module")
def archived(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("rows") / "run", 8)


@pytest.fixture
def run(archived, tmp_path) -> Path:
    return Path(shutil.copytree(archived, tmp_path / "run"))


def loosen(run: Path, key: str = KEY) -> list[Path]:
    """Give every archived song a file of its own, which says it was made with `key`."""
    folder = RunFolder.at(run)
    [part] = archive.parts(folder, KEY)
    table = pq.read_table(part)
    made = []
    for song_id in table["song_id"].unique().to_pylist():
        path = Path(folder.features(KEY, song_id))
        path.parent.mkdir(parents=True, exist_ok=True)
        song = table.filter([each == song_id for each in table["song_id"].to_pylist()])
        pq.write_table(song.replace_schema_metadata(with_metadata(song.schema, feature_key=key).metadata), path)
        made.append(path)
    return made


def lengths(run: Path) -> dict[str, float]:
    return Rows.open(run).values("song", "duration_s")


@pytest.mark.parametrize("damage", ["cut short", "another key", "another schema", "no Parquet"])
def test_a_song_whose_own_file_does_not_count_is_read_from_the_archive(run, damage):
    whole = lengths(run)
    victim = loosen(run, "f" * 16 if damage == "another key" else KEY)[0]
    if damage == "cut short":
        victim.write_bytes(victim.read_bytes()[:-100])
    if damage == "another schema":
        pq.write_table(pq.read_table(victim).drop_columns("duration_s"), victim)
    if damage == "no Parquet":
        victim.write_text("not rows")
    with pytest.warns(RowsLost, match=victim.name):
        assert lengths(run) == whole
    assert len(whole) == 8


def test_a_song_whose_only_file_does_not_count_is_reported_with_its_path(run):
    victim = loosen(run)[3]
    shutil.rmtree(run / "archive")
    assert len(lengths(run)) == 8
    victim.write_bytes(victim.read_bytes()[:-100])
    with pytest.warns(RowsLost, match=f"{victim.name}.*mined again"):
        assert len(lengths(run)) == 7


@pytest.mark.parametrize("number", [errno.EIO, errno.EMFILE, errno.ESTALE, errno.EACCES])
def test_a_file_of_a_song_that_cannot_be_read_stays_where_it_is(run, monkeypatch, number):
    victim = loosen(run)[3]
    shutil.rmtree(run / "archive")
    real = files.read_bytes

    def read_bytes(url: str) -> bytes:
        if url == str(victim):
            raise OSError(number, os.strerror(number), url)
        return real(url)

    monkeypatch.setattr(files, "read_bytes", read_bytes)
    with pytest.raises(InputError, match=rf"{victim.name} cannot be read \({os.strerror(number)}\)"):
        lengths(run)
    assert ("unreadable", str(victim)) in [(each.kind, each.path) for each in soundness._single(RunFolder.at(run), KEY)]
    assert victim.exists()
    monkeypatch.undo()
    assert len(lengths(run)) == 8


@pytest.mark.parametrize("is_sealed", [True, False])
@pytest.mark.parametrize("good_from", [5, 1 << 40], ids=["its rows", "anything"])
def test_a_part_of_which_a_disk_does_not_give_stays_where_it_is(run, monkeypatch, good_from, is_sealed):
    [part] = archive.parts(RunFolder.at(run), KEY)
    if not is_sealed:
        pq.write_table(pq.read_table(part), part)

    class Troubled(io.FileIO):
        def read(self, size: int = -1) -> bytes:
            if self.tell() < good_from:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(size)

    monkeypatch.setattr(files, "opened", lambda url, *_: Troubled(url))
    with pytest.raises(InputError, match=r"parquet cannot be read \(Input/output error\)"):
        lengths(run)
    assert Path(part).exists()
    monkeypatch.undo()
    assert len(lengths(run)) == 8


@pytest.mark.parametrize("is_loose", [True, False], ids=["of a song", "of many songs"])
def test_a_damaged_file_in_a_folder_that_cannot_be_written_is_left_out_with_a_warning(run, monkeypatch, is_loose):
    [part] = archive.parts(RunFolder.at(run), KEY)
    victim = loosen(run)[3] if is_loose else Path(shutil.copy(part, f"{run}/archive/{KEY}/000009-{KEY}.parquet"))
    victim.write_bytes(victim.read_bytes()[:-100])

    def move(url: str, _target: str) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", url)

    monkeypatch.setattr(files, "move", move)
    with pytest.warns(RowsLost, match=f"{victim.name} is damaged, and cannot be set aside .Permission denied"):
        found = lengths(run)
    assert len(found) == 8
    assert victim.exists()


def test_rows_are_read_where_all_those_of_one_way_of_measuring_are_lost(run):
    other = "f" * 16
    table = songs.read(run)
    rows = table.to_pylist()
    for row in rows[:3]:
        row["feature_key"] = other
    (run / "songs.parquet").write_bytes(parquet_bytes(pa.Table.from_pylist(rows, table.schema)))
    assert Rows.open(run).feature_keys == [KEY, other]
    assert len(lengths(run)) == 5
    assert len(Rows.open(run).table().to_pylist()) == 5 * 7


def test_a_part_of_another_key_has_no_songs(run):
    [part] = archive.parts(RunFolder.at(run), KEY)
    table = pq.read_table(part)
    pq.write_table(table.replace_schema_metadata(with_metadata(table.schema, feature_key="f" * 16).metadata), part)
    with pytest.raises(InputError, match="no rows of 8 songs"):
        lengths(run)


def test_a_song_that_is_loose_and_archived_is_read_once(run):
    loosen(run)
    tables = list(Rows.open(run).tables(KEY, ["song_id", "stem"]))
    assert sum(len(table) for table in tables) == 8 * 7


def test_a_folder_without_a_table_of_songs_is_no_run(tmp_path):
    with pytest.raises(songs.NotARun, match=r"holds no songs.parquet"):
        Rows.open(tmp_path)

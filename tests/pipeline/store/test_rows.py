"""A file of rows counts only if it opens, has the schema and carries its feature key, whoever asks."""

import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store import archive, songs
from mixprior.pipeline.store.layout import RunFolder
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

"""One decision for every song: what a run does and what a dry run prints cannot differ."""

import errno

import pytest

from mixprior.pipeline.audio.decode import TooLong
from mixprior.pipeline.song import trouble
from mixprior.pipeline.store import files, store_errors
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes
from mixprior.pipeline.store.ledger import Found, Ledger
from mixprior.pipeline.store.records import Failure, Song
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, rows


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder.at(tmp_path / "run")


def finish(folder: RunFolder) -> str:
    table = rows(0, 1)
    song_id = table["song_id"][0].as_py()
    table = table.replace_schema_metadata(with_metadata(table.schema, feature_key=KEY).metadata)
    Checkpoint(folder, KEY).finish(song_id, parquet_bytes(table))
    return song_id


def statuses(folder: RunFolder, song_id: str, *paths: str, **options) -> list[str]:
    found = [Found(Song(path)) for path in paths or ("a.wav",)]
    return [outcome.status for outcome in Ledger(folder, **options).outcomes((KEY, song_id), found)]


def test_a_song_that_this_run_finished_is_mined_however_often_its_bundle_is_tried(folder):
    song_id = finish(folder)
    assert statuses(folder, song_id) == statuses(folder, song_id, force=True) == ["mined"]


def test_a_song_of_an_earlier_run_is_kept_unless_all_are_mined_again(folder):
    song_id = finish(folder)
    files.remove_folder(folder.made)
    assert statuses(folder, song_id) == ["kept"]
    assert statuses(folder, song_id, force=True) == ["to mine"]


def test_the_note_is_beside_the_rows_not_in_them(folder, tmp_path):
    song_id = finish(folder)
    content = files.read_bytes(folder.features(KEY, song_id))
    other = RunFolder.at(tmp_path / "other")
    finish(other)
    files.remove_folder(other.made)
    assert files.read_bytes(other.features(KEY, song_id)) == content


def test_the_first_path_is_mined_and_the_others_are_duplicates(folder):
    assert statuses(folder, "f" * 16, "b.wav", "a.wav", "c.wav") == ["to mine", "duplicate", "duplicate"]
    first, _ = Ledger(folder).outcomes((KEY, "f" * 16), [Found(Song("b.wav")), Found(Song("a.wav"))])
    assert first.song.path == "a.wav"


@pytest.mark.parametrize(
    ("stage", "error", "again"),
    [
        ("decode", "Truncated", "failed"),
        ("separate", trouble.CRASHED, "failed"),
        ("separate", trouble.TIMED_OUT, "failed"),
        ("read", "Unreadable", "to mine"),
        ("decode", TooLong.__name__, "to mine"),
        *(("separate", kind, "to mine") for kind in sorted(trouble.PASSING)),
    ],
)
def test_a_failure_is_tried_again_where_it_may_have_passed_or_on_request(folder, stage, error, again):
    Checkpoint(folder, KEY).fail(Failure("f" * 16, "a.wav", stage, error, "is no good"))
    assert statuses(folder, "f" * 16) == [again]
    assert statuses(folder, "f" * 16, retry_failed=True) == ["to mine"]


def test_trouble_that_passes_is_the_same_of_a_disk_and_of_a_store():
    of_time = type("TimeoutError", (Exception,), {})()  # of asyncio or concurrent.futures on Python 3.10
    errors = [OSError(number, "trouble") for number in set(errno.errorcode) - {errno.ENOMEM}]
    for error in [*errors, of_time]:
        assert (trouble.kind_of(error) is not None) == store_errors.is_passing(error), repr(error)


def test_a_song_that_cannot_be_read_failed(folder):
    unreadable = Failure("f" * 16, "a.wav", "read", "Unreadable", "is gone")
    found = [Found(Song("a.wav"), failure=unreadable)]
    [outcome] = Ledger(folder, force=True).outcomes((KEY, "f" * 16), found)
    assert outcome.failure == unreadable

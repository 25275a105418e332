"""One decision for every song: what a run does and what a dry run prints cannot differ."""

import pytest

from mixprior.pipeline.audio.decode import TooLong
from mixprior.pipeline.store import files
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Ledger
from mixprior.pipeline.store.records import Failure, Outcome, Song
from mixprior.stats.schema import with_metadata
from tools.catalogs.generated import KEY, rows


@pytest.fixture
def folder(tmp_path) -> RunFolder:
    return RunFolder.at(tmp_path / "run")


def finish(folder: RunFolder) -> str:
    table = rows(0, 1)
    Checkpoint(folder, KEY).finish(table.replace_schema_metadata(with_metadata(table.schema, feature_key=KEY).metadata))
    return table["song_id"][0].as_py()


def statuses(folder: RunFolder, song_id: str, *paths: str, **options) -> list[str]:
    found = [(Song(path), None) for path in paths or ("a.wav",)]
    return [outcome.status for outcome in Ledger(folder, **options).outcomes((KEY, song_id), found, mine=None)]


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
    mined = []

    def mine(song: Song) -> Outcome:
        mined.append(song.path)
        return Outcome(song, "f" * 16, "mined", KEY, 1.0)

    list(Ledger(folder).outcomes((KEY, "f" * 16), [(Song("b.wav"), None), (Song("a.wav"), None)], mine))
    assert mined == ["a.wav"]


@pytest.mark.parametrize(
    ("stage", "error", "again"),
    [("decode", "Truncated", "failed"), ("read", "Unreadable", "to mine"), ("decode", TooLong.__name__, "to mine")],
)
def test_a_failure_is_tried_again_where_it_may_have_passed_or_on_request(folder, stage, error, again):
    Checkpoint(folder, KEY).fail(Failure("f" * 16, "a.wav", stage, error, "is no good"))
    assert statuses(folder, "f" * 16) == [again]
    assert statuses(folder, "f" * 16, retry_failed=True) == ["to mine"]


def test_a_song_that_cannot_be_read_failed(folder):
    unreadable = Failure("f" * 16, "a.wav", "read", "Unreadable", "is gone")
    [outcome] = Ledger(folder, force=True).outcomes((KEY, "f" * 16), [(Song("a.wav"), unreadable)], mine=None)
    assert outcome.failure == unreadable

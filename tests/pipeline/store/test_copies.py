"""A remote file is fetched once, however often its song is opened."""

from pathlib import Path

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from mixprior.pipeline.audio import decode
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import mining
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.miner import Miner, Way
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import copies, progress, sources
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Outcome, Song

URL = "memory://store/song.wav"


@pytest.fixture
def fetched(monkeypatch) -> list[str]:
    """The remote files that were fetched."""
    found = []
    fetch = MemoryFileSystem.cat_file
    monkeypatch.setattr(
        MemoryFileSystem, "cat_file", lambda self, path, *args: found.append(path) or fetch(self, path, *args)
    )
    return found


@pytest.fixture
def song(stems_catalog) -> Song:
    """A song in an object store, with its stems."""
    store = fsspec.filesystem("memory")
    stems = []
    for path in sorted((stems_catalog / "Amber").iterdir()):
        store.pipe_file(f"/store/{path.name}", path.read_bytes())
        stems.append((path.stem, f"memory://store/{path.name}"))
    return Song("memory://store", tuple(stems))


def settings(folder: Path | None = None) -> MiningSettings:
    return MiningSettings(SeparationSettings(), DecodeLimits(), copies=None if folder is None else str(folder))


def mine(song: Song, how: MiningSettings) -> bytes:
    return mining.mine(song, "0" * 16, how, lambda *_: None)[1]


def test_each_file_is_fetched_once_from_its_name_to_its_rows(song, fetched, tmp_path):
    how = settings(tmp_path / "copies")
    [(_, found)] = Fingerprints(how).of([song])
    rows = mine(found.song, how)
    assert sorted(fetched) == sorted(sources.file_system(path)[1] for path in decode.files_of(song))
    assert rows == mine(song, settings())
    Copies(str(tmp_path / "copies")).remove(decode.files_of(song))
    assert not list((tmp_path / "copies").iterdir())


def test_without_a_copy_it_is_fetched_once_to_be_mined(song, fetched):
    mine(song, settings())
    assert len(fetched) == len(decode.files_of(song))


def test_what_cannot_be_kept_is_fetched_again(song, fetched, tmp_path):
    (tmp_path / "file").write_text("")
    how = settings(tmp_path / "file" / "copies")
    [(_, found)] = Fingerprints(how).of([song])
    assert found.failure is None
    assert not (tmp_path / "file" / "copies").exists()


def test_copies_are_bounded_and_songs_at_hand_are_given_first(tmp_path, monkeypatch):
    monkeypatch.setattr(copies, "_MOST_BYTES", 10)
    store, kept = fsspec.filesystem("memory"), Copies(str(tmp_path))
    songs = [Song(f"memory://store/{k}.wav") for k in range(100)]
    for k in range(100):
        store.pipe_file(f"/store/{k}.wav", b"%07d" % k)
    given = []
    for _, found in Fingerprints(settings(tmp_path), 1).of(songs):
        given.append(found.song)
        assert kept.size_bytes() <= 27
        kept.remove([found.song.path])
    assert given == songs
    assert not list(tmp_path.iterdir())


def test_a_full_disk_keeps_nobody_waiting(tmp_path, monkeypatch):
    kept = Copies(str(tmp_path))
    monkeypatch.setattr(copies.shutil, "disk_usage", lambda _folder: type("Usage", (), {"free": 0}))
    assert not kept.is_full()
    kept.keep(URL, b"sound")
    assert kept.is_full()
    kept.keep("memory://store/other.wav", b"noise")
    assert kept.open("memory://store/other.wav") is None
    with sources.holding(kept), sources.open_file(URL) as file:
        assert file.read() == b"sound"


def test_a_song_that_is_done_or_not_to_be_mined_leaves_no_copy(tmp_path):
    folder, kept = RunFolder.at(tmp_path / "run").mining(b"", "one"), Copies(str(tmp_path / "copies"))
    progress.begin(folder)
    miner = Miner(Way(folder, settings(tmp_path / "copies")))
    for status in ("kept", "duplicate", "failed", "mined"):
        kept.keep(URL, b"sound")
        assert list(miner.reported([Outcome(Song(URL), "id", status, "key")]))
        assert kept.open(URL) is None

"""Naming songs by their content: trouble in reading one, or a file that hangs, is that song's."""

import concurrent.futures
import errno
import threading

import mutagen
import pytest

from mixprior.pipeline.audio import decode
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import fingerprint, trouble
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.song.time_limits import USUAL, TimeLimits
from mixprior.pipeline.store.records import Song
from tests.pipeline.sounds import tone, write

SONGS = [Song(f"{name}.wav") for name in "abcde"]


@pytest.fixture
def fingerprints(monkeypatch):
    """Fingerprints by a stand-in for reading, which is given for each test."""
    monkeypatch.setattr(trouble, "BACK_OFF_S", (0.0, 0.0))

    def of(read, limits: TimeLimits = USUAL) -> dict[str, tuple[str, object]]:
        monkeypatch.setattr(decode, "fingerprint", read)
        settings = MiningSettings(SeparationSettings(), DecodeLimits(), time_limits=limits)
        return {found.song.path: (key[1], found.failure) for key, found in Fingerprints(settings, 2).of(SONGS)}

    return of


def test_songs_come_in_their_order_with_their_names(fingerprints):
    found = fingerprints(lambda song, _sha256: song.path[0] * 16)
    assert list(found.items()) == [(f"{name}.wav", (name * 16, None)) for name in "abcde"]


@pytest.mark.fault(1)
def test_an_io_error_that_stays_is_the_songs_and_one_that_passes_is_nobodys(fingerprints):
    tries = []

    def read(song, _sha256):
        tries.append(song.path)
        if song.path == "b.wav" or (song.path == "d.wav" and tries.count("d.wav") < 3):
            raise OSError(errno.EIO, "Input/output error")
        return song.path[0] * 16

    found = fingerprints(read)
    assert [path for path, (_, failure) in found.items() if failure is not None] == ["b.wav"]
    failure = found["b.wav"][1]
    assert (failure.stage, failure.error) == ("read", "Unreadable")
    assert "Input/output error" in failure.message
    assert not failure.is_lasting
    assert tries.count("b.wav") == 3


@pytest.mark.fault(7)
def test_a_file_that_hangs_is_the_songs(fingerprints):
    released = threading.Event()

    def read(song, _sha256):
        if song.path == "c.wav":
            released.wait()
        return song.path[0] * 16

    found = fingerprints(read, TimeLimits(stage_s=0.2))
    released.set()
    assert {path: failure.error for path, (_, failure) in found.items() if failure} == {"c.wav": "TimedOut"}


def test_a_file_that_hangs_is_the_songs_on_python_3_10_too(fingerprints, monkeypatch):
    """There the TimeoutError of concurrent.futures is not the built-in one."""

    class OfFutures(Exception):
        pass

    monkeypatch.setattr(concurrent.futures, "TimeoutError", OfFutures)
    monkeypatch.setattr(concurrent.futures._base, "TimeoutError", OfFutures)
    test_a_file_that_hangs_is_the_songs(fingerprints)


def test_songs_behind_files_that_hang_are_read_by_other_threads(monkeypatch):
    released = threading.Event()

    def read(song, _sha256):
        if song.path < "c":
            released.wait()
        return song.path[0] * 16

    monkeypatch.setattr(decode, "fingerprint", read)
    settings = MiningSettings(SeparationSettings(), DecodeLimits(), time_limits=TimeLimits(stage_s=0.2))
    found = [found.failure is None for _, found in Fingerprints(settings, 2).of(SONGS)]
    released.set()
    assert found == [False, False, True, True, True]


def test_threads_end_when_there_is_nothing_to_read_and_begin_again(monkeypatch):
    monkeypatch.setattr(fingerprint, "_IDLE_S", 0.0)
    monkeypatch.setattr(decode, "fingerprint", lambda song, _sha256: song.path[0] * 16)
    named = Fingerprints(MiningSettings(SeparationSettings(), DecodeLimits()), 2)
    for _ in range(200):
        assert [key[1] for key, _ in named.of(SONGS)] == [name * 16 for name in "abcde"]


def test_a_song_has_the_tags_of_its_file_or_its_mixture_where_the_catalog_says_nothing(tmp_path):
    paths = {name: str(write(tmp_path / f"{name}.flac", tone(0.1))) for name in ("song", "vocals", "bass", "mixture")}
    for name, path in paths.items():
        file = mutagen.File(path)
        file.tags.update({"genre": ["Rock"], "title": [name], "date": ["1999"]})
        file.save()
    stems = tuple((name, paths[name]) for name in ("bass", "vocals"))
    songs = [
        Song(paths["song"], metadata=(("genre", "Folk"), ("year", None))),
        Song(str(tmp_path), stems, paths["mixture"]),
        Song(str(tmp_path), stems),
    ]
    settings = MiningSettings(SeparationSettings(), DecodeLimits())
    found = [dict(found.song.metadata) for _, found in Fingerprints(settings, 2).of(songs)]
    assert found == [
        {"genre": "Folk", "title": "song", "year": 1999},
        {"genre": "rock", "title": "mixture", "year": 1999},
        {},
    ]

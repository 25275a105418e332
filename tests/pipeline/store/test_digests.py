"""Digests are taken from an earlier run for files that are as they were, and for no others."""

import hashlib
import json
import os
from pathlib import Path

import fsspec
import pytest

from mixprior.pipeline.asked import songs_of
from mixprior.pipeline.store import digests, object_store, sources, user_cache
from mixprior.pipeline.store.digests import Digests, State
from mixprior.pipeline.store.object_store import Entry

HOUR_NS = 3_600_000_000_000


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "mixprior" / "digests"


@pytest.fixture
def song(tmp_path) -> Path:
    """A file whose time stamps are an hour old to whoever reads it now."""
    path = tmp_path / "song.wav"
    path.write_bytes(b"sound")
    return path


@pytest.fixture
def later(monkeypatch):
    """The clock, an hour on: what was written just now was not written just before it is read."""
    now_ns = digests.time.time_ns()
    monkeypatch.setattr(digests.time, "time_ns", lambda: now_ns + HOUR_NS)


@pytest.fixture
def read(monkeypatch) -> list[bytes]:
    """The contents that were digested."""
    found = []

    def digest(file):
        found.append(file.read())
        return sha256(found[-1])

    monkeypatch.setattr(sources, "sha256", digest)
    return found


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def digested(song: Path | str, run: Path, rehash: bool = False) -> str:
    """As one run digests a song."""
    known = Digests(str(run), rehash)
    found = known.sha256(str(song))
    known.save()
    return found


def test_an_unchanged_file_is_read_once_and_with_rehash_again(song, tmp_path, later, read):
    for rehash in (False, False, True, False):
        assert digested(song, tmp_path / "run", rehash) == sha256(b"sound")
    assert read == [b"sound"] * 2


def test_tags_are_kept_with_the_digest_and_read_with_it_again(song, tmp_path, later):
    opened = []

    def tags_of(file):
        opened.append(file)
        return {"genre": "rock", "year": 1999}

    for rehash in (False, False, True):
        known = Digests(str(tmp_path / "run"), rehash, tags_of=tags_of)
        assert known.content(str(song)) == (sha256(b"sound"), {"genre": "rock", "year": 1999})
        known.save()
    assert len(opened) == 2


@pytest.mark.parametrize("change", ["content", "times set back", "another file", "time alone"])
def test_a_file_that_may_have_changed_is_read_again(song, tmp_path, later, read, change):
    digested(song, tmp_path / "run")
    before = song.stat()
    if change == "another file":
        song.rename(tmp_path / "old.wav")
    if change != "time alone":
        song.write_bytes(b"other")
    if change == "time alone":
        os.utime(song, ns=(0, 0))
    elif change != "content":
        os.utime(song, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert digested(song, tmp_path / "run") == sha256(song.read_bytes())
    assert len(read) == 2


def test_a_file_that_was_changed_just_before_it_was_read_is_read_again(song, tmp_path, read):
    """It may change once more within one tick of its time stamp, and look the same."""
    for _ in range(2):
        digested(song, tmp_path / "run")
    assert len(read) == 2


def test_a_file_that_changes_while_it_is_read_is_not_remembered(song, tmp_path, later, monkeypatch):
    def digest(file):
        content = file.read()
        song.write_bytes(b"sound and more")
        return sha256(content)

    monkeypatch.setattr(sources, "sha256", digest)
    digested(song, tmp_path / "run")
    monkeypatch.undo()
    assert digested(song, tmp_path / "run") == sha256(b"sound and more")


def test_a_remote_file_that_was_replaced_is_read_again_by_the_next_run_of_the_same_process(tmp_path, monkeypatch, read):
    """As in a notebook, over a manifest: its songs' folder is listed for their versions alone."""
    url, manifest = "memory://replaced/song.wav", tmp_path / "songs.csv"
    manifest.write_text(f"path\n{url}\n")

    def listed(_folder: str) -> dict[str, Entry]:
        content = fsspec.open(url).fs.cat_file(url)
        return {"song.wav": Entry(False, len(content), sha256(content))}

    monkeypatch.setattr(object_store, "listed", listed)
    for content in (b"sound", b"sound", b"noise"):
        with fsspec.open(url, "wb") as file:
            file.write(content)
        [song] = songs_of(manifest, None)
        assert digested(song.path, tmp_path / "run") == sha256(content)
    assert read == [b"sound", b"noise"]


def test_two_folders_of_runs_share_nothing_and_a_copy_has_none(song, tmp_path, later, read):
    digested(song, tmp_path / "run")
    digested(song, tmp_path / "copy of run")
    assert len(read) == 2


def test_runs_at_once_lose_time_at_most(song, tmp_path, later):
    other = song.with_name("other.wav")
    other.write_bytes(b"noise")
    one, two = Digests(str(tmp_path / "run")), Digests(str(tmp_path / "run"))
    one.sha256(str(song))
    two.sha256(str(other))
    one.save()
    two.save()
    for path in (song, other):
        assert digested(path, tmp_path / "run") == sha256(path.read_bytes())


def test_a_link_out_of_the_catalog_is_refused_however_well_it_is_known(song, tmp_path, later):
    digested(song, tmp_path / "run")
    known = Digests(str(tmp_path / "run"))
    music = tmp_path / "music"
    music.mkdir()
    (music / "song.wav").symlink_to(song)
    with pytest.raises(sources.Unreadable):
        known.sha256(str(music / "song.wav"), str(music))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[: len(content) // 2],
        lambda content: content.replace(b"2", b"3", 1),
        lambda content: b"",
        lambda content: b"\0" * 100,
        lambda content: b"[" * 100_000,
    ],
    ids=["cut", "flipped", "empty", "zeros", "deep"],
)
def test_a_damaged_document_costs_a_reading(song, tmp_path, later, cache, read, damage):
    digested(song, tmp_path / "run")
    document = next(cache.iterdir())
    document.write_bytes(damage(document.read_bytes()))
    assert digested(song, tmp_path / "run") == sha256(b"sound")
    assert len(read) == 2


@pytest.mark.parametrize(
    "document",
    [
        *(None, [], {"PATH": 1}, {"PATH": [1, 2]}, {"PATH": ["a"] * 7}, {"PATH": [5, 1, 1, 1, 1, "z" * 64, {}]}),
        {"PATH": [5, 1, 1, 1, 1, "a" * 64, {"genre": ["rock"]}]},
    ],
    ids=str,
)
def test_a_document_of_another_shape_costs_a_reading(song, tmp_path, later, document):
    text = json.dumps(document).replace("PATH", str(song))
    user_cache.write("digests", user_cache.name_of(str(tmp_path / "run")), json.loads(text))
    assert digested(song, tmp_path / "run") == sha256(b"sound")


def test_a_document_that_others_may_have_written_is_not_believed(song, tmp_path, later, cache):
    digested(song, tmp_path / "run")
    document = next(cache.iterdir())
    user_cache.write("digests", document.stem, {str(song): [*State.of(song.stat()), sha256(b"another song"), {}]})
    assert digested(song, tmp_path / "run") == sha256(b"another song")
    document.chmod(0o666)
    assert digested(song, tmp_path / "run") == sha256(b"sound")


def test_a_cache_that_cannot_be_written_costs_a_reading(song, tmp_path, later, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    for _ in range(2):
        assert digested(song, tmp_path / "run") == sha256(b"sound")


def test_documents_that_no_run_used_for_long_go(song, tmp_path, later, cache):
    digested(song, tmp_path / "old run")
    old = next(cache.iterdir())
    os.utime(old, (0, 0))
    digested(song, tmp_path / "run")
    assert not old.exists()
    assert len(list(cache.iterdir())) == 1

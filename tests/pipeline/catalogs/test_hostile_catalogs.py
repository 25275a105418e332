"""No file of a catalog leads outside it, and one odd name is a failure row or is ignored."""

from __future__ import annotations

import json
import os
import shutil
import socket
import tempfile
from pathlib import Path

import pytest

from mixprior.pipeline.audio.decode import decode_mixture, decode_stems, fingerprint
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.store import songs
from mixprior.pipeline.store.records import Song, SongError
from mixprior.pipeline.store.sources import Unreadable
from tests.pipeline.catalogs.test_catalog import found, relative, touch, write_rows
from tests.pipeline.sounds import tone, write

LATIN_1 = os.fsdecode(b"caf\xe9")


def refusal(song: Song) -> str:
    """Why a song is not read: once when it is named by its content, once when it is decoded."""
    with pytest.raises(Unreadable) as named:
        fingerprint(song)
    with pytest.raises(Unreadable) as decoded:
        decode_stems(song) if song.has_stems else decode_mixture(song)
    assert named.value.message == decoded.value.message
    return named.value.message


@pytest.mark.fault(21)
def test_a_link_that_leads_out_of_a_folder_is_a_song_that_fails_alone(tmp_path):
    touch(tmp_path, "outside/a.mp3", "outside/vocals.wav", "music/c/d.mp3", "music/song/readme.txt")
    music = tmp_path / "music"
    write(music / "song" / "drums.wav", tone())
    (music / "inside.mp3").symlink_to(music / "c" / "d.mp3")
    (music / "loop").symlink_to(music)
    (music / "folder.wav").symlink_to(tmp_path / "outside")
    (music / "readme").symlink_to(tmp_path / "outside" / "a.mp3")
    (music / "out.mp3").symlink_to(tmp_path / "outside" / "a.mp3")
    (music / "song" / "vocals.wav").symlink_to(tmp_path / "outside" / "vocals.wav")
    songs = {os.path.relpath(song.path, music): song for song in found(music)}
    assert list(songs) == ["c/d.mp3", "inside.mp3", "out.mp3", "song"]
    for name in ("out.mp3", "song"):
        assert f"links to a file outside {music}; list its target in a manifest" in refusal(songs[name])
    assert fingerprint(songs["inside.mp3"]) == fingerprint(songs["c/d.mp3"])
    assert Song.from_json(songs["out.mp3"].to_json()).root == str(music)


@pytest.mark.fault(21)
def test_a_link_that_leads_out_of_a_manifests_folder_is_a_song_that_fails_alone(tmp_path):
    touch(tmp_path, "outside/a.mp3", "outside/song/vocals.wav", "outside/song/drums.wav", "music/b.mp3")
    music = tmp_path / "music"
    (music / "out").symlink_to(tmp_path / "outside")
    (music / "out.mp3").symlink_to(tmp_path / "outside" / "a.mp3")
    rows = [{"path": path} for path in ("b.mp3", "out.mp3", "out/a.mp3", "out/song", str(tmp_path / "outside/a.mp3"))]
    inside, link, below, folder, absolute = found(write_rows(music / "songs.csv", rows))
    assert fingerprint(inside) == fingerprint(absolute)
    for song in (link, below, folder):
        assert "links to a file outside" in refusal(song)
    assert not folder.stems, "the folder outside was listed"


@pytest.mark.fault(21)
def test_a_file_replaced_by_a_link_after_it_was_listed_is_not_followed(tmp_path):
    write(tmp_path / "outside.wav", tone())
    touch(tmp_path, "music/a.wav")
    (song,) = found(tmp_path / "music")
    os.unlink(song.path)
    os.symlink(tmp_path / "outside.wav", song.path)
    assert "links to a file outside" in refusal(song)


@pytest.mark.fault(21)
@pytest.mark.parametrize("path", ["/proc/kmsg", "/proc/self/mem", "/proc/self/environ", "/sys/kernel/uevent_seqnum"])
def test_files_of_the_kernel_are_refused_before_they_are_read(tmp_path, path):
    """`/proc/kmsg` is a regular file by its mode, and reading it waits for ever."""
    if not os.path.exists(path):
        pytest.skip(f"no {path} here")
    touch(tmp_path, "b.mp3")
    (tmp_path / "link.mp3").symlink_to(path)
    listed, linked = found(write_rows(tmp_path / "songs.csv", [{"path": path}, {"path": str(tmp_path / "link.mp3")}]))
    assert "belongs to the kernel" in refusal(listed)
    assert "belongs to the kernel" in refusal(linked)


@pytest.mark.fault(21)
def test_pipes_sockets_and_devices_are_refused_and_nobody_waits(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp3")
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(os.path.relpath(tmp_path / "socket.mp3"))
    (tmp_path / "zero.mp3").symlink_to("/dev/zero")
    songs = found(tmp_path)
    assert relative(tmp_path, songs) == ["pipe.mp3", "socket.mp3", "zero.mp3"]
    assert [refusal(song) for song in songs[:2]] == ["is not a regular file"] * 2
    (device,) = found(write_rows(tmp_path / "songs.csv", [{"path": "/dev/zero"}]))
    assert refusal(device) == "is not a regular file"


@pytest.mark.fault(21)
def test_names_that_are_not_utf8_are_ignored_or_mined_and_shown_escaped(tmp_path, mixprior, stems_catalog):
    (tmp_path / f"{LATIN_1}.jpg").write_bytes(b"x")
    (tmp_path / f"{LATIN_1}.mp3").write_bytes(b"no audio")
    song_folder = tmp_path / f"{LATIN_1} songs"
    shutil.copytree(next(stems_catalog.iterdir()), song_folder)
    done = mixprior("mine", tmp_path, "-o", tmp_path / "out", "-j", 1)
    assert "2 songs: 1 mined, 0 kept, 0 duplicate, 1 failed" in done.stdout
    assert r"caf\xe9.mp3" in done.stderr
    done.stdout.encode()
    done.stderr.encode()
    rows = songs.read(tmp_path / "out").to_pylist()
    assert [os.path.basename(row["path"]) for row in rows] == [r"caf\xe9 songs", r"caf\xe9.mp3"]
    assert "1 kept" in mixprior("mine", tmp_path, "-o", tmp_path / "out", "-j", 1).stdout


@pytest.mark.fault(21)
@pytest.mark.parametrize(
    "name",
    [
        *("-rf.mp3", "a\nb.mp3", "\u266b\U0001f468\u200d\U0001f3a4.mp3", "\x1b[31mred.mp3", "é" * 120 + ".mp3"),
        *("a" * 251 + ".mp3", "*?[x].mp3", "#%20.mp3"),
    ],
    ids=["option", "newline", "emoji", "escape", "240 bytes", "255 bytes", "pattern", "url"],
)
def test_odd_but_legal_names_are_read(tmp_path, name):
    music = touch(tmp_path / "music", name)
    (song,) = found(music)
    assert song.path == f"{music}/{name}"
    assert Song.from_json(song.to_json()) == song
    assert fingerprint(song)
    assert fingerprint(found(write_rows(music / "songs.csv", [{"path": name}]))[0]) == fingerprint(song)


@pytest.mark.fault(21)
def test_a_name_of_300_characters_costs_only_itself(tmp_path):
    touch(tmp_path, "b.mp3")
    long, other = found(write_rows(tmp_path / "songs.csv", [{"path": "x" * 300 + ".mp3"}, {"path": "b.mp3"}]))
    assert "File name too long" in refusal(long)
    assert fingerprint(other)


@pytest.fixture
def deep_folder():
    """5,000 folders in one another, with a song in the first, the 1,500th and the last; longer than a path may be."""
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None  # disks take seconds to remove them
    root = Path(tempfile.mkdtemp(dir=memory))
    here = os.open(root, os.O_RDONLY)
    for level in range(5000):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
        if level in (0, 1500, 4999):
            os.close(os.open("song.mp3", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    yield root
    for level in reversed(range(5000)):
        if level in (0, 1500, 4999):
            os.unlink("song.mp3", dir_fd=here)
        above = os.open("..", os.O_RDONLY, dir_fd=here)
        os.close(here)
        os.rmdir("d", dir_fd=above)
        here = above
    os.close(here)
    shutil.rmtree(root)


@pytest.mark.fault(21)
def test_deep_folders_are_searched_and_one_too_deep_to_be_named_costs_only_itself(deep_folder):
    touch(deep_folder, "last.mp3")
    listed = found(deep_folder)
    depths = [os.path.relpath(song.path, deep_folder).count("d/") for song in listed]
    assert [os.path.basename(song.path) for song in listed] == ["d", "song.mp3", "song.mp3", "last.mp3"]
    assert depths[0] > 1900
    assert depths[1:3] == [1501, 1]
    assert "File name too long" in refusal(listed[0])


@pytest.mark.fault(21)
def test_a_folder_that_cannot_be_listed_costs_only_itself(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.mp3", "b/2.mp3", "c/3.mp3")
    scandir = os.scandir

    def denied(folder):
        if os.path.basename(folder) == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", denied)  # root, who runs tests in a container, may list every folder
    listed = found(tmp_path)
    assert relative(tmp_path, listed) == ["a/1.mp3", "b", "c/3.mp3"]
    with pytest.raises(SongError, match="is a folder that could not be listed"):
        fingerprint(listed[1])


@pytest.mark.fault(21)
def test_half_a_character_in_a_manifest_is_told_with_its_line(tmp_path):
    manifest = tmp_path / "songs.jsonl"
    manifest.write_text('{"path": "a.mp3", "title": "x\\ud83d"}\n')
    (song,) = found(manifest)
    assert song.metadata == (("title", "x\\ud83d"),)
    manifest.write_text('{"path": "a.mp3"}\n{"path": "b\\ud83d.mp3"}\n')
    with pytest.raises(ValueError, match="line 2: `path` holds half a character"):
        open_catalog(str(manifest))


@pytest.mark.fault(21)
def test_a_run_over_hostile_files_ends_with_a_row_for_each(tmp_path, mixprior, stems_catalog):
    good = next(stems_catalog.iterdir())
    os.mkfifo(tmp_path / "pipe.mp3")
    paths = [str(good), str(tmp_path / "pipe.mp3"), "/proc/kmsg", "/dev/zero", "out.mp3", "missing.mp3"]
    (tmp_path / "out.mp3").symlink_to(good / "vocals.wav")
    manifest = write_rows(tmp_path / "songs.csv", [{"path": path} for path in paths])
    done = mixprior("mine", manifest, "-o", tmp_path / "out", "-j", 1, "--json")
    summary = json.loads(done.stdout)
    assert (summary["mined"], summary["failed"]) == (1, 5)
    assert Path(summary["priors"]).is_dir()

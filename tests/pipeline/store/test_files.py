"""Whoever opens a file sees all of it, however many write it, and whatever stops them."""

import os
import threading
from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa
import pytest

from mixprior.pipeline.store import files
from mixprior.stats.errors import InputError


@pytest.mark.fault(4)
def test_readers_never_see_half_a_file_that_many_write(tmp_path):
    path = str(tmp_path / "folder" / "file")
    contents = [bytes([k]) * 2_000_000 for k in range(4)]
    files.write_bytes(path, contents[0])
    done = threading.Event()

    def write(content: bytes) -> None:
        while not done.is_set():
            files.write_bytes(path, content)

    writers = [threading.Thread(target=write, args=(content,)) for content in contents]
    for writer in writers:
        writer.start()
    seen = {files.read_bytes(path) for _ in range(200)}
    done.set()
    for writer in writers:
        writer.join()
    assert seen <= set(contents)
    assert [p.name for p in (tmp_path / "folder").iterdir()] == ["file"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch):
    path = str(tmp_path / "file")
    files.write_bytes(path, b"old")

    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(InputError, match="cannot be written"):
        files.write_bytes(path, b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_the_same_table_gives_the_same_bytes_on_any_file_system(tmp_path):
    table = pa.table({"n": [1, 2, None], "name": ["a", "b", "c"]})
    files.write_table(str(tmp_path / "a.parquet"), table)
    files.write_table("memory://tables/b.parquet", table)
    assert (tmp_path / "a.parquet").read_bytes() == files.read_bytes("memory://tables/b.parquet")
    assert files.read_table("memory://tables/b.parquet").equals(table)
    files.remove("memory://tables/b.parquet")
    with pytest.raises(FileNotFoundError):
        files.read_bytes("memory://tables/b.parquet")


def test_a_replacement_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "mix.wav"
    path.write_bytes(b"the old one")

    def fail_halfway():
        with files.replacing(path) as temporary:
            temporary.write_bytes(b"half of the new")
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail_halfway()
    assert path.read_bytes() == b"the old one"
    assert [found.name for found in tmp_path.iterdir()] == ["mix.wav"]


@pytest.mark.fault(9)
def test_a_full_disk_is_an_input_error_that_names_the_file(tmp_path):
    with pytest.raises(InputError, match=r"mix.wav cannot be written"), files.replacing(tmp_path / "mix.wav"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_of_a_link_the_file_behind_it_is_replaced(tmp_path):
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    files.write_bytes(str(tmp_path / "link"), b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_bytes() == b"new"


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with ThreadPoolExecutor() as other:
        read = other.submit(pipe.read_bytes)
        files.write_bytes(str(pipe), b"page")
        assert read.result() == b"page"
    assert pipe.is_fifo()


def test_the_standard_output_can_be_named_as_a_file():
    reader, writer = os.pipe()
    files.write_bytes(f"/dev/fd/{writer}", b"page")
    os.close(writer)
    with os.fdopen(reader, "rb") as file:
        assert file.read() == b"page"

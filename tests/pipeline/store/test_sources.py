"""Object stores are read whatever their drivers take for granted."""

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from mixprior.pipeline.aggregate import aggregate
from mixprior.pipeline.mine import mine, plan
from mixprior.pipeline.store import sources


@pytest.fixture
def lists_names_only(monkeypatch):
    """A store whose driver lists names unless asked for details, as that of s3:// does."""
    listed = MemoryFileSystem.ls
    monkeypatch.setattr(MemoryFileSystem, "ls", lambda self, path, detail=False, **more: listed(self, path, detail))
    fs = fsspec.filesystem("memory")
    fs.pipe_file("/names-only/songs/b.wav", b"b")
    fs.pipe_file("/names-only/songs/a/vocals.wav", b"a")
    yield "memory://names-only/songs"
    fs.store.clear()
    fs.pseudo_dirs[:] = [""]


def test_a_folder_of_a_store_that_lists_names_only_is_listed(lists_names_only):
    assert sources.entries(lists_names_only) == [("a", True), ("b.wav", False)]
    assert sources.file_names(lists_names_only) == ["b.wav"]


def test_a_run_in_a_store_that_lists_names_only_is_mined_resumed_and_aggregated(lists_names_only, stems_catalog):
    out = "memory://names-only/run/"
    assert mine(stems_catalog, out, workers=1, limit=1).mined == 1
    again = mine(stems_catalog, out, workers=1, limit=1)
    assert (again.kept, again.mined, again.audio_s) == (1, 0, 0.0)
    assert plan(stems_catalog, out).kept == 1
    assert aggregate(out).songs == 1
    assert not fsspec.filesystem("memory").find("/names-only/run/made")


def test_an_input_output_error_while_reading_is_that_files_own(monkeypatch):
    """Linux fails to read the first page of a process's memory with EIO; the file is opened without complaint."""
    monkeypatch.setattr(sources, "_pseudo_devices", frozenset)
    with sources.open_file("/proc/self/mem") as file, pytest.raises(sources.Unreadable) as caught:
        sources.sha256(file)
    assert caught.value.stage == "read"
    assert caught.value.message == "cannot be read: Input/output error"
    assert isinstance(caught.value.__cause__, OSError)

"""What measures songs is compiled once on a machine."""

import threading
import time

import pytest

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import kernels, measure, mining
from mixprior.pipeline.song.settings import MiningSettings


@pytest.fixture
def measured(monkeypatch, tmp_path):
    """Songs that were measured to compile, with nothing known to be compiled."""
    songs: list[int] = []

    def measure():
        time.sleep(0.05)  # the others come meanwhile
        songs.append(1)

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(kernels, "_measure_a_song", measure)
    return songs


def test_of_several_that_begin_at_once_one_compiles(measured):
    found: list[bool] = []
    threads = [threading.Thread(target=lambda: found.append(kernels.compile_once())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [False, False, False, True]
    assert len(measured) == 1


def test_what_is_compiled_is_not_compiled_again(measured):
    assert [kernels.compile_once() for _ in range(3)] == [True, False, False]
    assert len(measured) == 1


def test_other_sources_are_compiled_anew(measured, monkeypatch):
    kernels.compile_once()
    monkeypatch.setattr(kernels, "_key", lambda: "0123456789abcdef")
    assert kernels.compile_once()


def test_a_failure_is_not_taken_for_compiled(measured, monkeypatch):
    def fail():
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(kernels, "_measure_a_song", fail)
        with pytest.raises(MemoryError):
            kernels.compile_once()
    assert kernels.compile_once()


def test_a_process_that_begins_leaves_it_to_one_to_compile(monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(measure, "ensure_compiled", lambda: done.append("compiled"))
    monkeypatch.setattr(mining, "mine", lambda *_song: done.append("measured"))
    mining.prepare(True, MiningSettings(SeparationSettings(), DecodeLimits(max_minutes=0.01)), lambda *_stage: None)
    assert done == ["compiled", "measured"]

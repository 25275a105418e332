"""What a process holds of the songs that it had mined does not grow; no failure is kept that is the machine's."""

import tracemalloc
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue

import pytest

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import causes, miner, trouble
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found, Ledger
from mixprior.pipeline.store.records import Failure, Reported, Song
from mixprior.stats.errors import TooManyFailed

AT_HAND = 20
KEY = "0123456789abcdef"


class Pool:
    """Finishes its oldest song when somebody waits for one."""

    def __init__(self):
        self.futures = deque()

    def submit(self, *_job, **_limits):
        self.futures.append(Future())
        return self.futures[-1]

    def fail_one(self, kind):
        self.futures.popleft().set_exception(Reported("separate", kind, "is no good"))

    def finish_one(self):
        self.futures.popleft().set_result(
            Answer({"duration_s": 10.0, "mined_s": 0.1, "cpu_s": 0.1, "flags": []}, b"rows")
        )


class Waiting:
    """The queue of a miner whose songs are finished as it waits."""

    def __init__(self, pool):
        self._pool, self._done = pool, SimpleQueue()
        self.put = self._done.put

    def get(self, block, timeout_s):
        if block and self._done.empty():
            self._pool.finish_one()
        return self._done.get(False)


@pytest.fixture
def mining(tmp_path, monkeypatch):
    """A miner whose songs a `Pool` finishes."""
    pool = Pool()
    monkeypatch.setattr(miner.shared_pool, "get", lambda *_arguments: pool)
    (tmp_path / "calls" / "call").mkdir(parents=True)
    way = miner.Way(RunFolder(str(tmp_path), call="call"), MiningSettings(SeparationSettings(), DecodeLimits()))
    mining = miner.Miner(way)
    mining._done = Waiting(pool)
    mining.pool = pool
    return mining


def add(mining, number):
    song = Song(f"songs/{number}", (("vocals", f"songs/{number}/vocals.wav"),))
    return list(mining.add((KEY, f"{number:016x}"), [Found(song, 1)]))


@pytest.mark.parametrize("kind", sorted(trouble.OF_THE_MACHINE))
def test_what_failed_by_the_machine_is_tried_again_by_the_run_after_the_one_that_was_stopped(mining, kind, monkeypatch):
    monkeypatch.setattr(causes, "LEAST", 3)
    for number, failed in enumerate(("Truncated", kind, kind, kind)):
        add(mining, number)
        mining.pool.fail_one(failed)
    with pytest.raises(TooManyFailed, match="the same command tries them again"):
        list(mining.rest())
    ledger = Ledger(mining.way.folder)
    statuses = [next(ledger.outcomes((KEY, f"{k:016x}"), [Found(Song(f"songs/{k}"))])).status for k in range(4)]
    assert statuses == ["failed", "to mine", "to mine", "to mine"]


def test_what_is_held_is_bounded_by_the_songs_at_hand(mining, monkeypatch):
    monkeypatch.setattr(miner, "MOST_AT_HAND", AT_HAND)

    def mined(first, end):
        outcomes = 0
        for number in range(first, end):
            outcomes += len(add(mining, number))
            assert len(mining.at_hand) < AT_HAND
        return outcomes

    mined(0, 40)
    tracemalloc.start()
    assert mined(40, 160) == 120
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Those at hand, and what Python keeps of files; 4 kB a song would be 0.5 MB.
    assert held_bytes < 150_000


def test_a_song_that_cannot_be_read_leaves_no_row_that_outlives_its_mending(mining, tmp_path):
    """It is named by its path: once it can be read, it has another name."""
    failure = Failure("a" * 16, "songs/a.wav", "read", "Unreadable", "cannot be read: no such file")
    [outcome] = mining.add((KEY, "a" * 16), [Found(Song("songs/a.wav"), failure=failure)])
    assert (outcome.status, outcome.failure) == ("failed", failure)
    assert not list(tmp_path.glob("failures/*/*"))

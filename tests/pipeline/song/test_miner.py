"""What a process holds of the songs that it had mined does not grow with their number."""

import tracemalloc
from collections import deque
from concurrent.futures import Future
from queue import SimpleQueue

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import miner
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found
from mixprior.pipeline.store.records import Song

AT_HAND = 20


class Pool:
    """Finishes its oldest song when somebody waits for one."""

    def __init__(self):
        self.futures = deque()

    def submit(self, *_job, **_limits):
        self.futures.append(Future())
        return self.futures[-1]

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


def test_what_is_held_is_bounded_by_the_songs_at_hand(tmp_path, monkeypatch):
    pool = Pool()
    monkeypatch.setattr(miner, "MOST_AT_HAND", AT_HAND)
    monkeypatch.setattr(miner.shared_pool, "get", lambda *_arguments: pool)
    (tmp_path / "calls" / "call").mkdir(parents=True)
    mining = miner.Miner(
        miner.Way(RunFolder(str(tmp_path), call="call"), MiningSettings(SeparationSettings(), DecodeLimits()))
    )
    mining._done = Waiting(pool)

    def mined(first, end):
        outcomes = 0
        for number in range(first, end):
            song = Song(f"songs/{number}", (("vocals", f"songs/{number}/vocals.wav"),))
            outcomes += sum(1 for _ in mining.add(("0123456789abcdef", f"{number:016x}"), [Found(song, 1)]))
            assert len(mining.at_hand) < AT_HAND
        return outcomes

    mined(0, 40)
    tracemalloc.start()
    assert mined(40, 160) == 120
    held_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Those at hand, and what Python keeps of files; 4 kB a song would be 0.5 MB.
    assert held_bytes < 150_000

"""Memory that pieces of songs are read into is used again, and no more of it is kept than is said."""

import numpy as np

from mixprior.stats import pieces
from mixprior.stats.kept_memory import KeptMemory


def test_memory_of_larger_arrays_does_not_serve_smaller_ones():
    memory = KeptMemory(1 << 20)
    large = [memory.array(24, 1000) for _ in range(8)]
    del large
    small = [memory.array(4, 1000) for _ in range(8)]
    assert sum(block.nbytes for block in memory._blocks) < 2 * sum(array.nbytes for array in small)


def test_what_is_kept_stays_below_the_most():
    memory = KeptMemory(1 << 20)
    for channels in (4, 10, 24, 4, 10):
        held = [memory.array(channels, 10_000) for _ in range(20)]
        assert sum(block.nbytes for block in memory._blocks) <= 1 << 20
        del held


def test_songs_in_memory_of_others_are_as_in_their_own(monkeypatch):
    rng = np.random.default_rng(0)
    songs = [
        {name: rng.standard_normal((2, samples)).astype(np.float32) for name in names}
        for names, samples in ((("a", "b"), 150_000), (("a", "b", "c"), 70_000), (("a", "b"), 200_000))
    ]
    kept = [_read(song) for song in songs]
    monkeypatch.setattr(pieces, "_MEMORY", KeptMemory(0))
    for song, once in zip(songs, kept, strict=True):
        for name, audio in _read(song).items():
            assert np.array_equal(once[name], audio)
            assert np.array_equal(once[name], song[name])


def _read(song):
    read = list(pieces._stacked([song]))
    return {name: np.concatenate([piece[name] for piece in read], axis=1) for name in song}

"""The songs of a list, one after the other, in this process: the steps of the Beam graph, without a shuffle."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.miner import Miner, Way
from mixprior.pipeline.store.records import Outcome
from mixprior.pipeline.store.song_list import SongList


def outcomes(songs: SongList, way: Way) -> Iterator[Outcome]:
    """Give an outcome for each song, as it is finished: the first are mined while others are still read.

    Songs are taken in alphabetical order, so that the first of equal content is the one that is mined, and the later
    ones are its duplicates. Of a song that was taken its number is kept, no more.

    Args:
        songs: the songs.
        way: how they are mined.
    """
    miner, seen = Miner(way), defaultdict[str, set[int]](set)
    for (feature_key, song_id), found in Fingerprints(way.settings).of(songs.by_path()):
        number = int(song_id, 16)
        if number in seen[feature_key]:
            yield from miner.reported([Outcome(found.song, song_id, "duplicate", feature_key)])
        else:
            seen[feature_key].add(number)
            yield from miner.add((feature_key, song_id), [found])
    yield from miner.rest()

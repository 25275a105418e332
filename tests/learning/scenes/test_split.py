"""No song, artist or collection is on two sides of a split."""

from dataclasses import dataclass

import numpy as np
import pytest

from mixprior.learning.scenes.split import BY, split
from mixprior.stats.errors import InputError


@dataclass(frozen=True)
class Piece:
    song_id: str
    artists: frozenset[str] = frozenset()
    collection: str = ""


def catalog(seed: int, songs: int = 60, artists: int = 40, collections: int = 12) -> list[Piece]:
    """Songs with featured artists; an artist is mostly in one collection, as it is."""
    rng = np.random.default_rng(seed)
    leads = rng.integers(0, artists, songs)
    return [
        Piece(
            f"{k:016x}",
            frozenset({f"artist {lead}"} | ({f"artist {rng.integers(0, artists)}"} if rng.random() < 0.05 else set())),
            f"collection {lead % collections}",
        )
        for k, lead in enumerate(leads)
    ]


@pytest.mark.parametrize("by", BY)
@pytest.mark.parametrize("seed", range(5))
def test_nothing_that_a_split_goes_by_is_on_two_sides(by, seed):
    pieces = catalog(seed)
    three = {"train": 0.6, "choose": 0.2, "test": 0.2}
    sides = split(pieces, by, seed, {"train": 0.6, "choose": 0.4} if by == "collection" else three)
    assert sorted(song for side in sides.values() for song in side) == sorted(each.song_id for each in pieces)
    side_of = {song: side for side, songs in sides.items() for song in songs}
    facts = {"artist": lambda each: each.artists, "collection": lambda each: {each.collection}}
    held = {"song": (), "artist": ("artist",), "collection": ("artist", "collection")}[by]
    for name in held:
        found: dict[str, set[str]] = {}
        for each in pieces:
            for value in facts[name](each):
                found.setdefault(value, set()).add(side_of[each.song_id])
        assert all(len(sides) == 1 for sides in found.values())


def test_a_split_does_not_depend_on_the_order_of_songs_and_differs_by_seed():
    pieces = catalog(1)
    assert split(pieces, seed=3) == split(pieces[::-1], seed=3)
    assert split(pieces, seed=3) != split(pieces, seed=4)


def test_sides_come_near_their_shares():
    sides = split([Piece(f"{k:016x}", frozenset({str(k)})) for k in range(100)])
    assert {side: len(songs) for side, songs in sides.items()} == {"train": 75, "choose": 25}


def test_a_featured_artist_keeps_songs_together():
    pieces = [Piece("1", frozenset({"a"})), Piece("2", frozenset({"a", "b"})), Piece("3", frozenset({"b"}))]
    others = [Piece(str(k), frozenset({str(k)})) for k in range(4, 9)]
    sides = split([*pieces, *others])
    assert any({"1", "2", "3"} <= set(side) for side in sides.values())


def test_too_few_groups_are_refused():
    with pytest.raises(InputError, match="2 songs are 1 groups by artist"):
        split([Piece("1", frozenset({"a"})), Piece("2", frozenset({"a"}))])

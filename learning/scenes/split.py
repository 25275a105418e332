"""Sides of a split: songs that train and songs that choose when to stop, with nothing in common."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Protocol

from mixprior.stats.errors import InputError

TRAIN, CHOOSE = "train", "choose"
SHARES = {TRAIN: 0.75, CHOOSE: 0.25}
BY = ("song", "artist", "collection")
"""What stays on one side: equal songs; also all songs with an artist in common; also all songs of a collection."""


class Piece(Protocol):
    """What is known of a song.

    Attributes:
        song_id: of its content.
        artists: everybody who is heard, in small letters.
        collection: where it is from; "" where that is not known.
    """

    @property
    def song_id(self) -> str: ...
    @property
    def artists(self) -> frozenset[str]: ...
    @property
    def collection(self) -> str: ...


def split(
    pieces: Sequence[Piece], by: str = "artist", seed: int = 0, shares: Mapping[str, float] = SHARES
) -> dict[str, list[str]]:
    """Put songs on sides, so that what they have in common is on one side; the order of the songs does not matter.

    Args:
        pieces: the songs.
        by: one of `BY`.
        seed: of the split.
        shares: of the songs wanted on each side; groups are as large as they are, so that sides come near them.

    Returns:
        Song ids by side, sorted.

    Raises:
        InputError: if there are fewer groups than sides.
    """
    if by not in BY:
        raise InputError(f"songs are split by {', '.join(BY)}, not by {by!r}")
    groups = groups_of(pieces, by)
    if len(groups) < len(shares):
        raise InputError(
            f"{len(pieces)} songs are {len(groups)} groups by {by}: too few for the {len(shares)} sides "
            f"{', '.join(shares)}"
        )
    drawn = sorted(groups, key=lambda group: hashlib.sha256(f"{seed} {group[0]}".encode()).digest())
    songs = sum(map(len, groups))
    sides: dict[str, list[str]] = {side: [] for side in shares}
    for group in drawn:
        # To the side that is furthest from its share; each side gets a group before any gets its second.
        side = min(sides, key=lambda side: (len(sides[side]) > 0, len(sides[side]) / (shares[side] * songs)))
        sides[side] += group
    return {side: sorted(ids) for side, ids in sides.items()}


def groups_of(pieces: Iterable[Piece], by: str = "artist") -> list[list[str]]:
    """Ids of songs that belong together, each group sorted: connected by what they share."""
    parent: dict[Hashable, Hashable] = {}

    def root(node: Hashable) -> Hashable:
        while parent.setdefault(node, node) != node:
            parent[node] = node = parent[parent[node]]
        return node

    songs = sorted({each.song_id: each for each in pieces}.items())
    for song_id, each in songs:
        shared: list[Hashable] = []
        if by != "song":
            shared += [("artist", artist) for artist in sorted(each.artists)]
        if by == "collection" and each.collection:
            shared.append(("collection", each.collection))
        for node in shared:
            parent[root(node)] = root(("song", song_id))
    groups: dict[Hashable, list[str]] = {}
    for song_id, _ in songs:
        groups.setdefault(root(("song", song_id)), []).append(song_id)
    return sorted(groups.values())

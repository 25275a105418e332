"""The data card of trained weights: what they were made of, so that it is known what they may be used for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from mixprior.learning.scenes.songs import TrainingSong
from mixprior.learning.training.config import TrainingConfig


def card(
    songs: Sequence[TrainingSong], sides: Mapping[str, Sequence[str]], config: TrainingConfig, **facts: Any
) -> dict[str, Any]:
    """Facts for the card; the digest of the weights is added when they are written.

    Args:
        songs: all that were read.
        sides: ids of songs by side of the split.
        config: of the training.
        facts: others, as JSON takes them.
    """
    side_of = {song_id: side for side, ids in sides.items() for song_id in ids}
    listed = [
        {
            "song_id": each.song_id,
            "artists": sorted(each.artists),
            "collection": each.collection,
            "role": each.role,
            "licence": each.licence,
            "side": side_of[each.song_id],
        }
        for each in songs
        if each.song_id in side_of
    ]
    return {"songs": listed, "seed": config.seed, "config": asdict(config), **facts}

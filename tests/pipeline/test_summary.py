"""The summary of a run counts the songs that groups miss."""

import json

import pytest

from mixprior.pipeline.summary import _ungrouped


@pytest.mark.parametrize(
    ("group_by", "missing"),
    [
        (["genre"], {"genre": 2}),
        (["decade", "genre"], {"decade": 1, "genre": 2}),
        (["tempo_band", "singing"], {}),
        ([], {}),
    ],
)
def test_songs_without_a_value_are_counted_by_column(group_by, missing):
    songs = [{"genre": "rock", "year": 1999}, {"genre": None, "year": 2003}, {}]
    assert _ungrouped([json.dumps(song) for song in songs], group_by) == missing

"""Priors without a song are those that mining without it gives."""

from __future__ import annotations

import pandas as pd
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs
from mixprior.mixing.evaluation.leave_one_out import KeptPriors, priors_without
from mixprior.stats.errors import InputError

pytestmark = pytest.mark.slow


def test_without_none_they_are_the_runs_own(mined_run, tmp_path):
    ours = priors_without(mined_run, None, tmp_path).query(vectors=True)
    pd.testing.assert_frame_equal(ours, open_priors(mined_run).query(vectors=True))


def test_the_song_left_out_does_not_count(mined_run, tmp_path):
    songs = open_songs(mined_run).query("song", "vocal_to_backing_lu")
    left_out = songs.iloc[2]
    others = songs[songs["path"] != left_out["path"]]["value"]
    prior = priors_without(mined_run, left_out["path"].rsplit("/", 1)[-1], tmp_path).lookup(
        "song", "vocal_to_backing_lu"
    )
    assert prior.n == len(songs) - 1
    assert prior.mean == pytest.approx(others.mean(), abs=1e-6)


def test_a_song_that_is_not_there_is_refused(mined_run, tmp_path):
    with pytest.raises(InputError, match="0 songs"):
        priors_without(mined_run, "no such song", tmp_path)


def test_priors_read_once_give_the_same_rows(mined_run):
    priors = open_priors(mined_run)
    pd.testing.assert_frame_equal(KeptPriors.of(priors).query(), priors.query())

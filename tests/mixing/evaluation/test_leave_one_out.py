"""Priors without an artist are those that mining without the songs of this artist gives."""

from __future__ import annotations

import pandas as pd
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.analysis.songs import open_songs
from mixprior.mixing.evaluation.leave_one_out import KeptPriors, priors_without
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.stats.errors import InputError

pytestmark = pytest.mark.slow


@pytest.fixture
def recordings(mined_run) -> list[Recording]:
    """The songs of the run: Ana sings the first and is featured on the third."""
    songs = open_songs(mined_run).query("song", "duration_s")
    leads, featured = ["Ana", "Bo", "Cy", "Di", "Ed"], ["", "", "Fay; ANA ", "", "Bo"]
    return [
        Recording(song_id.ljust(64, "0"), lead, other, "songs", "", "", "", "", "yes", "", "", "prior")
        for song_id, lead, other in zip(songs["song_id"], leads, featured, strict=True)
    ]


def test_without_nobody_they_are_the_runs_own(mined_run, recordings, tmp_path):
    ours = priors_without(mined_run, {"gus"}, recordings, tmp_path / "priors")
    assert ours.path == open_priors(mined_run).path
    assert not (tmp_path / "priors").exists()


def test_the_songs_of_an_artist_do_not_count_nor_those_where_she_is_featured(mined_run, recordings, tmp_path):
    songs = open_songs(mined_run).query("song", "vocal_to_backing_lu")
    prior = priors_without(mined_run, {"ana"}, recordings, tmp_path).lookup("song", "vocal_to_backing_lu")
    assert prior.n == len(songs) - 2
    assert prior.mean == pytest.approx(songs["value"].iloc[[1, 3, 4]].mean(), abs=1e-6)


def test_a_song_whose_artists_are_not_known_is_refused(mined_run, recordings, tmp_path):
    with pytest.raises(InputError, match=f"table of roles lacks: {recordings[0].song_id}"):
        priors_without(mined_run, {"ana"}, recordings[1:], tmp_path)


def test_a_run_without_any_other_song_is_refused(mined_run, recordings, tmp_path):
    with pytest.raises(InputError, match="no song without"):
        priors_without(mined_run, {"ana", "bo", "cy", "di"}, recordings, tmp_path)


def test_priors_read_once_give_the_same_rows(mined_run):
    priors = open_priors(mined_run)
    pd.testing.assert_frame_equal(KeptPriors.of(priors).query(), priors.query())

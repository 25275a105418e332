"""The songs of a run, one by one."""

import json

import pytest

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.songs import open_songs
from mixprior.pipeline.store.songs import NotARun
from mixprior.pipeline.synthesis import SCORES


def test_every_song_tells_its_own_number(mined_run):
    frame = open_songs(mined_run).query("song", "vocal_to_backing_lu")
    measured = {path.rpartition("/")[2]: value for path, value in zip(frame["path"], frame["value"], strict=True)}
    assert measured == pytest.approx({score.title: score.vocal_to_backing_lu for score in SCORES}, abs=0.02)


def test_a_vector_is_a_list_a_song(mined_run):
    [*rows] = open_songs(mined_run).rows("vocals", "third-octave-db")
    assert {len(row["value"]) for row in rows} == {30}


def test_the_command_prints_a_line_a_song_or_json(mined_run, mixprior):
    asked = ("query", mined_run, "--songs", "--stem", "other", "--stat", "pan_position")
    lines = mixprior(*asked).stdout.splitlines()
    assert [line.split()[0] for line in lines[1:]] == sorted(score.title for score in SCORES)
    rows = json.loads(mixprior(*asked, "--json").stdout)["rows"]
    assert [row["value"] for row in rows] == pytest.approx([score.pan["other"] for score in SCORES], abs=0.002)


def test_what_is_not_there_is_told(mined_run, mixprior, tmp_path):
    with pytest.raises(PriorsLookupError, match="did you mean vocal_to_backing_lu"):
        open_songs(mined_run).rows("song", "vocal_to_backing")
    with pytest.raises(PriorsLookupError, match="no song"):
        open_songs(mined_run).rows("guitar", "integrated_lufs")
    with pytest.raises(NotARun, match=r"songs\.parquet"):
        open_songs(tmp_path)
    assert "--stem" in mixprior("query", mined_run, "--songs", expect=2).stderr

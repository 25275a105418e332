"""mixprior check: the rows of mine, true percentiles, and sentences that few songs do not inflate."""

import json

import numpy as np
import pytest
import soundfile

import mixprior
from mixprior.analysis.measure import measure
from mixprior.analysis.packaged.default_priors import open_chain
from mixprior.analysis.song_rows import SongRows
from mixprior.analysis.songs import open_songs
from mixprior.measured_song import measure_song
from mixprior.mixing.check import sentences
from mixprior.mixing.check.check import check, outside_of
from mixprior.mixing.check.standing import Standing
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.stats.priors.percentile import percentile
from mixprior.stats.registry import COLUMNS
from tests.analysis.priors_folder import write_priors
from tests.mixing.sounds import band, save, voice
from tests.pipeline.tiny_model import write_tiny_model


def standing(name: str, value: float, n: int, below: int, stem="vocals", hz=None, **others) -> Standing:
    quantiles = {"p5": -5.0, "p25": -3.0, "p50": -2.0, "p75": -1.0, "p95": 1.0}
    column = next(each for each in COLUMNS if each.name == name)
    facts = {"priors": "p", "group": "all", "reliability": 0.9, "is_known": True, **others}
    return Standing(stem, column, hz, value, percentile(n, below, below), quantiles, **facts)


# The rows of mine


def test_a_song_with_stems_gives_the_rows_of_mine(mined_run, stems_catalog):
    for path in sorted(each for each in stems_catalog.iterdir() if each.is_dir())[:2]:
        song = measure_song(path)
        for stem, statistic in [("song", "vocal_to_backing_lu"), ("mixture", "integrated_lufs"), ("vocals", "rt60_s")]:
            mined = {row["path"]: row["value"] for row in open_songs(mined_run).rows(stem, statistic)}
            assert song.value(stem, statistic) == mined[str(path)]
        assert not song.separated


def test_a_separated_song_gives_the_rows_of_mine(tmp_path):
    repository = write_tiny_model(tmp_path / "repo")
    audio = 0.1 * np.random.default_rng(3).standard_normal((2, 4 * 44_100))
    (tmp_path / "music").mkdir()
    soundfile.write(tmp_path / "music" / "song.wav", audio.T, 44_100, "FLOAT")
    separation = SeparationSettings("tiny", str(repository), device="cpu", precision="fp32")
    mixprior.mine(tmp_path / "music", tmp_path / "run", separation=separation, min_group=1, workers=1)
    song = measure_song(tmp_path / "music" / "song.wav", separation)
    assert song.separated
    for stem, statistic in [
        ("vocals", "integrated_lufs"),
        ("drums", "crest_factor_db"),
        ("mixture", "third_octave_db"),
    ]:
        (row,) = open_songs(tmp_path / "run").rows(stem, statistic)
        found = song.rows[stem][statistic]
        np.testing.assert_array_equal(np.array(found, float), np.array(row["value"], float))


def test_without_the_separator_a_finished_song_is_refused_in_one_line(tmp_path, monkeypatch, capsys):
    path = save(tmp_path / "mix.wav", band())
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert mixprior.main(["check", str(path)]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "pip install 'mixprior[mine]'" in line


# Percentiles


def test_the_songs_of_a_run_take_all_places_among_themselves(mined_run, stems_catalog):
    chain = open_chain(mined_run)
    places = []
    for path in sorted(each for each in stems_catalog.iterdir() if each.is_dir()):
        found = check(measure_song(path), chain)
        (ratio,) = [each for each in found.found.standings if each.column.name == "vocal_to_backing_lu"]
        assert ratio.percentile.n == 5
        places.append(ratio.percentile.fewest)
    assert sorted(places) == [0, 1, 2, 3, 4]


def test_an_absent_stem_is_said_to_be_absent():
    frame = measure({"vocals": np.zeros((2, 6 * 44_100), np.float32), "other": band()}, 44_100)
    found = check(SongRows.of_frame(frame), open_chain())
    assert [each.stem for each in found.found.absent if each.stem in ("song", "mixture", "vocals")] == ["vocals"]
    assert not [each for each in found.found.standings if each.stem == "vocals"]
    assert not [each for each in found.found.standings if each.column.name.startswith("vocal_to_backing")]
    assert "Absent: vocals" in found.text()


def test_a_group_that_no_priors_have_is_refused_before_any_work(capsys):
    """Neither is the song there, nor is it looked for; priors are named as a user names them."""
    assert mixprior.main(["check", "no_such_song.mp3", "--group", "genre=polka"]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("mixprior: there is no group genre=polka in the packaged priors published (all, ")
    assert line.endswith(" or the packaged priors starter (all, singing=no, singing=yes)")


def test_statistics_that_are_not_reliable_are_left_out_and_listed(tmp_path):
    folder = write_priors(tmp_path / "priors")
    manifest = json.loads((folder / "manifest.json").read_text())
    lists = {"hz": [None], "reliability": [0.1], "low": [0.0], "high": [0.3], "sources": [9], "songs": [9]}
    manifest["reliability"] = {"song": {"vocal_to_backing_lu": lists}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    frame = measure({"vocals": voice(), "backing": band()}, 44_100)
    found = check(SongRows.of_frame(frame), open_chain(folder))
    assert "vocal_to_backing_lu of song" in found.found.unreliable
    assert not [each for each in found.found.standings if each.column.name == "vocal_to_backing_lu"]
    assert "vocal_to_backing_lu of song" in found.text()


# Sentences


def test_a_sentence_says_how_far_from_the_median_and_beyond_how_many():
    said = sentences.sentence(standing("vocal_to_backing_lu", 1.1, 150, 135, stem="song"))
    assert said == (
        "the vocals are 3.1 LU louder against the backing than in the median song: louder than in 90 % of 150 songs "
        "(95 % interval of such songs: 84 to 94 %)"
    )


def test_of_few_songs_a_count_is_said_and_no_share():
    said = sentences.sentence(standing("loudness_vs_mixture_lu", 2.0, 8, 7))
    assert "louder than in 7 of 8 songs (95 % interval of such songs: 47 to 100 %)" in said
    assert "all 8 songs" in sentences.sentence(standing("loudness_vs_mixture_lu", 2.0, 8, 8))


def test_one_statistic_of_a_stem_and_family_stands_out_and_only_what_is_surely_beyond_half_of_the_songs():
    louder = standing("vocal_to_backing_lu", 2.0, 150, 148, stem="song")
    again = standing("loudness_vs_mixture_lu", 2.0, 150, 147)
    few = standing("crest_factor_db", 2.0, 3, 3, stem="drums")
    doubtful = standing("loudness_range_lu", 2.0, 150, 150, is_known=False, reliability=None)
    level = standing("integrated_lufs", 2.0, 150, 150)
    duration = standing("duration_s", 2.0, 150, 150, stem="song")
    assert sentences.notable([few, doubtful, again, level, louder, duration]) == [louder]


def test_as_many_statistics_are_outside_as_is_expected_of_a_song_drawn_as_the_others():
    rng = np.random.default_rng(5)
    names = [column.name for column in COLUMNS if not column.is_vector] * 10
    found = outside_of([standing(name, -2.0, 22, int(rng.integers(0, 23)), stem="mixture") for name in names])
    assert found.of == len(names)
    assert abs(found.found - found.expected) < 3 * np.sqrt(found.expected)


# The command


@pytest.fixture(scope="module")
def sounds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("check")
    return save(folder / "vocals.wav", voice()), save(folder / "backing.wav", band()), folder


def test_the_command_prints_sentences_a_table_json_and_a_picture(sounds, capsys):
    vocals, backing, folder = sounds
    words = ["check", "--vocal", str(vocals), "--backing", str(backing)]
    assert mixprior.main([*words, "--plot", str(folder / "check.png")]) == 0
    text = capsys.readouterr().out
    assert "statistics are outside the middle 90 %" in text
    assert "vocal_to_backing_lu" in text
    assert (folder / "check.png").read_bytes().startswith(b"\x89PNG")
    assert mixprior.main([*words, "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["stems"] == "given"
    (ratio,) = [each for each in document["statistics"] if each["statistic"] == "vocal_to_backing_lu"]
    assert ratio["n"] == 150
    assert 0 <= ratio["percentile_low"] <= ratio["percentile"] <= ratio["percentile_high"] <= 100


def test_tracks_in_a_folder_and_arrays_are_checked_alike(sounds, capsys):
    _, _, folder = sounds
    tracks = folder / "tracks"
    tracks.mkdir()
    save(tracks / "Lead Vox.wav", voice()), save(tracks / "Synth.wav", band())
    assert mixprior.main(["check", "--tracks", str(tracks), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    found = mixprior.check({"vocals": voice(), "other": band()}, 44_100)
    by_name = {(each["stem"], each["statistic"], each["hz"]): each["percentile"] for each in document["statistics"]}
    for each in found.found.standings:
        assert by_name[each.stem, each.column.name, each.hz] == pytest.approx(each.percentile.percentile, abs=5)


@pytest.mark.parametrize(
    "words", [[], ["mix.wav", "--tracks", "x"], ["--vocal", "x"], ["mix.wav", "--roles", "roles.csv"]]
)
def test_what_does_not_go_together_is_refused_in_one_line(words, capsys):
    assert mixprior.main(["check", *words]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1

"""--like: targets of the priors drawn towards a song, and what the recipe says of both."""

import json
from dataclasses import replace

import numpy as np
import pytest

import mixprior
from mixprior.analysis.measure import measure
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.mix import explain
from mixprior.mixing.mix.arrays import mix, mix_tracks
from mixprior.mixing.plan.explained import explained
from mixprior.mixing.plan.like import Like
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.statistic import MIXTURE
from tests.analysis.priors_folder import write_priors
from tests.mixing.sounds import RATE_HZ, band, save, sound, voice


def song(name="wanted.wav", separated=False, **values: float) -> SongRows:
    """A song with these statistics: `song__vocal_to_backing_lu`."""
    rows: dict = {MIXTURE: {}, "song": {}}
    for key, value in values.items():
        stem, _, statistic = key.partition("__")
        rows.setdefault(stem, {})[statistic] = value
    return SongRows(name, rows, separated)


@pytest.fixture(scope="module")
def loud_song() -> SongRows:
    """A bright song of which the vocals are 6 dB above the band."""
    return SongRows.of_frame(measure({"vocals": 2 * voice(), "other": band()}, RATE_HZ), "loud.wav")


@pytest.fixture
def folder(tmp_path):
    return write_priors(tmp_path / "priors")


def test_a_target_is_drawn_towards_the_song_and_says_both(folder):
    catalog = Targets.of(folder).ratio()
    drawn = Targets.of(folder, like=[song(song__vocal_to_backing_lu=-9.0)]).ratio()
    assert -9.0 < drawn.value < catalog.value
    assert drawn.value == pytest.approx(catalog.value + 0.8 * (-9.0 - catalog.value))
    assert drawn.spread < catalog.spread
    assert drawn.reason.startswith("like 80% wanted.wav, -9.00 and 20% -1.89, median of ")
    prior, reference = drawn.priors
    assert prior == catalog.priors[0]
    assert (reference["reference"], reference["value"], round(reference["weight"], 3)) == ("wanted.wav", -9.0, 0.8)


def test_two_songs_narrow_it_and_a_separated_one_counts_less(folder):
    one, two, separated = (
        Targets.of(folder, like=songs).ratio()
        for songs in (
            [song(song__vocal_to_backing_lu=-9.0)],
            [song(song__vocal_to_backing_lu=-9.0)] * 2,
            [song(song__vocal_to_backing_lu=-9.0, separated=True)],
        )
    )
    assert two.value < one.value < separated.value
    assert two.spread < one.spread < separated.spread


def test_what_the_song_lacks_is_taken_from_the_catalog_with_a_note(folder):
    drawn, catalog = Targets.of(folder, like=[song()]).ratio(), Targets.of(folder).ratio()
    assert replace(drawn, notes=()) == replace(catalog, notes=())
    assert "wanted.wav has no vocal_to_backing_lu of song" in drawn.notes


def test_what_a_person_gave_is_not_drawn(folder):
    assert Targets.of(folder, like=[song(song__vocal_to_backing_lu=-9.0)]).ratio(-3.0).value == -3.0


def test_a_target_given_what_is_sung_and_those_of_a_reverb_are_drawn_too():
    wanted = song(vocals__loudness_range_lu=2.0, vocals__rt60_s=0.3, vocals__wet_dry_db=-8.0)
    catalog, like = (
        explained(Targets.of(like=songs), "vocals", "loudness_range_lu", ("vocals", "vocal_active_ratio"), 0.5)
        for songs in ([], [wanted])
    )
    assert like.value == pytest.approx(catalog.value + 0.8 * (2.0 - catalog.value))
    voices, rest = (sound(audio) for audio in (voice(), band()))
    steps = [
        add_reverb("vocals", voices, rest, Targets.of(like=songs), Options(steps=("reverb",)))[1]
        for songs in ([], [wanted])
    ]
    times = [step.target["rt60_s"] for step in steps]
    assert 0.3 < times[1] < times[0]
    assert steps[1].aims[0]["centre"] > steps[0].aims[0]["centre"]


def test_the_spectrum_is_drawn_band_by_band(loud_song):
    (prior, _, _), (drawn, _, said) = (Targets.of(like=songs).spectrum(MIXTURE) for songs in ([], [loud_song]))
    wanted = np.array(loud_song.rows[MIXTURE]["third_octave_db"], float)
    known = np.isfinite(wanted) & np.isfinite(prior.centre_db) & (prior.sd_db > 0)
    np.testing.assert_allclose(
        drawn.centre_db[known], (prior.centre_db + 0.8 * (wanted - prior.centre_db))[known], atol=1e-9
    )
    assert (drawn.sd_db[known] < prior.sd_db[known]).all()
    assert said[1]["weight"] == pytest.approx(0.8)


def test_the_mix_is_as_loud_as_the_song_unless_a_person_says_otherwise():
    like = Like((song(mixture__integrated_lufs=-9.0), song(mixture__integrated_lufs=-11.0)))
    assert like.options(Options(), False).target_lufs == -10.0
    assert like.options(Options(target_lufs=-14.0), True).target_lufs == -14.0
    assert Like().options(Options(), False) == Options()


def test_a_mix_like_a_song_is_nearer_to_it_and_keeps_the_ceiling(loud_song):
    vocals, backing = 0.3 * voice(), band()
    plain, like, all_of_the_way = (
        mix(vocals, backing, RATE_HZ, **chosen)
        for chosen in ({}, {"like": [loud_song]}, {"like": [loud_song], "trust": 1.0})
    )
    wanted = loud_song.value("song", "vocal_to_backing_lu")
    far = [abs(each.recipe.results.vocal_to_backing_lu - wanted) for each in (plain, like, all_of_the_way)]
    assert far[0] > far[1] > far[2]
    assert like.recipe.results.integrated_lufs == pytest.approx(loud_song.value(MIXTURE, "integrated_lufs"), abs=0.1)
    assert like.recipe.results.true_peak_dbtp <= -1.0
    assert [step.name for step in like.recipe.steps] == ["like", "level", "eq", "level", "loudness"]
    text = explain.of_document(json.loads(like.recipe.to_json()))
    assert "like loud.wav, whose statistics are weighed against the catalog's; as loud" in text
    assert "loud.wav, " in text
    assert "songs of the packaged priors published" in text


def test_tracks_are_mixed_like_a_song(loud_song):
    tracks = {"Lead Vox": 0.3 * voice(), "Synth": band()}
    plain, like = (mix_tracks(tracks, RATE_HZ, **chosen) for chosen in ({}, {"like": [loud_song]}))
    wanted = loud_song.value("song", "vocal_to_backing_lu")
    assert abs(like.recipe.results.vocal_to_backing_lu - wanted) < abs(
        plain.recipe.results.vocal_to_backing_lu - wanted
    )
    assert like.recipe.steps[0].name == "like"


def test_the_command_and_python_take_a_folder_of_stems_and_python_a_frame(tmp_path, capsys):
    folder = tmp_path / "stems"
    folder.mkdir()
    for name, audio in {"vocals": 2 * voice(), "other": band()}.items():
        save(folder / f"{name}.wav", audio)
    frame = measure({"vocals": 2 * voice(), "other": band()}, RATE_HZ)
    of_frame, of_folder = (mixprior.mix(voice(), band(), RATE_HZ, like=each) for each in (frame, [folder]))
    np.testing.assert_allclose(of_frame.audio, of_folder.audio, atol=1e-6)
    sounds = ["--vocal", save(tmp_path / "v.wav", voice()), "--backing", save(tmp_path / "b.wav", band())]
    assert mixprior.main(["mix", *sounds, "--like", str(folder), "-o", str(tmp_path / "mix.wav")]) == 0
    assert "like stems, whose statistics are weighed against the catalog's; as loud" in capsys.readouterr().out
    recipe = json.loads((tmp_path / "mix.mix.json").read_text())
    assert recipe["results"]["vocal_to_backing_lu"] == pytest.approx(
        of_folder.recipe.results.vocal_to_backing_lu, abs=0.02
    )


def test_what_is_no_song_to_be_like_is_refused_in_one_line(tmp_path, capsys):
    sounds = ["--vocal", save(tmp_path / "v.wav", voice()), "--backing", save(tmp_path / "b.wav", band())]
    assert mixprior.main(["mix", *sounds, "--like", str(tmp_path / "no.wav"), "-o", str(tmp_path / "mix.wav")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "no.wav" in line
    assert not (tmp_path / "mix.wav").exists()

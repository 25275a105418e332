"""What a folder of tracks can be like: names that tell, lists of roles, silence, other rates, and faults."""

import tracemalloc

import numpy as np
import pytest

from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.mix.recipe import Recipe
from mixprior.mixing.plan.step import STEPS
from mixprior.stats.measures.true_peak import true_peak_dbtp
from tests.mixing.mix_command import refusal
from tests.mixing.multitrack_song import (
    INSTRUMENTS,
    METERS_DB,
    bass,
    hats,
    kick,
    levels_lu,
    mix,
    mixed,
    pad,
    roles_of,
    save_all,
    sung,
)
from tests.mixing.sounds import RATE_HZ, load
from tools import meter

pytestmark = pytest.mark.slow


def reached_lu(recipe: Recipe) -> dict[str, float]:
    """Levels of the instruments, as the steps say."""
    steps = {step.of: step for step in recipe.steps if step.name == "level"}
    return {bus: steps[bus].reached["loudness_vs_mixture_lu"] for bus in INSTRUMENTS}


# What each track is taken for.


def test_tracks_without_telling_names_are_told_by_sound(tmp_path):
    sounds = {"Audio 01": hats(), "Audio 02": bass(), "Audio 03": sung(), "Audio 04": pad()}
    recipe = mixed(save_all(tmp_path, sounds), tmp_path / "mix.wav", steps=("level",))
    assert list(roles_of(recipe).values()) == ["drums", "bass", "vocals", "other"]
    assert all(line["why"].startswith("sound: ") for line in recipe.steps[0].measured.values())


def test_a_guess_by_sound_that_is_right_half_of_the_time_is_warned_of(tmp_path):
    recipe = mixed(save_all(tmp_path, {"Audio 03": sung(), "Audio 04": pad()}), tmp_path / "mix.wav", steps=("level",))
    assert recipe.steps[0].measured["Audio 04"]["confidence"] == 0.5
    doubtful = [warning.text for warning in recipe.warnings if warning.code == "role"]
    assert len(doubtful) == 1
    assert doubtful[0].startswith("Audio 04 was taken for other")
    assert "--roles" in doubtful[0]


def test_a_list_of_roles_goes_before_names_and_sound(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Kick": kick(), "Audio 01": pad()})
    (tmp_path / "roles.csv").write_text("track,role\nKick,bass\nAudio 01,vocals\n", "utf-8")
    words = ("--tracks", *paths.values(), "--roles", tmp_path / "roles.csv", "--only", "level")
    recipe = mix(*words, "-o", tmp_path / "mix.wav")
    assert recipe["settings"]["routing"] == {"Kick": "bass", "Audio 01": "vocals"}
    assert recipe["steps"][0]["measured"]["Audio 01"]["why"] == "listed in roles.csv"
    assert recipe["warnings"] == []


def test_a_list_of_roles_may_name_the_files(tmp_path):
    paths = save_all(tmp_path / "tracks", {"3.kick": kick(2.0), "3.pad": pad(duration_s=2.0)})
    (tmp_path / "roles.csv").write_text("track,role\n3.kick.wav,bass\n3.pad.wav,vocals\n", "utf-8")
    words = ("--tracks", *paths.values(), "--roles", tmp_path / "roles.csv", "--only", "level")
    recipe = mix(*words, "-o", tmp_path / "mix.wav")
    assert recipe["settings"]["routing"] == {"3.kick": "bass", "3.pad": "vocals"}


def test_a_list_of_roles_that_lies_beside_the_tracks_is_taken(tmp_path):
    save_all(tmp_path / "tracks", {"Kick": kick(2.0), "Audio 01": pad(duration_s=2.0)})
    (tmp_path / "tracks" / "roles.csv").write_text("track,role\nAudio 01,bass\n", "utf-8")
    recipe = mix("--tracks", tmp_path / "tracks", "--only", "level", "-o", tmp_path / "mix.wav")
    assert recipe["settings"]["routing"] == {"Kick": "drums", "Audio 01": "bass"}


def test_a_list_of_roles_that_names_no_track_is_refused(tmp_path, capsys):
    paths = save_all(tmp_path / "tracks", {"3.kick": kick(1.0), "3.pad": pad(duration_s=1.0)})
    (tmp_path / "roles.csv").write_text("track,role\n3,bass\n", "utf-8")
    words = ("--tracks", *paths.values(), "--roles", tmp_path / "roles.csv", "-o", tmp_path / "mix.wav")
    assert "roles.csv:2: no track '3'" in refusal(capsys, *words)
    assert not (tmp_path / "mix.wav").exists()


# Few and many tracks, silence, and other rates.


def test_the_range_of_vocals_is_set_among_tracks_too(tmp_path):
    falling = np.linspace(1.0, 0.05, 8 * RATE_HZ) * sung(240.0, 8.0)
    save_all(tmp_path / "tracks", {"Lead Vox": falling, "Kick": kick(8.0)})
    recipe = mix("--tracks", tmp_path / "tracks", "-o", tmp_path / "mix.wav", "--loudness-range-lu", "5")
    (step,) = (step for step in recipe["steps"] if step["name"] == "compression")
    assert step["of"] == "vocals"
    assert step["measured"]["loudness_range_after_lu"] == pytest.approx(5.0, abs=0.1)
    assert recipe["settings"]["buses"]["vocals"]["compressor"] == step["setting"]
    assert recipe["settings"]["buses"]["drums"]["compressor"] is None


def test_a_mix_in_the_folder_of_its_tracks_is_no_track_of_the_next(tmp_path):
    save_all(tmp_path, {"Kick": kick(1.0), "Pad": pad(duration_s=1.0)})
    (tmp_path / "._Pad.wav").write_bytes(b"what a Mac leaves on other disks")
    for name in ("mix.wav", "again.wav"):
        recipe = mix("--tracks", tmp_path, "-o", tmp_path / name)
        assert set(recipe["inputs"]) == {"Kick", "Pad"}


def test_one_track_alone_is_mixed_to_the_target_loudness(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Piano": pad()})
    recipe = mix("--tracks", tmp_path / "tracks", "-o", tmp_path / "mix.wav")
    assert recipe["settings"]["routing"] == {"Piano": "other"}
    assert recipe["settings"]["tracks"]["Piano"]["pan"] is None
    assert recipe["settings"]["buses"]["other"]["output_gain_db"] == 0.0
    assert meter.read(tmp_path / "mix.wav").integrated_lufs == pytest.approx(-16.0, abs=0.1)
    assert load(tmp_path / "mix.wav").shape[1] == load(paths["Piano"]).shape[1]


def test_64_tracks_take_little_memory(tmp_path):
    """What they fill, and 80 MB for the work on them."""
    rng = np.random.default_rng(5)
    words = ("Kick", "Hats", "Bass", "Pad", "Piano", "Vox", "Choir", "Synth")
    duration_s = 2.0
    sounds = [sound(duration_s=duration_s) for sound in (kick, hats, bass, pad, pad, sung, sung, pad)]
    tracks = {}
    for number in range(64):
        sound = sounds[number % 8]
        tracks[f"{words[number % 8]} {number // 8}"] = np.roll(sound, rng.integers(sound.size)) * rng.uniform(0.1, 1)
    paths = save_all(tmp_path / "tracks", tracks)
    mixed(dict(list(paths.items())[:8]), tmp_path / "few.wav")  # compiles
    tracemalloc.start()
    recipe = mixed(paths, tmp_path / "mix.wav")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 2 * 4 * round(duration_s * RATE_HZ) + 80e6
    assert len(recipe.settings.tracks) == 64
    assert recipe.results.integrated_lufs == pytest.approx(-16.0, abs=0.1)


def test_a_silent_track_is_told_of_and_does_no_harm(tmp_path):
    tracks = {"Kick": kick(3.0), "Bass": bass(3.0), "Pad": pad(220.0, 3.0), "Lead Vox": sung(240.0, 3.0)}
    silent = dict.fromkeys(("Snare", "Audio 9"), np.zeros(RATE_HZ))
    steps = ("level", "eq", "pan", "loudness")
    mixed(save_all(tmp_path / "without", tracks), tmp_path / "without.wav", steps=steps)
    recipe = mixed(save_all(tmp_path / "with", {**tracks, **silent}), tmp_path / "with.wav", steps=steps)
    assert (tmp_path / "with.wav").read_bytes() == (tmp_path / "without.wav").read_bytes()
    for name in silent:
        assert f"{name} is silent, or shorter than 0.4 s" in map(str, recipe.warnings)


@pytest.mark.parametrize("silent", ["Kick", "Lead Vox"])
def test_a_class_of_silent_tracks_does_no_harm(tmp_path, silent):
    tracks = {"Kick": kick(3.0), "Bass": bass(3.0), "Pad": pad(220.0, 3.0), "Lead Vox": sung(240.0, 3.0)}
    tracks[silent] = np.zeros(RATE_HZ)
    recipe = mixed(save_all(tmp_path / "tracks", tracks), tmp_path / "mix.wav")
    assert recipe.settings.buses[roles_of(recipe)[silent]] == Chain()
    assert recipe.results.integrated_lufs == pytest.approx(-16.0, abs=0.1)


def test_silence_alone_stays_silent(tmp_path):
    paths = save_all(tmp_path / "tracks", dict.fromkeys(("Kick", "Lead Vox", "Pad"), np.zeros(2 * RATE_HZ)))
    recipe = mixed(paths, tmp_path / "mix.wav")
    assert not load(tmp_path / "mix.wav").any()
    assert recipe.results.integrated_lufs is None


def test_a_song_without_vocals(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Kick": kick(), "Bass": bass(), "Pad": pad()})
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems")
    # Kick and bass share frequencies here, so that their energies do not just add, as the gains take it.
    assert levels_lu(tmp_path, tmp_path / "stems") == pytest.approx(reached_lu(recipe), abs=0.3)
    assert recipe.results.vocal_to_backing_lu is None
    assert recipe.results.integrated_lufs == pytest.approx(-16.0, abs=0.1)
    assert "vocals" not in recipe.settings.buses


def test_vocals_without_a_backing_are_mixed_without_a_ratio(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Lead Vox": sung(240.0, 3.0), "Choir": 0.5 * sung(371.0, 3.0)})
    recipe = mixed(paths, tmp_path / "mix.wav", wet_dry_db=-15.0)
    (reverb,) = (step for step in recipe.steps if step.name == "reverb")
    assert recipe.settings.buses["vocals"].output_gain_db == reverb.setting["makeup_db"]
    assert recipe.results.vocal_to_backing_lu is None
    assert recipe.results.integrated_lufs == pytest.approx(-16.0, abs=0.1)


def test_a_word_that_all_tracks_share_is_the_role_of_all_where_only_numbers_tell_them_apart(tmp_path):
    paths = save_all(tmp_path / "tracks", {"Vox 1": pad(duration_s=2.0), "Vox 2": pad(300.0, 2.0)})
    recipe = mixed(paths, tmp_path / "mix.wav", steps=("level",))
    assert roles_of(recipe) == {"Vox 1": "vocals", "Vox 2": "vocals"}


def test_tracks_of_other_lengths_and_rates(tmp_path):
    folder = tmp_path / "tracks"
    paths = {
        **save_all(folder, {"Kick": kick(5.0, 48_000)}, 48_000),
        **save_all(folder, {"Bass": bass(6.5)}),
        **save_all(folder, {"Pad": pad(220.0, 6.0, 22_050)}, 22_050),
        **save_all(folder, {"Lead Vox": np.tile(sung(240.0, 3.0, 96_000), (2, 1))}, 96_000),
    }
    recipe = mixed(paths, tmp_path / "mix.wav", tmp_path / "stems", steps=("level", "pan", "loudness"))
    assert load(tmp_path / "mix.wav").shape == (2, round(6.5 * 96_000))
    assert recipe.output.sample_rate_hz == 96_000
    assert recipe.inputs["Lead Vox"].channels == 2
    assert levels_lu(tmp_path, tmp_path / "stems") == pytest.approx(reached_lu(recipe), abs=0.3)
    spectrum = np.abs(np.fft.rfft(load(tmp_path / "stems" / "bass.wav")[0][: 6 * 96_000]))
    assert np.argmax(spectrum) / 6 == pytest.approx(55, abs=1)


def test_a_track_that_holds_no_numbers_is_refused(tmp_path, capsys):
    broken = bass(1.0)
    broken[1000] = np.nan
    save_all(tmp_path / "tracks", {"Kick": kick(1.0), "Bass": broken})
    told = refusal(capsys, "--tracks", tmp_path / "tracks", "-o", tmp_path / "mix.wav")
    assert "Bass.wav" in told
    assert "NaN" in told
    assert [path.name for path in tmp_path.iterdir()] == ["tracks"]


def test_tracks_that_sum_past_full_scale_keep_under_the_ceiling(tmp_path):
    tracks = {"Kick": kick(3.0), "Bass": bass(3.0), "Pad": pad(220.0, 3.0), "Lead Vox": sung(240.0, 3.0)}
    largest = np.abs(sum(tracks.values())).max()
    paths = save_all(tmp_path / "tracks", {name: 1.5 / largest * audio for name, audio in tracks.items()})
    for steps in ((), STEPS):
        recipe = mixed(paths, tmp_path / "mix.wav", steps=steps, target_lufs=-9.0)
        assert meter.read(tmp_path / "mix.wav").true_peak_dbtp <= -1.0 + METERS_DB
        assert true_peak_dbtp(load(tmp_path / "mix.wav")) == recipe.results.true_peak_dbtp
        assert recipe.results.true_peak_dbtp <= -1.0
        assert recipe.settings.limiter is not None


# Faults.


def test_two_tracks_of_the_same_name_are_refused(tmp_path, capsys):
    for folder in ("a", "b"):
        save_all(tmp_path / folder, {"Kick": kick(1.0)})
    told = refusal(capsys, "--tracks", tmp_path / "a", tmp_path / "b", "-o", tmp_path / "mix.wav")
    assert told == "two tracks are called Kick: rename one, tracks are known by their names"


def test_a_track_given_twice_is_refused(tmp_path, capsys):
    (path,) = save_all(tmp_path / "a", {"Kick": kick(1.0)}).values()
    told = refusal(capsys, "--tracks", tmp_path / "a", path, "-o", tmp_path / "mix.wav")
    assert "Kick" in told


def test_a_folder_without_sounds_is_refused(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "notes.txt").write_text("nothing", "utf-8")
    told = refusal(capsys, "--tracks", tmp_path / "empty", "-o", tmp_path / "mix.wav")
    assert told.startswith(f"{tmp_path / 'empty'} holds no sound files")

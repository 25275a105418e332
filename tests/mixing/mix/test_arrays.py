"""Arrays in, a mix out: the same as the command writes of files, and what cannot be mixed is refused in one line."""

import numpy as np
import pytest
import soundfile

from mixprior.mixing.mix.arrays import mix, mix_tracks
from mixprior.stats.errors import InputError
from tests.mixing import mix_command, multitrack_song
from tests.mixing.multitrack_song import bass, kick, pad, save_all, sung
from tests.mixing.sounds import RATE_HZ, band, load, voice

STEP = 2.0**-23
"""Of 24 bits."""


def of_24_bits(audio: np.ndarray) -> np.ndarray:
    return (np.round(audio * 2**23) / 2**23).astype(np.float32)


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_mix_of_arrays_is_the_mix_of_files_but_for_the_bits(tmp_path, rate_hz):
    vocals, backing = voice(3.0, rate_hz)[:1], band(4.0, rate_hz)
    paths = {"vocals": tmp_path / "v.wav", "backing": tmp_path / "b.wav"}
    for path, audio in zip(paths.values(), (vocals, backing), strict=True):
        soundfile.write(path, audio.T, rate_hz, "FLOAT")
    options = {"steps": ("level", "unmask", "loudness"), "target_lufs": -14.0}
    written = mix_command.mixed(paths, tmp_path / "mix.wav", **options)
    mixed = mix(vocals[0], backing, rate_hz, **options)
    assert mixed.audio.dtype == np.float32
    assert mixed.rate_hz == max(rate_hz, 44_100)
    assert np.abs(load(tmp_path / "mix.wav") - mixed.audio).max() <= STEP
    assert mixed.recipe.settings == written.settings
    assert mixed.recipe.steps == written.steps
    assert mixed.recipe.results.integrated_lufs == pytest.approx(written.results.integrated_lufs, abs=1e-4)
    assert (mixed.recipe.output.path, mixed.recipe.inputs["vocals"].path) == (None, None)
    assert mixed.recipe.inputs["vocals"].channels == 1
    mixed.recipe.to_json()


def test_a_mix_of_tracks_is_the_mix_of_their_files_but_for_the_bits(tmp_path):
    tracks = {"Kick": kick(2.0), "Bass": bass(2.0), "Pad": pad(duration_s=2.0), "Lead Vox": sung(240.0, 2.0)}
    tracks = {name: of_24_bits(audio) for name, audio in tracks.items()}
    paths = save_all(tmp_path / "tracks", tracks)
    steps = ("level", "pan", "loudness")
    written = multitrack_song.mixed(paths, tmp_path / "mix.wav", steps=steps)
    mixed = mix_tracks(tracks, RATE_HZ, steps=steps)
    assert np.abs(load(tmp_path / "mix.wav") - mixed.audio).max() <= STEP
    assert mixed.recipe.settings == written.settings


def test_roles_may_be_given(tmp_path):
    tracks = {"Audio 1": kick(1.0), "Audio 2": pad(duration_s=1.0)}
    mixed = mix_tracks(tracks, RATE_HZ, roles={"Audio 1": "bass", "Audio 2": "other"}, steps=("level",))
    assert dict(mixed.recipe.settings.routing) == {"Audio 1": "bass", "Audio 2": "other"}


def test_an_option_asks_for_its_step():
    mixed = mix(voice(1.0), band(1.0), RATE_HZ, eq_rule="seed")
    assert mixed.recipe.options["steps"] == ("level", "unmask", "loudness")


def test_progress_counts_the_stages():
    seen = []
    mix(voice(1.0), band(1.0), RATE_HZ, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_priors_and_group_are_as_on_the_command_line():
    by_default, by_name = (
        mix(voice(1.0), band(1.0), RATE_HZ, steps=("level",), **given) for given in ({}, {"priors": "published"})
    )
    assert by_default.recipe == by_name.recipe
    other = mix(voice(1.0), band(1.0), RATE_HZ, steps=("level",), priors="starter", group="genre=rock")
    assert {warning.code for warning in other.recipe.warnings} == {"prior"}


def test_a_mixture_beside_its_stems_is_left_out():
    stems = {"vocals": sung(240.0, 1.0), "drums": kick(1.0)}
    mixed = mix_tracks({**stems, "mixture": sum(stems.values())}, RATE_HZ)
    assert set(mixed.recipe.inputs) == set(stems)
    assert mixed.recipe.steps[0].notes == ("mixture is left out: it is the sum of other tracks",)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"vocals": np.zeros((1000, 2))}, r"vocals has shape \(1000, 2\): give \(channels, samples\)"),
        ({"backing": np.full((2, 1000), np.nan)}, "backing holds samples that are not numbers"),
        ({"vocals": np.zeros((2, 1000), np.int16)}, "vocals has samples of type int16"),
        ({"rate_hz": 100}, "sample rate of 100 Hz"),
        ({"amount": 2.0}, "amount is 2.0: it must be within 0 to 1"),
        ({"steps": ("pan",)}, "pan is a step for the tracks of a song"),
        ({"priors": "nowhere"}, "nowhere"),
    ],
)
def test_what_cannot_be_mixed_is_refused_in_one_line(given, refusal):
    arguments = {"vocals": voice(1.0), "backing": band(1.0), "rate_hz": RATE_HZ, **given}
    with pytest.raises(InputError, match=refusal) as refused:
        mix(**arguments)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("roles", "refusal"), [({"Kick": "guitar"}, "no role 'guitar' for Kick"), ({"Kik": "drums"}, "no track 'Kik'")]
)
def test_a_role_that_cannot_be_is_refused(roles, refusal):
    with pytest.raises(InputError, match=refusal):
        mix_tracks({"Kick": kick(1.0)}, RATE_HZ, roles=roles)


def test_no_track_at_all_is_refused():
    with pytest.raises(InputError, match="there is no track to mix"):
        mix_tracks({}, RATE_HZ)

"""A replay makes a mix again, to the byte, of the same files and of no others."""

import hashlib
import json
from dataclasses import replace

import pytest

from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix import recipe, replay
from mixprior.mixing.mix.replay import Replay
from mixprior.stats.errors import InputError
from tests.mixing.mix_command import both, mix, refusal, save_both
from tests.mixing.multitrack_song import bass, kick, save_all, sung
from tests.mixing.sounds import band, voice


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    return save_both(tmp_path_factory.mktemp("sounds"), voice(2.0), band(2.0))


@pytest.fixture(scope="module")
def made(files, tmp_path_factory):
    """A mix with every kind of option: its file and its recipe."""
    folder = tmp_path_factory.mktemp("made")
    words = ("--vocal-offset=0.1", "--vocal-gain-db=1.5", "--ceiling=-3", "--target-lufs=-9", "--with", "eq")
    mix(files, "-o", folder / "mix.flac", *words)
    return folder / "mix.flac", folder / "mix.mix.json"


def test_a_replay_gives_the_same_bytes(files, made, tmp_path):
    told = mix(files, "-o", tmp_path / "again.flac", "--replay", made[1])
    assert (tmp_path / "again.flac").read_bytes() == made[0].read_bytes()
    assert f"all settings from {made[1]}, as they are" in told
    mix(files, "-o", tmp_path / "once_more.flac", "--replay", tmp_path / "again.mix.json")
    assert (tmp_path / "once_more.flac").read_bytes() == made[0].read_bytes()


def test_a_replay_of_tracks_leaves_out_their_sum(tmp_path):
    tracks = {"Kick": kick(), "Bass": bass(), "vocals": sung(), "mixture": kick() + bass() + sung()}
    save_all(tmp_path / "song", tracks)
    for words in (("-o", tmp_path / "a.wav"), ("-o", tmp_path / "b.wav", "--replay", tmp_path / "a.mix.json")):
        mix({}, "--tracks", tmp_path / "song", *words)
    assert (tmp_path / "a.wav").read_bytes() == (tmp_path / "b.wav").read_bytes()


def test_the_mix_is_no_track_wherever_it_lies_and_an_input_always_is(tmp_path):
    paths = {name: tmp_path / f"{name}.wav" for name in ("bass", "copy", "mix", "other")}
    for name, path in paths.items():
        path.write_bytes(b"mix" if name == "copy" else name.encode())
    made = (str(paths["mix"]), hashlib.sha256(b"mix").hexdigest())
    found = Replay("a.json", MixSettings({}), {"bass": "0"}, {}, -1.0, made)
    assert found.without_mix(paths).keys() == {"bass", "other"}
    found = replace(found, sha256={"bass": "0", "mix": "1"})
    assert found.without_mix(paths).keys() == {"bass", "mix", "other"}


def test_other_files_are_refused(files, made, tmp_path, capsys):
    others = save_both(tmp_path, voice(2.0, level=0.05), band(2.0))
    line = refusal(capsys, *both(others), "-o", tmp_path / "again.flac", "--replay", made[1])
    assert line.startswith(f"{others['vocals']} is not the vocals that {made[1]} was made of (its SHA-256 is another)")
    line = refusal(capsys, "--tracks", files["backing"], "-o", tmp_path / "again.flac", "--replay", made[1])
    assert line == f"{made[1]} is of a mix of backing, vocals, not of backing: --replay takes the same files"
    assert not (tmp_path / "again.flac").exists()


@pytest.mark.parametrize("words", [("--only", "eq"), ("--amount=0.5",), ("--vocal-offset=1",), ("--no-limiter",)])
def test_a_mix_is_made_again_as_it_was(files, made, tmp_path, capsys, words):
    line = refusal(capsys, *both(files), "-o", tmp_path / "again.flac", "--replay", made[1], *words)
    assert line == f"--replay makes a mix as it was: {words[0].partition('=')[0]} does not go with it"


def test_a_recipe_that_names_no_files_is_refused(made, tmp_path):
    document = json.loads(made[1].read_text("utf-8"))
    arrays = {name: {**given, "sha256": None} for name, given in document["inputs"].items()}
    for inputs, told in (
        ({}, "does not say of which files"),
        (arrays, "of a mix of arrays"),
        ({"vocals": 3}, "is damaged"),
    ):
        (tmp_path / "a.json").write_text(json.dumps({**document, "inputs": inputs}), "utf-8")
        with pytest.raises(InputError, match=told):
            replay.read(tmp_path / "a.json")


def test_the_recipe_of_a_replay_has_the_settings_and_the_offset(files, made, tmp_path):
    mix(files, "-o", tmp_path / "again.flac", "--replay", made[1])
    assert recipe.read_settings(tmp_path / "again.mix.json") == recipe.read_settings(made[1])
    again, first = (json.loads(path.read_text("utf-8")) for path in (tmp_path / "again.mix.json", made[1]))
    assert again["inputs"] == first["inputs"]
    assert again["inputs"]["vocals"]["offset_s"] == 0.1
    assert again["results"] == first["results"]

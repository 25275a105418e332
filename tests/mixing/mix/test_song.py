"""A finished song: its vocals are raised and lowered, and what the separator loses stays in the rest."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from mixprior import separated
from mixprior.mixing.mix.separated_song import SeparatedSong
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound
from tests.mixing.mix_command import mix, refusal
from tests.mixing.sounds import RATE_HZ, band, load, save, voice
from tests.pipeline.tiny_model import write_tiny_model

DURATION_S = 2.0


@pytest.fixture
def separator(monkeypatch):
    """A separator that hears part of the voice, and loses part of the band."""

    def separate(path, progress=None) -> SeparatedSong:
        file = audio_file.read(path)
        rate_hz, samples = file.sound.rate_hz, file.sound.samples
        stems = {"vocals": 0.8 * voice(DURATION_S, rate_hz), "other": 0.5 * file.sound.audio}
        sounds = {name: Sound(audio[:, :samples].astype(np.float32), rate_hz) for name, audio in stems.items()}
        return SeparatedSong(file.path, file.sha256, file.sound, file.channels, sounds, "a model")

    monkeypatch.setattr(separated, "separate", separate)


def song(path: Path, rate_hz: int = RATE_HZ, level: float = 1.0) -> str:
    return save(path, level * (voice(DURATION_S, rate_hz) + band(DURATION_S, rate_hz, level=0.05)), rate_hz)


def recipe_of(path: Path) -> dict:
    return json.loads(path.with_suffix(".mix.json").read_text("utf-8"))


def error_db(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((found - wanted) ** 2) / np.mean(wanted**2) + 1e-20))


@pytest.mark.parametrize("rate_hz", [RATE_HZ, 48_000])
@pytest.mark.parametrize("level", [0.1, 1.1, 6.0])
def test_without_a_change_the_song_comes_back(separator, tmp_path, rate_hz, level):
    """A loud song has peaks above -1 dBTP, which no limiter touches; of a coded one they may be past full scale."""
    path = song(tmp_path / "song.wav", rate_hz, level)
    mix({}, "--song", path, "-o", tmp_path / "same.wav", "--vocal-gain-db=0")
    assert error_db(load(tmp_path / "same.wav"), load(path)) < -100
    assert recipe_of(tmp_path / "same.wav")["settings"]["limiter"] is None


def test_a_gain_of_the_vocals_is_one_of_the_separated_vocals_alone(separator, tmp_path):
    path = song(tmp_path / "song.wav", level=0.5)
    mix({}, "--song", path, "-o", tmp_path / "up.wav", "--vocal-gain-db=6", "--stems", tmp_path / "stems")
    wanted = load(path) + (10 ** (6 / 20) - 1) * 0.8 * voice(DURATION_S)
    assert error_db(load(tmp_path / "up.wav"), wanted) < -100
    made = recipe_of(tmp_path / "up.wav")
    assert made["inputs"].keys() == {"song"}
    assert made["inputs"]["song"]["model"] == "a model"
    assert made["options"]["steps"] == []
    assert {each.name for each in (tmp_path / "stems").iterdir()} == {"vocals.wav", "backing.wav"}


def test_a_ratio_is_reached_and_karaoke_leaves_the_rest(separator, tmp_path):
    path = song(tmp_path / "song.wav", level=0.5)
    mix({}, "--song", path, "-o", tmp_path / "dialogue.wav", "--ratio-lu=3")
    made = recipe_of(tmp_path / "dialogue.wav")
    assert made["results"]["vocal_to_backing_lu"] == pytest.approx(3.0, abs=0.02)
    assert made["options"]["steps"] == ["level"]
    mix({}, "--song", path, "-o", tmp_path / "karaoke.wav", "--vocal-gain-db=-100")
    assert error_db(load(tmp_path / "karaoke.wav"), load(path) - 0.8 * voice(DURATION_S)) < -80


def test_a_song_is_kept_under_its_own_peak_and_in_integers_under_full_scale(separator, tmp_path):
    path = song(tmp_path / "song.wav", level=6.0)
    own_dbtp = audio_file.read(path).sound.true_peak_dbtp
    assert own_dbtp > 1.0
    mix({}, "--song", path, "-o", tmp_path / "up.wav", "--vocal-gain-db=12")
    assert recipe_of(tmp_path / "up.wav")["results"]["true_peak_dbtp"] <= own_dbtp + 0.02
    mix({}, "--song", path, "-o", tmp_path / "up.flac", "--vocal-gain-db=12")
    assert recipe_of(tmp_path / "up.flac")["results"]["true_peak_dbtp"] <= 0.0
    mix({}, "--song", path, "-o", tmp_path / "under.wav", "--vocal-gain-db=12", "--ceiling=-2")
    assert recipe_of(tmp_path / "under.wav")["results"]["true_peak_dbtp"] <= -2.0


def test_a_song_is_mixed_again_by_its_recipe_and_no_other_song(separator, tmp_path, capsys):
    path = song(tmp_path / "song.wav", level=0.5)
    mix({}, "--song", path, "-o", tmp_path / "a.flac", "--vocal-gain-db=-3")
    mix({}, "--song", path, "-o", tmp_path / "b.flac", "--replay", tmp_path / "a.mix.json")
    assert (tmp_path / "a.flac").read_bytes() == (tmp_path / "b.flac").read_bytes()
    other = song(tmp_path / "other.wav", level=0.4)
    line = refusal(capsys, "--song", other, "-o", tmp_path / "c.flac", "--replay", tmp_path / "a.mix.json")
    assert "other.wav is not the song that" in line


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (
            ["--song", "{song}", "-o", "{out}"],
            "say what to do with the vocals of the song: --vocal-gain-db or --ratio-lu",
        ),
        (["--song", "{song}", "--vocal", "{song}", "-o", "{out}"], "give --song alone"),
        (["--song", "{song}", "--vocal-offset=1", "--ratio-lu=0", "-o", "{out}"], "--vocal-offset is for --vocal and"),
        (["--song", "{song}", "--ratio-lu=0", "-o", "{song}"], "is one of the inputs"),
    ],
)
def test_what_cannot_be_done_with_a_song_is_said_in_a_line(separator, tmp_path, capsys, words, told):
    places = {"song": song(tmp_path / "song.wav"), "out": tmp_path / "mix.wav"}
    assert told in refusal(capsys, *(word.format(**places) for word in words))
    assert not (tmp_path / "mix.wav").exists()


def test_the_front_door_separates(tmp_path, monkeypatch):
    monkeypatch.setenv("MIXPRIOR_MODEL_REPO", str(write_tiny_model(tmp_path / "model")))
    monkeypatch.setattr(separated, "DEFAULT_MODEL", "tiny")
    path = song(tmp_path / "song.wav", 48_000, level=0.5)
    mix({}, "--song", path, "-o", tmp_path / "same.wav", "--vocal-gain-db=0")
    assert error_db(load(tmp_path / "same.wav"), load(path)) < -100
    assert recipe_of(tmp_path / "same.wav")["inputs"]["song"]["model"] == "tiny"


def test_without_the_extra_a_line_says_what_to_install(tmp_path, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "demucs", None)
    line = refusal(capsys, "--song", song(tmp_path / "song.wav"), "-o", tmp_path / "mix.wav", "--ratio-lu=0")
    assert line.endswith("pip install 'mixprior[mine]'")

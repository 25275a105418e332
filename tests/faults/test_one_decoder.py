"""Rows 12 and 13 in every command that reads sound: what is cut is refused, what is doubtful is used with a warning."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from tests.mixing.sounds import band, save, voice
from tests.pipeline.sounds import write

DAMAGE = "has clicks, dropouts or bursts of noise like those of damaged bytes"
UNSURE = "may be cut short: its format does not tell"


@pytest.fixture
def constants(tmp_path):
    path = tmp_path / "constants.npz"
    np.savez(path, **{f"loudness/{stem}": np.array([-26.0]) for stem in ("vocals", "drums", "bass", "other")})
    return path


def wet_voice():
    """A voice in a room of a second and a half."""
    decay = np.exp(-np.arange(66_150) / 9_600) * np.random.default_rng(1).normal(0, 0.01, 66_150)
    return voice() + scipy.signal.oaconvolve(voice(), [decay, decay], axes=1)[:, :264_600].astype(np.float32)


def commands(path, stem, out, constants):
    """Every command that reads a sound file, with this one in each of its places, and the exit code of a refusal."""
    folder = path.parent / "stems"
    return {
        "mix vocal": (("mix", "--vocal", path, "--backing", stem, "-o", out), 2),
        "mix tracks": (("mix", "--tracks", stem, path, "-o", out), 2),
        "reverb fit": (("reverb", "fit", path), 2),
        "reverb fit --stem": (("reverb", "fit", "--stem", path), 2),
        "reverb fit --backing": (("reverb", "fit", "--stem", stem, "--backing", path), 2),
        "reverb render": (("reverb", "render", "--preset", "plug-in", "--apply", path, "-o", out), 2),
        "normalize": (("normalize", folder, "-o", path.parent / "out", "--constants", constants), 3),
        "mine": (("mine", path, "-o", path.parent / "run", "-j", 1), 3),
    }


NAMES = tuple(commands(*[Path()] * 4))


def run(mixprior, name, path, tmp_path, constants, expect=None):
    stem = save(tmp_path / "voice.wav", wet_voice())
    words, refused = commands(path, stem, tmp_path / "out.wav", constants)[name]
    if name == "normalize":
        (tmp_path / "stems").mkdir()
        path.rename(tmp_path / "stems" / "vocals.wav")
        words += ("--effects", "loudness")
    return mixprior(*words, expect=refused if expect is None else expect)


@pytest.mark.fault(12)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3"])
@pytest.mark.parametrize("name", NAMES)
def test_row_12_a_cut_file_is_refused_by_every_command(mixprior, tmp_path, constants, name, suffix):
    path = write(tmp_path / f"song{suffix}", band())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    told = run(mixprior, name, path, tmp_path, constants)
    assert "is cut short" in told.stderr
    assert not (tmp_path / "out.wav").exists()
    assert not (tmp_path / "out" / "vocals.wav").exists()


def damaged(path):
    """A sung wave with three samples wrong."""
    audio = wet_voice()
    audio[0, [60_000, 90_000, 120_000]] += 0.4
    return write(path, audio)


@pytest.mark.fault(13)
@pytest.mark.parametrize("name", [name for name in NAMES if name not in ("mine", "reverb fit")])
def test_row_13_a_damaged_file_is_used_with_a_warning_by_every_command(mixprior, tmp_path, constants, name):
    told = run(mixprior, name, damaged(tmp_path / "song.wav"), tmp_path, constants, expect=0)
    assert told.stderr.count(DAMAGE) == 1, told.stderr
    assert told.stderr.startswith("mixprior: warning: ")


def test_row_12_an_mp3_of_undeclared_length_is_mixed_with_a_warning(mixprior, tmp_path):
    path = write(tmp_path / "song.mp3", band(), options={"write_xing": "0"})
    stem, out = save(tmp_path / "voice.wav", voice()), tmp_path / "out.wav"
    told = mixprior("mix", "--vocal", stem, "--backing", path, "-o", out)
    assert f"mixprior: warning: {path} {UNSURE}\n" in told.stderr
    warnings = json.loads((tmp_path / "out.mix.json").read_text("utf-8"))["warnings"]
    assert {"code": "file", "text": f"{path} {UNSURE}"} in warnings


@pytest.mark.nightly("material")
def test_a_response_that_begins_with_a_click_is_no_damage(mixprior, tmp_path):
    rng = np.random.default_rng(1)
    decay = np.exp(-np.arange(88_200) / 8_000) * rng.normal(0, 0.02, (2, 88_200))
    decay[:, 4_000] = 0.9
    assert DAMAGE not in mixprior("reverb", "fit", save(tmp_path / "response.wav", decay.astype(np.float32))).stderr

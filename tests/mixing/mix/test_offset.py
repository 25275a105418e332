"""Vocals that start late: moved by what is asked, or by what is found, and never without a word."""

import json

import numpy as np
import pytest

from mixprior.mixing.mix.arrays import mix as mix_arrays
from tests.mixing.mix_command import both, mix, refusal, save_both
from tests.mixing.sounds import RATE_HZ, band, load, voice

PLAIN = ("--amount=0", "--target-lufs=none")


def recipe_of(path) -> dict:
    return json.loads(path.with_suffix(".mix.json").read_text("utf-8"))


@pytest.mark.parametrize("offset_s", [0.5, -0.25])
def test_vocals_start_as_much_later_as_is_asked(tmp_path, offset_s):
    vocals, backing = voice(2.0, level=0.02), band(2.0, level=0.02)
    files = save_both(tmp_path, vocals, backing)
    mix(files, "-o", tmp_path / "mix.wav", f"--vocal-offset={offset_s}", *PLAIN)
    samples = round(offset_s * RATE_HZ)
    moved = np.pad(vocals, ((0, 0), (samples, 0))) if samples > 0 else vocals[:, -samples:]
    length = max(moved.shape[1], backing.shape[1])
    whole = sum(np.pad(each, ((0, 0), (0, length - each.shape[1]))) for each in (moved, backing))
    assert np.abs(load(tmp_path / "mix.wav") - whole).max() < 2**-22
    assert recipe_of(tmp_path / "mix.wav")["inputs"]["vocals"]["offset_s"] == offset_s
    arrays = mix_arrays(vocals, backing, RATE_HZ, vocal_offset_s=offset_s, amount=0.0, target_lufs=None)
    assert np.abs(load(tmp_path / "mix.wav") - arrays.audio).max() < 2**-22


def test_an_offset_is_found_by_bleed_and_told(tmp_path, capsys):
    rng = np.random.default_rng(1)
    backing = band(4.0, level=0.05)
    vocals = voice(4.0) + 0.01 * backing + 1e-6 * rng.standard_normal(backing.shape)
    files = save_both(tmp_path, vocals[:, round(0.32 * RATE_HZ) :].astype(np.float32), backing)
    told = mix(files, "-o", tmp_path / "mix.wav", "--vocal-offset", "auto", *PLAIN)
    assert "vocals 0.3200 s later: there both share a sound" in told
    made = recipe_of(tmp_path / "mix.wav")
    assert made["inputs"]["vocals"]["offset_s"] == pytest.approx(0.32, abs=1e-4)
    assert made["steps"][0]["name"] == "offset"
    mix(files, "-o", tmp_path / "again.wav", "--replay", tmp_path / "mix.mix.json")
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "mix.wav").read_bytes()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--vocal-offset=auto"], "the offset of the vocals cannot be measured: they share no bleed or guide track"),
        (["--vocal-offset=-9"], "an offset of -9 s leaves nothing of"),
    ],
)
def test_an_offset_that_cannot_be_is_refused(tmp_path, capsys, words, told):
    files = save_both(tmp_path, voice(3.0), band(3.0))
    assert told in refusal(capsys, *both(files), "-o", tmp_path / "mix.wav", *words)
    assert not (tmp_path / "mix.wav").exists()


def test_an_offset_is_for_vocals_beside_a_backing(tmp_path, capsys):
    files = save_both(tmp_path, voice(1.0), band(1.0))
    line = refusal(capsys, "--tracks", *files.values(), "-o", tmp_path / "mix.wav", "--vocal-offset=1")
    assert line == "--vocal-offset is for --vocal and --backing"

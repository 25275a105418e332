"""Row 19: what would take hours or gigabytes is refused by its header, or stopped when it has taken little."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import codec
from mixprior.pipeline.audio.codec import TooLarge
from mixprior.pipeline.audio.decode import DecodeLimits, decode
from mixprior.pipeline.store.records import Failure, Song
from tests.conftest import ROOT
from tests.mixing.sounds import band, save
from tests.pipeline.sounds import tone, write

PROBE = """if True:
    import json, re, sys, time
    from mixprior.pipeline.audio.decode import decode
    from mixprior.pipeline.store.records import SongError
    def peak_kb():
        return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
    decode(sys.argv[1])  # what is loaded and compiled once
    told = {}
    for path in sys.argv[2:]:
        before_kb, started_s = peak_kb(), time.process_time()
        try:
            decode(path)
            told[path] = ["decoded"]
        except SongError as error:
            told[path] = [type(error).__name__]
        told[path] += [time.process_time() - started_s, (peak_kb() - before_kb) * 1024]
    print(json.dumps(told))
"""


def claim(path: Path, samples: int) -> Path:
    """Let a FLAC claim so many samples in its STREAMINFO (36 bits: RFC 9639, 8.2); 0 is an undeclared length."""
    content = bytearray(path.read_bytes())
    content[21] = content[21] & 0xF0 | samples >> 32
    content[22:26] = (samples & 0xFFFFFFFF).to_bytes(4, "big")
    path.write_bytes(content)
    return path


def bomb(path: Path, duration_s: int = 90) -> Path:
    """Digital silence of eight channels at 192 kHz: a second is 6 MB decoded, and 1.6 kB in the file."""
    with soundfile.SoundFile(path, "w", 192_000, 8, "PCM_16") as file:
        for _ in range(duration_s):
            file.write(np.zeros((192_000, 8), np.int16))
    return path


def sparse_hours(path: Path, hours: int = 10) -> Path:
    """A WAV of mono 8 bit at 8 kHz without content: it takes no room on disk."""
    soundfile.write(path, np.zeros(8_000), 8_000, "PCM_U8")
    content = bytearray(path.read_bytes()[:44])
    size = hours * 3600 * 8_000
    content[4:8], content[40:44] = (size + 36).to_bytes(4, "little"), size.to_bytes(4, "little")
    path.write_bytes(content)
    with path.open("r+b") as file:
        file.truncate(44 + size)
    return path


@pytest.mark.fault(19)
@pytest.mark.slow
def test_row_19_bombs_are_refused_in_2_s_of_cpu_and_100_mb(tmp_path):
    expected = {
        sparse_hours(tmp_path / "10_hours.wav"): "TooLong",
        (silence := bomb(tmp_path / "silence.flac")): "TooLarge",
        claim(bomb(tmp_path / "18_minutes.flac", 5), 18 * 60 * 192_000): "TooLarge",
        claim(write(tmp_path / "samples.flac", tone()), 1 << 32): "TooLong",
        claim(write(tmp_path / "more.flac", tone()), (1 << 36) - 1): "TooLong",
        claim(Path(shutil.copy(silence, tmp_path / "undeclared.flac")), 0): "TooLarge",
    }
    music = write(tmp_path / "music.flac", tone(channels=8, rate_hz=192_000), rate_hz=192_000)
    command = [sys.executable, "-c", PROBE, str(music), *map(str, expected)]
    told = json.loads(subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout)
    for path, error in expected.items():
        got, cpu_s, more_bytes = told[str(path)]
        undeclared = path.name == "undeclared.flac"
        assert got == error, path.name
        assert cpu_s < (6.0 if undeclared else 2.0), path.name
        assert more_bytes < 100e6, path.name


def test_row_19_a_limit_of_what_is_decoded_follows_max_minutes(tmp_path):
    made = write(tmp_path / "a.flac", np.zeros((8, 5 * 192_000), np.float32), rate_hz=192_000)
    assert decode(str(made), DecodeLimits(max_minutes=0.5)).shape[1] == 5 * 44_100
    with pytest.raises(TooLarge, match=r"0\.03 GB decoded"):
        decode(str(made), DecodeLimits(max_minutes=0.1))
    failure = Failure.of(Song("a"), "0", TooLarge("decode", ""))
    assert not failure.is_lasting, "a limit may be another in the next run"


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_row_19_four_minutes_of_a_silent_stem_are_no_bomb(tmp_path, suffix):
    audio = np.zeros((2, 240 * 44_100), np.float32)
    assert decode(str(write(tmp_path / f"a{suffix}", audio))).shape[1] == pytest.approx(240 * 44_100, abs=5_000)


@pytest.mark.fault(19)
def test_row_19_undeclared_length_is_stopped_at_the_limit_of_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(codec, "_HARMLESS_BYTES", 1_000_000)
    made = claim(write(tmp_path / "a.flac", np.zeros((2, 5 * 44_100), np.float32)), 0)
    with pytest.raises(TooLarge):
        decode(str(made))


@pytest.mark.fault(19)
@pytest.mark.parametrize("samples", [36_000 * 44_100, 1 << 32], ids=["10 hours", "4 G samples"])
def test_row_19_mixing_refuses_hours_in_a_small_file(mixprior, tmp_path, samples):
    hostile = claim(write(tmp_path / "hours.flac", tone()), samples)
    stem = save(tmp_path / "a.wav", band())
    out = tmp_path / "out.wav"
    for words in (
        ("mix", "--vocal", hostile, "--backing", stem, "-o", out),
        ("mix", "--tracks", stem, hostile, "-o", out),
        ("reverb", "fit", hostile),
        ("reverb", "fit", "--stem", stem, "--backing", hostile),
        ("reverb", "render", "--preset", "plug-in", "--apply", hostile, "-o", out),
    ):
        done = mixprior(*words, expect=2)
        assert "hours.flac takes" in done.stderr, done.stderr
        assert done.stderr.count("\n") == 1
        assert not out.exists()


def test_row_19_normalize_refuses_hours_in_a_small_stem_and_goes_on(mixprior, tmp_path):
    stems = tmp_path / "stems"
    stems.mkdir()
    hostile = claim(write(tmp_path / "hours.flac", tone()), 36_000 * 44_100)
    hostile.rename(stems / "vocals.wav")
    save(stems / "bass.wav", band())
    constants = tmp_path / "constants.npz"
    stems_there = ("vocals", "drums", "bass", "other")
    np.savez(constants, **{f"loudness/{stem}": np.array([-26.0]) for stem in stems_there})
    words = ("normalize", stems, "-o", tmp_path / "out", "--constants", constants, "--effects", "loudness")
    done = mixprior(*words, expect=3)
    assert "vocals.wav takes" in done.stderr
    assert (tmp_path / "out" / "bass.wav").exists()
    assert not (tmp_path / "out" / "vocals.wav").exists()

"""Bad files: each is refused for its own reason, in words, in bounded time and memory, and never half-measured."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import fsspec
import numpy as np
import pytest

from mixprior.pipeline.audio.codec import NoAudio, NonFinite, Truncated, Undecodable, Unsupported
from mixprior.pipeline.audio.decode import (
    DecodeLimits,
    OverScale,
    Silent,
    TooLong,
    TooShort,
    decode,
    decode_mixture,
    decode_stems,
    fingerprint,
)
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.pipeline.store.sources import Unreadable
from tests import reference
from tests.conftest import ROOT
from tests.pipeline.sounds import PLAYLISTS, rms_db, tone, write, write_picture

USUAL = DecodeLimits()


def refusal(path, limits=USUAL) -> SongError:
    """What decoding a song raises: an error of a known kind, with a line of text, which survives pickling."""
    with pytest.raises(SongError) as caught:
        decode_mixture(Song(str(path)), limits)
    error = caught.value
    copy = pickle.loads(pickle.dumps(error))
    assert (type(copy), copy.stage, copy.message) == (type(error), error.stage, error.message)
    assert error.message
    assert "\n" not in error.message
    return error


def noise(duration_s=20.0):
    return np.random.default_rng(7).normal(0, 0.1, (2, round(duration_s * 44_100))).astype(np.float32)


def damaged(path: Path, change) -> Path:
    content = bytearray(path.read_bytes())
    change(content)
    path.write_bytes(content)
    return path


def cut(content):
    del content[len(content) // 2 :]


def zeros(content):
    middle = len(content) // 2
    content[middle : middle + 200] = bytes(200)


def garbage(content):
    middle = len(content) // 2
    content[middle : middle + 20_000] = np.random.default_rng(1).bytes(20_000)


@pytest.mark.fault(11)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"hello\n" * 500,
        b"<!DOCTYPE html><html><body>404 Not Found</body></html>" * 50,
        bytes(5000),
        b"RIFF",
        b"fLaC",
    ],
    ids=["empty", "text", "html", "zeros", "riff", "flac"],
)
@pytest.mark.parametrize("name", ["a.mp3", "a.wav", "a.m4a"])
def test_what_is_no_audio_is_undecodable(tmp_path, content, name):
    (tmp_path / name).write_bytes(content)
    error = refusal(tmp_path / name)
    assert type(error) is Undecodable
    assert error.stage == "decode"


@pytest.mark.fault(11)
@pytest.mark.parametrize("playlist", PLAYLISTS)
@pytest.mark.parametrize("suffix", [".mp3", ".wav"])
def test_a_playlist_opens_no_other_file(tmp_path, playlist, suffix):
    music = write(tmp_path / f"music{suffix}", tone())
    (tmp_path / "a.mp3").write_text(PLAYLISTS[playlist].format(music))
    assert type(refusal(tmp_path / "a.mp3")) is Undecodable


@pytest.mark.fault(12)
@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".wav", ".aiff", ".ogg", ".opus", ".wma"])
def test_a_file_cut_in_half_is_truncated(tmp_path, suffix):
    assert type(refusal(damaged(write(tmp_path / f"a{suffix}", noise()), cut))) is Truncated


def test_a_raw_aac_file_cut_in_half_is_truncated(tmp_path):
    assert type(refusal(damaged(write(tmp_path / "a.aac", noise()), cut))) is Truncated


def test_an_m4a_cut_in_half_is_truncated_or_has_lost_its_header(tmp_path):
    last = write(tmp_path / "last.m4a", noise())
    first = write(tmp_path / "first.m4a", noise(), options={"movflags": "faststart"})
    assert type(refusal(damaged(last, cut))) is Undecodable
    assert type(refusal(damaged(first, cut))) is Truncated


@pytest.mark.fault(13)
@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".wma"])
def test_a_file_with_garbage_in_its_middle_is_refused(tmp_path, suffix):
    error = refusal(damaged(write(tmp_path / f"a{suffix}", noise()), garbage))
    assert type(error) in (Undecodable, Truncated)


@pytest.mark.fault(13)
@pytest.mark.parametrize("suffix", [".flac", ".ogg", ".opus", ".m4a", ".aac", ".wma", ".wav"])
def test_a_file_with_200_zeroed_bytes_is_refused_or_as_loud_as_before(tmp_path, suffix):
    made = write(tmp_path / f"a{suffix}", noise())
    before = rms_db(decode(str(made)))
    damaged(made, zeros)
    try:
        after = decode(str(made))
    except (Undecodable, Truncated):
        assert suffix != ".wav"
    else:
        assert rms_db(after) == pytest.approx(before, abs=0.1)
        assert after.shape[1] / 44_100 == pytest.approx(20.0, abs=0.1)


@pytest.mark.reference("music/songs")
def test_real_mp3_with_200_zeroed_bytes_is_refused_or_as_loud_as_before(tmp_path):
    """Nothing in an MP3 tells of damage between two frame headers: what comes of it must be too little to matter."""
    rng = np.random.default_rng(5)
    refused = 0
    for path in sorted(reference.files("music/songs", "*.mp3"), key=lambda path: path.stat().st_size)[:3]:
        before = rms_db(decode(str(path)))
        for _ in range(6):
            content = bytearray(path.read_bytes())
            place = int(len(content) * rng.uniform(0.1, 0.9))
            content[place : place + 200] = bytes(200)
            (tmp_path / "a.mp3").write_bytes(content)
            try:
                after = decode(str(tmp_path / "a.mp3"))
            except (Undecodable, OverScale):
                refused += 1
            else:
                assert rms_db(after) == pytest.approx(before, abs=0.1)
    assert 0 < refused < 18


def test_junk_after_the_end_of_an_mp3_does_no_harm(tmp_path):
    made = write(tmp_path / "a.mp3", noise())
    whole = decode(str(made))
    made.write_bytes(made.read_bytes() + b"LYRICSBEGIN" + np.random.default_rng(1).bytes(5000))
    np.testing.assert_array_equal(decode(str(made)), whole)


@pytest.mark.fault(14)
@pytest.mark.parametrize(
    ("suffix", "duration_s"), [(".wav", 0.0), *((suffix, s) for suffix in (".wav", ".flac") for s in (0.1, 0.39, 2.9))]
)
def test_a_song_below_3_s_is_too_short(tmp_path, duration_s, suffix):
    error = refusal(write(tmp_path / f"a{suffix}", tone(duration_s)))
    assert type(error) is TooShort
    assert "3 s" in error.message


@pytest.mark.fault(14)
def test_a_short_mp3_of_undeclared_length_is_too_short(tmp_path):
    made = write(tmp_path / "a.mp3", tone(1.0), options={"write_xing": "0"})
    assert type(refusal(made)) is TooShort


@pytest.mark.fault(15)
@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".m4a", ".ogg"])
def test_digital_silence_is_silent(tmp_path, suffix):
    assert type(refusal(write(tmp_path / f"a{suffix}", np.zeros((2, 5 * 44_100), np.float32)))) is Silent


@pytest.mark.fault(15)
def test_noise_at_minus_100_dbfs_is_silent_and_at_minus_60_is_not(tmp_path):
    made = write(tmp_path / "a.wav", noise(5.0) * 10**-4, subtype="FLOAT")
    assert type(refusal(made)) is Silent
    assert decode_mixture(Song(str(write(made, noise(5.0) * 10**-2, subtype="FLOAT")))).shape == (2, 5 * 44_100)


@pytest.mark.fault(16)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 1e30])
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_samples_that_are_no_numbers_are_not_finite(tmp_path, value, rate_hz):
    audio = tone(rate_hz=rate_hz)
    audio[1, 100_000] = value
    assert type(refusal(write(tmp_path / "a.wav", audio, rate_hz=rate_hz, subtype="FLOAT"))) is NonFinite


@pytest.mark.fault(16)
def test_integers_saved_as_floats_are_over_scale(tmp_path):
    assert type(refusal(write(tmp_path / "a.wav", tone() * 32_768, subtype="FLOAT"))) is OverScale


@pytest.mark.fault(18)
@pytest.mark.parametrize("rate_hz", [1, 4_000, 384_000])
def test_a_rate_outside_8_to_192_khz_is_unsupported(tmp_path, rate_hz):
    made = write(tmp_path / "a.wav", np.zeros((1, 5 * rate_hz), np.float32), rate_hz=rate_hz)
    error = refusal(made)
    assert type(error) is Unsupported
    assert str(rate_hz) in error.message


def test_more_than_8_channels_are_unsupported(tmp_path):
    error = refusal(write(tmp_path / "a.wav", np.zeros((9, 5 * 44_100), np.float32)))
    assert type(error) is Unsupported
    assert "9 channels" in error.message


def test_a_stem_file_without_its_stems_is_unsupported(tmp_path):
    made = write(tmp_path / "a.stem.mp4", tone(), tone())
    with pytest.raises(Unsupported, match="2 audio streams"):
        decode_stems(Song(str(made)))


@pytest.mark.fault(20)
def test_a_video_without_sound_has_no_audio(tmp_path):
    made = write_picture(tmp_path / "a.mp4")
    assert type(refusal(made)) is NoAudio


@pytest.mark.fault(20)
def test_a_protected_file_is_undecodable_with_a_hint(tmp_path):
    made = write(tmp_path / "a.m4a", tone())
    made.write_bytes(made.read_bytes().replace(b"mp4a", b"drms"))
    error = refusal(made)
    assert type(error) is Undecodable
    assert "DRM" in error.message


@pytest.mark.fault(19)
def test_a_header_that_claims_10_hours_is_refused_unread(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    # STREAMINFO: the low 32 bits of the number of samples are bytes 22 to 25 (RFC 9639, 8.2).
    damaged(made, lambda content: content.__setitem__(slice(22, 26), struct.pack(">I", 36_000 * 44_100)))
    error = refusal(made)
    assert type(error) is TooLong
    assert "600.0 min" in error.message, "of the 5 s there are, no more than the header can say so"


def test_a_song_of_undeclared_length_is_decoded_no_further_than_the_limit(tmp_path):
    made = write(tmp_path / "a.mp3", noise(20.0), options={"write_xing": "0"})
    assert type(refusal(made, DecodeLimits(max_minutes=0.1))) is TooLong


@pytest.mark.slow
def test_memory_follows_the_result_not_the_file(tmp_path):
    """A FLAC of 64 s of 8-channel silence at 192 kHz is 24 kB that a whole decode blows up to 393 MB."""
    made = write(tmp_path / "bomb.flac", np.zeros((8, 64 * 192_000), np.float32), rate_hz=192_000)
    assert made.stat().st_size < 1_000_000
    script = """if True:
        import re, sys
        from mixprior.pipeline.audio.decode import decode
        def peak_kb():
            return int(re.search(r"VmHWM:\\s*(\\d+)", open("/proc/self/status").read())[1])
        decode(sys.argv[1])
        before_kb = peak_kb()
        decode(sys.argv[2])
        print(peak_kb() - before_kb)
    """
    short = write(tmp_path / "short.flac", np.zeros((8, 5 * 192_000), np.float32), rate_hz=192_000)
    command = [sys.executable, "-c", script, str(short), str(made)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) * 1024 < 100e6


def test_missing_and_forbidden_files_are_unreadable(tmp_path):
    error = refusal(tmp_path / "a.mp3")
    assert (type(error), error.stage) == (Unreadable, "read")
    assert "No such file" in error.message
    with pytest.raises(Unreadable):
        fingerprint(Song(str(tmp_path / "a.mp3")))
    assert type(refusal(tmp_path)) is Unreadable
    assert type(refusal("memory://nowhere/a.mp3")) is Unreadable


@pytest.mark.fault(21)
@pytest.mark.timeout(10)
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_pipe_is_unreadable_and_does_not_hang(tmp_path, scheme):
    os.mkfifo(tmp_path / "a.mp3")
    assert type(refusal(f"{scheme}{tmp_path / 'a.mp3'}")) is Unreadable
    (song,) = open_catalog(str(tmp_path))
    with pytest.raises(Unreadable, match="not a regular file"):
        fingerprint(song)
    with pytest.raises(InputError, match="neither a file nor a folder"):
        open_catalog(str(tmp_path / "a.mp3"))


def test_a_truncated_remote_file_is_truncated(tmp_path):
    made = damaged(write(tmp_path / "a.flac", noise()), cut)
    fsspec.filesystem("memory").pipe_file("/cut/a.flac", made.read_bytes())
    assert type(refusal("memory://cut/a.flac")) is Truncated


def test_no_file_stays_open_after_a_refusal(tmp_path):
    made = damaged(write(tmp_path / "a.m4a", noise(), options={"movflags": "faststart"}), cut)
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        refusal(made)
    assert len(os.listdir("/proc/self/fd")) == before

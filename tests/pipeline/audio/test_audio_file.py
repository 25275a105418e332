"""Audio files as they are: every format is read, and what cannot be mixed is refused by its name."""

import hashlib
import os
import re

import fsspec
import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, save
from tests.pipeline.sounds import PLAYLISTS, rms_db, tone, write, write_picture


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".ogg", ".mp3", ".m4a", ".aac", ".opus", ".wma"])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_common_format_is_read(tmp_path, suffix, channels):
    made = write(tmp_path / f"a{suffix}", tone(channels=channels))
    file = audio_file.read(made)
    assert (file.sound.rate_hz, file.channels) == (48_000 if suffix == ".opus" else 44_100, channels)
    assert (len(file.sound.audio), file.sound.audio.dtype) == (2, np.float32)
    assert file.sound.duration_s == pytest.approx(5.0, abs=0.05)
    assert rms_db(file.sound.audio[1]) == pytest.approx(rms_db(tone()), abs=0.2)
    assert file.sha256 == hashlib.sha256(made.read_bytes()).hexdigest()


def test_blocks_are_the_file_piece_by_piece(tmp_path):
    path = save(tmp_path / "a.wav", tone(duration_s=13.0))
    with audio_file.opened(path) as stream:
        blocks = list(stream.blocks())
    assert len(blocks) == 3
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), audio_file.read(path).sound.audio)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg"])
def test_lossy_files_are_read_as_libsndfile_reads_them(tmp_path, suffix):
    made = write(tmp_path / f"a{suffix}", band())
    theirs = soundfile.read(made, dtype="float32", always_2d=True)[0].T
    np.testing.assert_allclose(audio_file.read(made).sound.audio, theirs, atol=1e-5, rtol=0)


def test_a_remote_file_is_read_as_the_local_one(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    fsspec.filesystem("memory").pipe_file("/files/a.flac", made.read_bytes())
    remote, local = audio_file.read("memory://files/a.flac"), audio_file.read(made)
    assert remote.sha256 == local.sha256
    np.testing.assert_array_equal(remote.sound.audio, local.sound.audio)


def refusal(path) -> str:
    """The one line with which a file is refused: it begins with the file's path."""
    with pytest.raises(InputError) as caught:
        audio_file.read(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
    return str(caught.value)


def poke(audio: np.ndarray, value: float) -> np.ndarray:
    audio[0, 100] = value
    return audio


@pytest.mark.parametrize(
    ("audio", "rate_hz", "reason"),
    [
        (np.zeros((2, 0), np.float32), RATE_HZ, "holds no samples"),
        (np.zeros((6, 1000), np.float32), RATE_HZ, "has 6 channels; give a mono or stereo file"),
        (np.zeros((2, 1000), np.float32), 1, "has a sampling rate of 1 Hz; give a file of 8 to 192 kHz"),
        (np.zeros((2, 1000), np.float32), 384_000, "has a sampling rate of 384000 Hz"),
        (poke(band(), np.nan), RATE_HZ, "samples that are not numbers"),
        (poke(band(), np.inf), RATE_HZ, "samples that are not numbers"),
    ],
)
def test_what_cannot_be_mixed_is_refused_by_name(tmp_path, audio, rate_hz, reason):
    assert reason in refusal(save(tmp_path / "song.wav", audio, rate_hz))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"<html>no</html>", "is no audio file"),
        (b"RIFF", "is no readable audio file"),
        (b"fLaC", "is no readable audio file"),
        (b"OggS", "is cut short"),
    ],
    ids=["empty", "html", "riff", "flac", "ogg"],
)
def test_what_is_no_audio_is_refused_by_name(tmp_path, content, reason):
    (tmp_path / "song.wav").write_bytes(content)
    assert reason in refusal(tmp_path / "song.wav")


@pytest.mark.parametrize("playlist", PLAYLISTS)
def test_a_playlist_that_calls_itself_mp3_opens_no_other_file(tmp_path, playlist):
    music = write(tmp_path / "music.wav", tone())
    (tmp_path / "b.mp3").write_text(PLAYLISTS[playlist].format(music))
    assert "is no audio file" in refusal(tmp_path / "b.mp3")


def test_a_wav_of_no_channels_is_refused(tmp_path):
    made = write(tmp_path / "a.wav", tone())
    content = bytearray(made.read_bytes())
    content[22:24] = bytes(2)
    made.write_bytes(content)
    assert "is no readable audio file" in refusal(made)


def test_a_header_without_samples_is_refused(tmp_path):
    made = write(tmp_path / "a.wav", tone())
    made.write_bytes(made.read_bytes()[:44])
    assert "holds no samples" in refusal(made)


def test_a_video_without_sound_is_refused(tmp_path):
    assert "holds no audio stream" in refusal(write_picture(tmp_path / "a.mp4"))


def test_a_missing_file_a_folder_and_a_pipe_are_refused_by_name(tmp_path):
    assert "nowhere.wav cannot be read: No such file" in refusal(tmp_path / "nowhere.wav")
    assert "is a folder" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.wav")
    assert "pipe.wav is not a regular file" in refusal(tmp_path / "pipe.wav")
    assert "is not a regular file" in refusal("/dev/zero")
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    assert "loop.wav cannot be read" in refusal(tmp_path / "loop.wav")


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".flac", ".mp3", ".ogg", ".opus", ".m4a"])
def test_a_file_cut_in_half_is_refused(tmp_path, suffix):
    made = write(tmp_path / f"song{suffix}", band())
    made.write_bytes(made.read_bytes()[: made.stat().st_size // 2])
    assert re.search(r"is cut short|is damaged|is no audio file", refusal(made))


@pytest.mark.fault(19)
def test_a_header_that_claims_10_hours_is_refused_unread(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    content = bytearray(made.read_bytes())
    content[22:26] = (36_000 * 44_100).to_bytes(4, "big")
    made.write_bytes(content)
    assert "takes 12.70 GB decoded; 0.51 GB are allowed" in refusal(made)

"""Audio files: what cannot be mixed is refused by name, what is written is written whole."""

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, save, voice


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_every_common_format_is_read(tmp_path, name):
    soundfile.write(tmp_path / name, voice().T, RATE_HZ)
    file = audio_file.read(tmp_path / name)
    assert (file.rate_hz, file.channels, len(file.audio), file.audio.dtype) == (RATE_HZ, 2, 2, np.float32)
    assert file.duration_s == pytest.approx(6.0, abs=0.1)


def poke(audio: np.ndarray, value: float) -> np.ndarray:
    audio[0, 100] = value
    return audio


@pytest.mark.parametrize(
    ("audio", "rate_hz", "told"),
    [
        (np.zeros((2, 0), np.float32), RATE_HZ, "holds no samples"),
        (np.zeros((6, 1000), np.float32), RATE_HZ, "has 6 channels; give a mono or stereo file"),
        (np.zeros((2, 1000), np.float32), 1, "is sampled at 1 Hz; 8 to 192 kHz can be mixed"),
        (np.zeros((2, 1000), np.float32), 384_000, "is sampled at 384000 Hz"),
        (poke(band(), np.nan), RATE_HZ, "samples that are not numbers"),
        (poke(band(), np.inf), RATE_HZ, "samples that are not numbers"),
    ],
)
def test_what_cannot_be_mixed_is_refused_by_name(tmp_path, audio, rate_hz, told):
    path = save(tmp_path / "song.wav", audio, rate_hz)
    with pytest.raises(InputError, match=told) as caught:
        audio_file.read(path)
    assert path in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", b"RIFF"])
def test_what_is_no_audio_is_refused_by_name(tmp_path, data):
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"song.wav cannot be read as audio"):
        audio_file.read(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.wav: no such file"):
        audio_file.read(tmp_path / "nowhere.wav")


@pytest.mark.parametrize("name", ["song.mp3", "song.flac"])
def test_a_file_cut_in_half_is_refused(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, band().T, RATE_HZ)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"is cut short|cannot be read"):
        audio_file.read(path)

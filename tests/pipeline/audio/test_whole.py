"""Audio files: what cannot be mixed is refused by name, what is written is written whole."""

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import whole
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, load, save, voice


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_every_common_format_is_read(tmp_path, name):
    soundfile.write(tmp_path / name, voice().T, RATE_HZ)
    file = whole.read(tmp_path / name)
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
        whole.read(path)
    assert path in str(caught.value)


@pytest.mark.parametrize("data", [b"", b"<html>no</html>", b"RIFF"])
def test_what_is_no_audio_is_refused_by_name(tmp_path, data):
    path = tmp_path / "song.wav"
    path.write_bytes(data)
    with pytest.raises(InputError, match=r"song.wav cannot be read as audio"):
        whole.read(path)


def test_a_missing_file_is_refused_by_name(tmp_path):
    with pytest.raises(InputError, match=r"nowhere.wav: no such file"):
        whole.read(tmp_path / "nowhere.wav")


@pytest.mark.parametrize("name", ["song.mp3", "song.flac"])
def test_a_file_cut_in_half_is_refused(tmp_path, name):
    path = tmp_path / name
    soundfile.write(path, band().T, RATE_HZ)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"is cut short|cannot be read"):
        whole.read(path)


@pytest.mark.parametrize(
    ("name", "told"),
    [("mix.mp4", "ends with .wav, .flac, .ogg"), ("mix", "ends with"), ("nowhere/mix.wav", "there is no folder")],
)
def test_an_output_that_cannot_be_is_refused_beforehand(tmp_path, name, told):
    with pytest.raises(InputError, match=told):
        whole.check_output(tmp_path / name, [])


def test_24_bits_come_back_as_they_were_written(tmp_path):
    audio = band(1.0, level=0.1)
    for extension in (".wav", ".flac"):
        whole.write(tmp_path / f"a{extension}", audio, RATE_HZ, extension)
        assert np.abs(load(tmp_path / f"a{extension}") - audio).max() <= 2**-23


def test_five_minutes_are_coded_to_vorbis(tmp_path):
    whole.write(tmp_path / "a.ogg", band(300.0), RATE_HZ, ".ogg")
    assert soundfile.info(tmp_path / "a.ogg").frames == 300 * RATE_HZ


def test_a_failure_leaves_what_was_there_and_nothing_else(tmp_path):
    path = tmp_path / "mix.wav"
    path.write_bytes(b"the old one")

    def fail_halfway():
        with whole.replacing(path) as temporary:
            temporary.write_bytes(b"half of the new")
            raise RuntimeError("power")

    with pytest.raises(RuntimeError, match="power"):
        fail_halfway()
    assert path.read_bytes() == b"the old one"
    assert [found.name for found in tmp_path.iterdir()] == ["mix.wav"]


def test_a_full_disk_is_told_with_the_name_of_the_file(tmp_path):
    with pytest.raises(InputError, match=r"mix.wav cannot be written"), whole.replacing(tmp_path / "mix.wav"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())

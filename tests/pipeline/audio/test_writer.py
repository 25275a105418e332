"""What is written is written whole, at the depth of its format, and never over an input."""

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import writer
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, load


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mix.mp4", "ends with .wav, .flac, .ogg"),
        ("mix", "ends with"),
        ("nowhere/mix.wav", "there is no folder"),
        ("folder.wav", "folder.wav is a folder"),
        ("in.wav", "is one of the inputs"),
        ("./in.wav", "is one of the inputs"),
    ],
)
def test_an_output_that_cannot_be_is_refused_beforehand(tmp_path, name, reason):
    (tmp_path / "folder.wav").mkdir()
    with pytest.raises(InputError, match=reason):
        writer.check_output(tmp_path / name, [f"{tmp_path}/in.wav"])


def test_an_input_that_links_to_itself_is_left_to_the_reader(tmp_path):
    (tmp_path / "loop.wav").symlink_to("loop.wav")
    writer.check_output(tmp_path / "mix.wav", [tmp_path / "loop.wav"])


def test_32_bit_float_keeps_what_exceeds_full_scale(tmp_path):
    audio = band(1.0, level=3.0)
    written = writer.write(tmp_path / "a.wav", audio, RATE_HZ, writer.UNCLIPPED)
    np.testing.assert_array_equal(load(tmp_path / "a.wav"), audio)
    assert (written.duration_s, written.rate_hz, written.peak) == (1.0, RATE_HZ, np.abs(audio).max())


def test_24_bits_come_back_as_they_were_written(tmp_path):
    audio = band(1.0, level=0.1)
    for extension in (".wav", ".flac"):
        writer.write(tmp_path / f"a{extension}", audio, RATE_HZ, extension)
        assert np.abs(load(tmp_path / f"a{extension}") - audio).max() <= 2**-23


def test_whole_songs_are_coded_to_vorbis(tmp_path):
    """Given whole to libsndfile, a minute crashes this process."""
    writer.write(tmp_path / "a.ogg", np.zeros((2, 120 * RATE_HZ), np.float32), RATE_HZ, ".ogg")
    assert soundfile.info(tmp_path / "a.ogg").frames == 120 * RATE_HZ

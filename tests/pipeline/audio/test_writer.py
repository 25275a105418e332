"""What is written is written whole, at the depth of its format, and never over an input."""

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import writer
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, load


@pytest.mark.parametrize(
    ("name", "told"),
    [("mix.mp4", "ends with .wav, .flac, .ogg"), ("mix", "ends with"), ("nowhere/mix.wav", "there is no folder")],
)
def test_an_output_that_cannot_be_is_refused_beforehand(tmp_path, name, told):
    with pytest.raises(InputError, match=told):
        writer.check_output(tmp_path / name, [])


def test_24_bits_come_back_as_they_were_written(tmp_path):
    audio = band(1.0, level=0.1)
    for extension in (".wav", ".flac"):
        writer.write(tmp_path / f"a{extension}", audio, RATE_HZ, extension)
        assert np.abs(load(tmp_path / f"a{extension}") - audio).max() <= 2**-23


def test_five_minutes_are_coded_to_vorbis(tmp_path):
    writer.write(tmp_path / "a.ogg", band(300.0), RATE_HZ, ".ogg")
    assert soundfile.info(tmp_path / "a.ogg").frames == 300 * RATE_HZ

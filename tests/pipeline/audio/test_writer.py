"""What is written is written whole, at the depth of its format, and never over an input."""

import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import audio_file, encoder, writer
from mixprior.stats.errors import InputError
from tests.mixing.sounds import RATE_HZ, band, load, sound, voice


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("mix.mp4", "ends with .wav, .flac, .ogg, .mp3, .m4a, .opus"),
        ("mix", "ends with"),
        ("in.wav/mix.wav", "in.wav is no folder"),
        ("folder.wav", "folder.wav is a folder"),
        ("in.wav", "is one of the inputs"),
        ("./in.wav", "is one of the inputs"),
    ],
)
def test_an_output_that_cannot_be_is_refused_beforehand(tmp_path, name, reason):
    (tmp_path / "folder.wav").mkdir()
    (tmp_path / "in.wav").write_bytes(b"")
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


def test_a_folder_that_is_missing_is_made_when_there_is_something_to_write(tmp_path):
    path = tmp_path / "a" / "b" / "mix.wav"
    writer.check_output(path, [])
    assert not (tmp_path / "a").exists()
    writer.make_folder(path)
    assert path.parent.is_dir()


@pytest.mark.parametrize(
    ("extension", "rate_hz", "to_hz"),
    [(".mp3", RATE_HZ, RATE_HZ), (".m4a", 96_000, 96_000), (".opus", RATE_HZ, 48_000)],
)
@pytest.mark.parametrize("channels", [1, 2])
def test_coded_formats_keep_the_sound_where_it_is_and_give_the_same_bytes(
    tmp_path, extension, rate_hz, to_hz, channels
):
    audio = (voice(2.0, rate_hz) + band(2.0, rate_hz, level=0.005))[:channels]
    for name in ("a", "b"):
        written = writer.write(tmp_path / name, audio, rate_hz, extension)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert (written.duration_s, written.rate_hz) == (2.0, to_hz)
    file = audio_file.read(tmp_path / "a")
    assert (file.sound.rate_hz, file.channels, file.doubts) == (to_hz, channels, ())
    original = sound(audio, rate_hz).at(to_hz).audio[0]
    decoded = file.sound.audio[0, : original.size]
    assert decoded.size == original.size
    later = [np.corrcoef(original[20:-20], decoded[20 + lag : decoded.size - 20 + lag])[0, 1] for lag in (-1, 0, 1)]
    assert later[1] == max(later)
    assert later[1] > 0.98


def test_a_format_that_ffmpeg_does_not_code_is_refused_in_a_line(tmp_path, monkeypatch):
    monkeypatch.setitem(encoder.FORMATS, ".mp3", encoder.Format("no-such-encoder", "mp3", 1, (44_100,)))
    with pytest.raises(InputError, match=r"no encoder no-such-encoder for .mp3: give the mix another extension"):
        writer.check_output(tmp_path / "mix.mp3", [])

"""Row 12: a file that was cut is refused wherever its format can tell, and flagged where it cannot."""

from __future__ import annotations

import struct
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio.codec import Truncated, Undecodable
from mixprior.pipeline.audio.decode import TooShort, blocks, decode
from mixprior.pipeline.audio.flags import LENGTH_UNSURE
from tests import reference
from tests.pipeline.sounds import tone, write

UNDECLARED = {"write_xing": "0", "id3v2_version": "0"}


def noise(duration_s=8.0):
    return np.random.default_rng(7).normal(0, 0.1, (2, round(duration_s * 44_100))).astype(np.float32)


def flags(path) -> set[str]:
    found: set[str] = set()
    for _ in blocks(str(path), flags=found):
        pass
    return found


def cut(path: Path, missing_bytes: int) -> Path:
    path.write_bytes(path.read_bytes()[:-missing_bytes])
    return path


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [(".wav", "WAV"), (".wav", "RF64"), (".w64", "W64"), (".aiff", "AIFF"), (".au", "AU"), (".flac", "FLAC")],
)
@pytest.mark.parametrize("missing_s", [0.3, 4.0])
def test_row_12_a_lossless_file_that_lacks_its_end_is_truncated(tmp_path, suffix, kind, missing_s):
    made = tmp_path / f"a{suffix}"
    soundfile.write(made, noise().T, 44_100, "PCM_16", format=kind)
    assert flags(made) == set()
    share = missing_s / 8.0
    with pytest.raises(Truncated):
        decode(str(cut(made, round(made.stat().st_size * share))))


@pytest.mark.parametrize("suffix", [".wav", ".aiff", ".au"])
def test_row_12_a_lossless_file_that_lacks_50_ms_is_flagged(tmp_path, suffix):
    made = write(tmp_path / f"a{suffix}", noise())
    assert flags(cut(made, 44_100 * 4 // 20)) == {LENGTH_UNSURE}


@pytest.mark.fault(12)
@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
@pytest.mark.parametrize("missing_bytes", [1, 100, 2_000])
def test_row_12_an_ogg_file_cut_within_its_last_page_is_truncated(tmp_path, suffix, missing_bytes):
    made = write(tmp_path / f"a{suffix}", noise())
    assert flags(made) == set()
    last_page_bytes = made.stat().st_size - made.read_bytes().rindex(b"OggS")
    with pytest.raises(Truncated, match="last page"):
        decode(str(cut(made, min(missing_bytes, last_page_bytes - 30))))


@pytest.mark.parametrize("suffix", [".ogg", ".opus"])
def test_row_12_a_damaged_last_page_of_an_ogg_file_is_noticed(tmp_path, suffix):
    made = write(tmp_path / f"a{suffix}", noise())
    content = bytearray(made.read_bytes())
    content[-20] ^= 1
    made.write_bytes(content)
    with pytest.raises(Truncated, match="damaged"):
        decode(str(made))


def test_row_12_junk_after_the_last_page_of_an_ogg_file_does_no_harm(tmp_path):
    made = write(tmp_path / "a.ogg", noise())
    whole = decode(str(made))
    made.write_bytes(made.read_bytes() + b"TAG" + bytes(125))
    np.testing.assert_array_equal(decode(str(made)), whole)
    assert flags(made) == set()


def test_row_12_an_mp3_that_counts_its_frames_is_truncated_when_half_a_second_is_missing(tmp_path):
    made = write(tmp_path / "a.mp3", noise())
    assert flags(made) == set()
    with pytest.raises(Truncated, match=r"7\.\d of 8\.0 s"):
        decode(str(cut(made, made.stat().st_size // 16)))


@pytest.mark.fault(12)
def test_row_12_an_mp3_that_does_not_count_its_frames_is_mined_and_flagged(tmp_path):
    made = write(tmp_path / "a.mp3", noise(), options=UNDECLARED)
    assert flags(made) == {LENGTH_UNSURE}
    content = made.read_bytes()
    sync = content[:2]
    for share in (0.5, 0.7, 0.9):
        made.write_bytes(content[: content.index(sync, round(len(content) * share))])  # at the end of a frame
        assert flags(made) == {LENGTH_UNSURE}


def test_row_12_an_mp3_whose_xing_frame_counts_nothing_is_flagged(tmp_path):
    made = write(tmp_path / "a.mp3", noise())
    content = bytearray(made.read_bytes())
    place = max(content.find(b"Xing"), content.find(b"Info"))
    content[place + 7] &= 0xFE
    made.write_bytes(content)
    assert flags(made) == {LENGTH_UNSURE}


def with_length_tag(path: Path, milliseconds: int) -> Path:
    text = b"\x00" + str(milliseconds).encode()
    frame = b"TLEN" + struct.pack(">I", len(text)) + bytes(2) + text
    path.write_bytes(b"ID3\x04\x00\x00" + bytes((0, 0, 0, len(frame))) + frame + path.read_bytes())
    return path


def test_row_12_the_length_in_a_tag_of_an_mp3_counts(tmp_path):
    made = write(tmp_path / "a.mp3", noise(), options=UNDECLARED)
    whole = decode(str(made))
    with_length_tag(made, 8_000)
    assert flags(made) == set()
    np.testing.assert_array_equal(decode(str(made)), whole)
    with pytest.raises(Truncated, match=r"of 8\.0 s"):
        decode(str(cut(made, made.stat().st_size // 4)))


def test_row_12_raw_aac_is_flagged(tmp_path):
    assert flags(write(tmp_path / "a.aac", noise())) == {LENGTH_UNSURE}


def test_row_12_a_streamed_wav_and_a_flac_of_undeclared_length_are_flagged(tmp_path):
    made = write(tmp_path / "a.wav", noise())
    content = bytearray(made.read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = b"\xff\xff\xff\xff"
    made.write_bytes(content)
    assert flags(made) == {LENGTH_UNSURE}
    made = write(tmp_path / "a.flac", noise())
    content = bytearray(made.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    made.write_bytes(content)
    assert flags(made) == {LENGTH_UNSURE}


@pytest.mark.fault(12)
@pytest.mark.parametrize("suffix", [".wav", ".au", ".aiff", ".flac", ".ogg", ".opus", ".mp3", ".m4a", ".aac", ".wma"])
@pytest.mark.parametrize("share", [0.5, 0.9, 0.97, 0.99])
def test_row_12_no_cut_file_passes_unnoticed(tmp_path, suffix, share):
    options = {"movflags": "faststart"} if suffix == ".m4a" else None
    made = write(tmp_path / f"a{suffix}", noise(20.0), options=options)
    cut(made, round(made.stat().st_size * (1 - share)))
    try:
        noticed = flags(made)
    except (Truncated, Undecodable, TooShort):
        return
    assert noticed == {LENGTH_UNSURE}


def container(path: Path, codec: str, rate_hz: int, audio: np.ndarray) -> Path:
    """Write a file in a container that libsndfile does not write as cut files are found."""
    with av.open(str(path), "w", format={".mka": "matroska"}.get(path.suffix)) as out:
        encoder = out.add_stream(codec, rate=rate_hz, layout="stereo")
        frame = av.AudioFrame.from_ndarray(audio, "fltp", "stereo")
        frame.sample_rate, frame.pts = 44_100, 0
        size = encoder.codec_context.frame_size or 1024
        pieces = av.AudioResampler(encoder.format.name, "stereo", rate_hz, frame_size=size)
        for piece in [*pieces.resample(frame), *pieces.resample(None)]:
            out.mux(encoder.encode(piece))
        out.mux(encoder.encode(None))
    return path


@pytest.mark.parametrize(
    ("suffix", "codec", "rate_hz"),
    [(".mka", "aac", 44_100), (".webm", "libopus", 48_000), (".mkv", "flac", 44_100), (".caf", "pcm_s16le", 44_100)],
)
@pytest.mark.parametrize("share", [0.5, 0.9])
def test_row_12_a_cut_matroska_or_caf_file_is_truncated(tmp_path, suffix, codec, rate_hz, share):
    made = container(tmp_path / f"a{suffix}", codec, rate_hz, noise())
    assert flags(made) == set()
    with pytest.raises(Truncated):
        decode(str(cut(made, round(made.stat().st_size * (1 - share)))))


def test_row_12_a_caf_of_undeclared_size_is_flagged(tmp_path):
    made = container(tmp_path / "a.caf", "pcm_s16le", 44_100, noise())
    content = made.read_bytes()
    place = content.index(b"data") + 4
    made.write_bytes(content[:place] + b"\xff" * 8 + content[place + 8 :])
    assert flags(made) == {LENGTH_UNSURE}


@pytest.mark.reference("music/songs")
def test_row_12_whole_songs_are_flagged_only_where_their_format_does_not_tell():
    found = {path.name: flags(path) for path in reference.files("music/songs", "*.*")}
    assert len(found) == 11
    for name, noticed in found.items():  # these five count no frames
        assert noticed == ({LENGTH_UNSURE} if name.startswith("Jonathan_Coulton") else set()), name


def test_a_tone_with_eight_channels_through_ffmpeg_does_not_crash(tmp_path):
    """PyAV reads one plane beyond the eighth; the process died of it."""
    made = write(tmp_path / "a.flac", tone(channels=8))
    content = bytearray(made.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    whole = decode(str(write(tmp_path / "b.flac", tone(channels=8))))
    made.write_bytes(content)
    np.testing.assert_allclose(decode(str(made)), whole, atol=1e-6)

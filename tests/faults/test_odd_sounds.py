"""Rows 14 to 18 and 20: sounds that are odd but legal are measured to defined numbers, what cannot be is refused."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio.codec import NoAudio, NonFinite, Undecodable, Unsupported
from mixprior.pipeline.audio.decode import (
    DecodeLimits,
    OverScale,
    Silent,
    TooLong,
    TooShort,
    blocks,
    decode,
    decode_mixture,
    decode_stems,
)
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.store.records import Song
from mixprior.stats import registry
from mixprior.stats.sound import Sound
from mixprior.stats.stem import StemSet
from tests.pipeline.sounds import rms_db, tone, write, write_picture

RATE_HZ = 44_100


def noise(duration_s: float = 5.0, level: float = 0.1, seed: int = 7) -> np.ndarray:
    """Mono: shape (1, samples)."""
    return np.random.default_rng(seed).normal(0, level, (1, round(duration_s * RATE_HZ))).astype(np.float32)


def rows(audio: dict[str, np.ndarray]) -> dict[str, dict]:
    """A song's rows by stem, as they would be stored: every number is finite, or null."""
    table = registry.to_table("id", registry.measure(StemSet(audio)), "key")
    for column in table.select(registry.FEATURES_SCHEMA.names).to_pydict().values():
        numbers = [x for value in column for x in (value if isinstance(value, list) else [value])]
        assert all(x is None or isinstance(x, str) or np.isfinite(x) for x in numbers)
    return {row["stem"]: row for row in table.to_pylist()}


def mixture(path: Path) -> dict:
    return rows({"other": decode(str(path))})["mixture"]


@pytest.mark.fault(14)
@pytest.mark.parametrize("suffix", [".wav", ".flac", ".mp3", ".ogg", ".m4a"])
@pytest.mark.parametrize("duration_s", [0.1, 0.39, 2.9])
def test_row_14_a_song_below_3_s_is_refused_in_every_format(tmp_path, suffix, duration_s):
    with pytest.raises(TooShort, match="songs from 3 s are mined"):
        decode(str(write(tmp_path / f"a{suffix}", tone(duration_s))))


@pytest.mark.fault(14)
def test_row_14_a_header_without_samples_and_a_song_over_the_limit_are_refused(tmp_path):
    with pytest.raises(TooShort):
        decode(str(write(tmp_path / "none.wav", np.zeros((2, 0), np.float32))))
    with pytest.raises(TooLong, match="max-minutes"):
        decode(str(write(tmp_path / "long.wav", tone(7.0))), DecodeLimits(max_minutes=0.1))


@pytest.mark.fault(15)
def test_row_15_a_silent_song_is_refused_and_a_silent_stem_is_null(tmp_path):
    silence = np.zeros((2, 5 * RATE_HZ), np.float32)
    for audio in (silence, np.repeat(noise(level=1e-5), 2, axis=0)):
        with pytest.raises(Silent):
            decode_mixture(Song(str(write(tmp_path / "a.wav", audio, subtype="FLOAT"))))
    folder = tmp_path / "song"
    folder.mkdir()
    write(folder / "vocals.wav", silence)
    write(folder / "other.wav", np.repeat(noise(), 2, axis=0))
    (song,) = open_catalog(str(folder))
    stems, _ = decode_stems(song)
    vocals = rows(stems)["vocals"]
    assert vocals["integrated_lufs"] is None
    assert vocals["true_peak_dbtp"] is None
    assert rows(stems)["song"]["vocal_to_backing_lu"] is None
    assert rows(stems)["mixture"]["integrated_lufs"] is not None


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    ("value", "error"),
    [(np.nan, NonFinite), (np.inf, NonFinite), (1e30, NonFinite), (1e10, OverScale), (9.0, OverScale)],
)
def test_row_16_samples_that_are_no_sound_are_refused(tmp_path, value, error):
    audio = tone()
    audio[0, 77_777] = value
    with pytest.raises(error):
        decode(str(write(tmp_path / "a.wav", audio, subtype="FLOAT")))


@pytest.mark.fault(17)
def test_row_17_mono_is_in_the_middle(tmp_path):
    row = mixture(write(tmp_path / "a.wav", noise()))
    assert (row["mid_energy_fraction"], row["pan_position"], row["sps_rms_full"]) == (1.0, 0.5, 0.0)
    both = mixture(write(tmp_path / "b.wav", np.repeat(noise(), 2, axis=0)))
    assert {**row, "song_id": ""} == {**both, "song_id": ""}, "equal channels are mono"


@pytest.mark.fault(17)
def test_row_17_opposite_channels_have_no_middle(tmp_path):
    row = mixture(write(tmp_path / "a.wav", np.concatenate([noise(), -noise()])))
    assert row["mid_energy_fraction"] == pytest.approx(0.0, abs=1e-6)
    assert row["integrated_lufs"] is not None


@pytest.mark.fault(17)
def test_row_17_surround_is_mixed_down_by_bs775_and_flagged(tmp_path):
    flags: set[str] = set()
    audio = np.zeros((6, 5 * RATE_HZ), np.float32)
    audio[2] = noise()[0]
    made = write(tmp_path / "a.wav", audio, subtype="FLOAT")
    whole = np.concatenate(list(blocks(str(made), flags=flags)), axis=1)
    assert flags == {"downmixed"}
    np.testing.assert_allclose(whole, np.repeat(noise(), 2, axis=0) * 0.5**0.5, atol=1e-6)


@pytest.mark.fault(17)
def test_row_17_a_dc_offset_is_not_heard(tmp_path):
    still = mixture(write(tmp_path / "a.wav", np.repeat(noise(level=0.03), 2, axis=0), subtype="FLOAT"))
    offset = mixture(write(tmp_path / "b.wav", np.repeat(noise(level=0.03), 2, axis=0) + 0.3, subtype="FLOAT"))
    assert offset["integrated_lufs"] == pytest.approx(still["integrated_lufs"], abs=0.1)


@pytest.mark.fault(17)
def test_row_17_hard_clipping_is_measured_and_not_flagged_as_damage(tmp_path):
    flags: set[str] = set()
    clipped = np.clip(np.concatenate([noise(), noise(seed=8)]) * 30, -1, 1)
    made = write(tmp_path / "a.wav", clipped)
    audio = np.concatenate(list(blocks(str(made), flags=flags)), axis=1)
    assert flags == set()
    assert rows({"other": audio})["mixture"]["true_peak_dbtp"] > 0


@pytest.mark.fault(18)
@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 48_000, 96_000, 192_000])
def test_row_18_a_tone_is_as_loud_at_every_rate(tmp_path, rate_hz):
    """A stereo sine of 1 kHz that peaks at -23 dBFS reads -23.0 LUFS (EBU Tech 3341, case 1)."""
    made = tone(20.0, rate_hz=rate_hz, peak=10 ** (-23 / 20))
    audio = decode(str(write(tmp_path / "a.wav", made, rate_hz=rate_hz, subtype="FLOAT")))
    assert Sound(audio, RATE_HZ).integrated_lufs == pytest.approx(-23.0, abs=0.1)


@pytest.mark.fault(18)
@pytest.mark.parametrize("rate_hz", [1, 7_999, 192_001, 384_000])
def test_row_18_a_rate_outside_8_to_192_khz_is_refused(tmp_path, rate_hz):
    with pytest.raises(Unsupported, match=str(rate_hz)):
        decode(str(write(tmp_path / "a.wav", np.zeros((1, 5 * rate_hz), np.float32), rate_hz=rate_hz)))


@pytest.mark.fault(20)
@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.mov"])
def test_row_20_a_video_without_sound_is_refused(tmp_path, name):
    with pytest.raises(NoAudio):
        decode(str(write_picture(tmp_path / name)))


@pytest.mark.fault(20)
@pytest.mark.parametrize("tag", [b"drms", b"enca"])
def test_row_20_an_encrypted_file_is_refused_in_words(tmp_path, tag):
    made = write(tmp_path / "a.m4a", tone())
    made.write_bytes(made.read_bytes().replace(b"mp4a", tag))
    with pytest.raises(Undecodable, match="encrypted"):
        decode(str(made))


def jpeg() -> bytes:
    codec = av.CodecContext.create("mjpeg", "w")
    codec.width = codec.height = 64
    codec.pix_fmt, codec.time_base = "yuvj420p", Fraction(1, 25)
    packets = codec.encode(
        av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24").reformat(format="yuvj420p")
    )
    return bytes([*packets, *codec.encode(None)][0])


def flac_picture() -> bytes:
    """A PICTURE block with the front cover (RFC 9639, 8.8)."""
    image = jpeg()
    parts = (3, len(b"image/jpeg")), b"image/jpeg", (0, 64, 64, 24, 0, len(image)), image
    body = b"".join(
        part if isinstance(part, bytes) else b"".join(number.to_bytes(4, "big") for number in part) for part in parts
    )
    return bytes([6]) + len(body).to_bytes(3, "big") + body


@pytest.mark.fault(20)
def test_row_20_a_cover_in_a_flac_is_passed_over(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    content = made.read_bytes()
    made.write_bytes(content[:42] + flac_picture() + content[42:])
    assert soundfile.info(str(made)).frames == 5 * RATE_HZ
    audio = decode(str(made))
    assert audio.shape == (2, 5 * RATE_HZ)
    assert rms_db(audio) == pytest.approx(rms_db(tone()), abs=0.01)


@pytest.mark.fault(20)
def test_row_20_a_cover_in_an_mp3_is_passed_over(tmp_path):
    made = write(tmp_path / "a.mp3", tone())
    frame = b"\x00image/jpeg\x00\x03\x00" + jpeg()
    frame = b"APIC" + len(frame).to_bytes(4, "big") + bytes(2) + frame
    size = bytes(len(frame) >> shift & 0x7F for shift in (21, 14, 7, 0))
    music = made.read_bytes()
    made.write_bytes(b"ID3\x03\x00\x00" + size + frame + music)
    assert rms_db(decode(str(made))) == pytest.approx(rms_db(tone()), abs=0.2)

"""A tone of known level and length comes out of every format as it went in; real songs decode to their ends."""

from __future__ import annotations

import hashlib

import av
import fsspec
import numpy as np
import pytest
import soundfile

from mixprior.pipeline.audio import decode as decoding
from mixprior.pipeline.audio.decode import DecodeLimits, StemsDiffer, decode, decode_mixture, decode_stems, fingerprint
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.store.records import Song
from mixprior.stats.stem import StemSet
from tests import reference
from tests.pipeline.sounds import rms_db, tone, write

TONE_DB = rms_db(tone())


@pytest.mark.parametrize("suffix", [".wav", ".flac", ".aiff", ".au"])
@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
def test_lossless_format_gives_the_samples_it_was_made_of(tmp_path, suffix, subtype):
    audio = decode(str(write(tmp_path / f"a{suffix}", tone(), subtype=subtype)))
    assert audio.dtype == np.float32
    assert audio.flags.c_contiguous
    np.testing.assert_allclose(audio, tone(), atol=2.0 ** -(14 if subtype == "PCM_16" else 22))


def test_float_wav_over_full_scale_is_kept_as_it_is(tmp_path):
    loud = tone(peak=1.5)
    np.testing.assert_array_equal(decode(str(write(tmp_path / "a.wav", loud, subtype="FLOAT"))), loud)


@pytest.mark.parametrize("suffix", [".mp3", ".ogg", ".oga", ".m4a", ".opus", ".aac", ".wma"])
@pytest.mark.parametrize("channels", [1, 2])
def test_lossy_format_keeps_level_and_length(tmp_path, suffix, channels):
    audio = decode(str(write(tmp_path / f"a{suffix}", tone(channels=channels))))
    assert audio.shape[0] == 2
    assert audio.shape[1] / 44_100 == pytest.approx(5.0, abs=0.05)
    assert rms_db(audio[0]) == pytest.approx(TONE_DB, abs=0.2)
    assert rms_db(audio[1]) == pytest.approx(TONE_DB, abs=0.2)


@pytest.mark.parametrize("suffix", [".mp3", ".m4a", ".ogg", ".opus"])
def test_lossy_format_starts_where_the_sound_does(tmp_path, suffix):
    click = np.zeros((2, 5 * 44_100), np.float32)
    click[:, 44_100] = 0.9
    audio = decode(str(write(tmp_path / f"a{suffix}", click)))
    assert abs(int(np.argmax(np.abs(audio[0]))) - 44_100) <= 2


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 32_000, 48_000, 88_200, 96_000, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_other_rates_keep_level_and_length(tmp_path, rate_hz, channels):
    made = write(tmp_path / "a.wav", tone(rate_hz=rate_hz, channels=channels), rate_hz=rate_hz, subtype="FLOAT")
    audio = decode(str(made))
    assert audio.shape == (2, 5 * 44_100)
    assert rms_db(audio) == pytest.approx(TONE_DB, abs=0.02)


def test_resampling_keeps_the_place_of_a_tone(tmp_path):
    audio = decode(str(write(tmp_path / "a.wav", tone(rate_hz=48_000), rate_hz=48_000, subtype="FLOAT")))
    middle = slice(44_100, -44_100)
    np.testing.assert_allclose(audio[:, middle], tone()[:, middle], atol=1e-4)


def test_mono_is_the_same_on_both_sides(tmp_path):
    audio = decode(str(write(tmp_path / "a.wav", tone(channels=1), subtype="FLOAT")))
    np.testing.assert_array_equal(audio, tone())


def test_surround_is_mixed_down_by_bs775(tmp_path):
    made = np.zeros((6, 5 * 44_100), np.float32)
    left, right, centre, low, left_surround, right_surround = (
        tone(hz=hz, channels=1)[0] for hz in range(300, 900, 100)
    )
    made[:] = left, right, centre, low, left_surround, right_surround
    audio = decode(str(write(tmp_path / "a.wav", made, subtype="FLOAT")))
    half_power = np.sqrt(0.5)
    np.testing.assert_allclose(audio[0], left + half_power * (centre + left_surround), atol=1e-6)
    np.testing.assert_allclose(audio[1], right + half_power * (centre + right_surround), atol=1e-6)


def test_surround_of_aac_is_mixed_down_by_the_names_of_its_channels(tmp_path):
    made = np.zeros((6, 5 * 44_100), np.float32)
    made[2] = tone(channels=1)
    audio = decode(str(write(tmp_path / "a.m4a", made)))
    assert rms_db(audio[0]) == pytest.approx(TONE_DB - 3.01, abs=0.2)
    assert rms_db(audio[1]) == pytest.approx(TONE_DB - 3.01, abs=0.2)


def test_mp3_without_declared_length_is_read_to_its_end(tmp_path):
    options = {"write_xing": "0", "id3v2_version": "0"}
    made = write(tmp_path / "a.mp3", tone(), options=options)
    assert decode(str(made)).shape[1] / 44_100 == pytest.approx(5.0, abs=0.05)
    # A decoder that trusts the length guessed from the first frame's bit rate stops early.
    small = write(tmp_path / "b.mp3", tone(20.0), options=options, bit_rate=40_000)
    made.write_bytes(made.read_bytes() + small.read_bytes())
    assert soundfile.info(str(made)).duration < 15
    assert decode(str(made)).shape[1] / 44_100 == pytest.approx(25.0, abs=0.1)


def test_mp3_with_a_large_picture_in_its_tag_decodes(tmp_path):
    made = write(tmp_path / "a.mp3", tone())
    size = 200_000
    tag = b"ID3\x04\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)
    music = made.read_bytes()
    start = music.index(b"\xff\xfb")
    made.write_bytes(tag + music[start:] + b"TAG" + bytes(125))
    assert decode(str(made)).shape[1] / 44_100 == pytest.approx(5.0, abs=0.05)


def test_streamed_wav_whose_header_claims_4_gb_is_read_to_its_end(tmp_path):
    made = write(tmp_path / "a.wav", tone())
    content = bytearray(made.read_bytes())
    place = content.index(b"data") + 4
    content[4:8] = content[place : place + 4] = b"\xff\xff\xff\xff"
    made.write_bytes(content)
    np.testing.assert_allclose(decode(str(made)), tone(), atol=2e-4)


def test_flac_of_undeclared_length_is_read_to_its_end(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    content = bytearray(made.read_bytes())
    content[21] &= 0xF0
    content[22:26] = bytes(4)
    made.write_bytes(content)
    np.testing.assert_allclose(decode(str(made)), tone(), atol=2e-4)


@pytest.mark.parametrize(
    "name", ["-rf.mp3", "new\nline.mp3", "🎸 a.mp3", "a'b\"c;$(d).mp3", "x" * 250 + ".mp3", "concat:a.mp3"]
)
def test_odd_but_legal_names_decode(tmp_path, name):
    made = write(tmp_path / "a.mp3", tone())
    odd = made.rename(tmp_path / name)
    (song,) = open_catalog(str(tmp_path))
    assert song.path == str(odd)
    assert rms_db(decode_mixture(song)) == pytest.approx(TONE_DB, abs=0.2)


def test_remote_file_decodes_as_the_local_one(tmp_path):
    made = write(tmp_path / "a.flac", tone())
    fsspec.filesystem("memory").pipe_file("/songs/a.flac", made.read_bytes())
    np.testing.assert_array_equal(decode("memory://songs/a.flac"), decode(str(made)))
    assert fingerprint(Song("memory://songs/a.flac")) == fingerprint(Song(str(made)))
    np.testing.assert_array_equal(decode(f"file://{made}"), decode(str(made)))


def test_fingerprint_is_the_sha256_of_the_bytes(tmp_path):
    made = tmp_path / "a.mp3"
    made.write_bytes(b"x" * 3_000_000)
    assert fingerprint(Song(str(made))) == hashlib.sha256(b"x" * 3_000_000).hexdigest()[:16]


def test_fingerprint_of_stems_follows_their_names_and_contents_not_their_place(tmp_path):
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
        for name in ("vocals", "drums", "mixture"):
            (tmp_path / folder / f"{name}.wav").write_text(name)

    def song(folder, *names, mixture=True):
        stems = tuple((name, str(tmp_path / folder / f"{file}.wav")) for name, file in names)
        return Song(str(tmp_path / folder), stems, str(tmp_path / folder / "mixture.wav") if mixture else None)

    stems = (("drums", "drums"), ("vocals", "vocals"))
    assert fingerprint(song("here", *stems)) == fingerprint(song("there", *stems))
    swapped = (("drums", "vocals"), ("vocals", "drums"))
    ids = [song("here", *stems), song("here", *stems, mixture=False), song("here", *swapped)]
    assert len({fingerprint(each) for each in ids}) == 3


def test_stems_come_back_equally_long_with_their_mixture(tmp_path):
    for name, seconds in {"vocals": 5.0, "drums": 4.95, "mixture": 5.02}.items():
        write(tmp_path / f"{name}.wav", tone(seconds), subtype="FLOAT")
    (song,) = open_catalog(str(tmp_path))
    stems, mixture = decode_stems(song)
    assert {audio.shape for audio in (*stems.values(), mixture)} == {(2, round(5.02 * 44_100))}
    assert not stems["drums"][:, round(4.95 * 44_100) :].any()
    np.testing.assert_array_equal(stems["drums"][:, : round(4.95 * 44_100)], tone(4.95))


def test_stems_of_different_songs_are_refused(tmp_path):
    write(tmp_path / "vocals.wav", tone(5.0))
    write(tmp_path / "other.wav", tone(5.2))
    (song,) = open_catalog(str(tmp_path))
    with pytest.raises(StemsDiffer, match=r"5\.00 to 5\.20"):
        decode_stems(song)


def test_a_silent_stem_is_kept_and_a_silent_song_is_not(tmp_path):
    write(tmp_path / "vocals.wav", np.zeros((2, 5 * 44_100), np.float32))
    write(tmp_path / "other.wav", tone())
    (song,) = open_catalog(str(tmp_path))
    stems, mixture = decode_stems(song)
    assert not stems["vocals"].any()
    assert mixture is None
    write(tmp_path / "other.wav", np.zeros((2, 5 * 44_100), np.float32))
    with pytest.raises(decoding.Silent, match="-80 dBFS"):
        decode_stems(song)


def test_vocals_and_backing_of_two_stem_separation_add_up_to_the_song(tmp_path):
    write(tmp_path / "vocals.wav", tone(hz=300), subtype="FLOAT")
    write(tmp_path / "no_vocals.wav", tone(hz=700), subtype="FLOAT")
    (song,) = open_catalog(str(tmp_path))
    whole = StemSet(*decode_stems(song))
    assert [stem.name for stem in whole.rows()] == ["backing", "vocals", "mixture", "song"]
    np.testing.assert_allclose(whole["backing"].audio, tone(hz=700), atol=1e-6)
    np.testing.assert_allclose(whole["mixture"].audio, tone(hz=300) + tone(hz=700), atol=1e-6)


def test_stem_file_gives_its_streams_by_name(tmp_path):
    parts = {"drums": 200.0, "bass": 400.0, "other": 600.0, "vocals": 800.0}
    sounds = {name: tone(hz=hz, peak=0.2) for name, hz in parts.items()}
    mixture = np.sum(list(sounds.values()), axis=0)
    (song,) = open_catalog(str(write(tmp_path / "a.stem.mp4", mixture, *sounds.values())))
    assert song.has_stems
    stems, mixed = decode_stems(song)
    assert mixed.shape == (2, 5 * 44_100)
    for name, hz in parts.items():
        spectrum = np.abs(np.fft.rfft(stems[name][0]))
        assert np.argmax(spectrum) / 5 == pytest.approx(hz, abs=0.5)
        assert rms_db(stems[name]) == pytest.approx(rms_db(sounds[name]), abs=0.2)
    assert rms_db(mixed - sum(stems.values())) < rms_db(mixed) - 30


def test_picture_before_the_sound_is_passed_over(tmp_path):
    music = write(tmp_path / "music.m4a", tone())
    made = tmp_path / "a.m4a"
    with av.open(str(made), "w", format="mp4") as out, av.open(str(music)) as source:
        picture = out.add_stream("mjpeg", rate=1)
        picture.width = picture.height = 64
        picture.pix_fmt = "yuvj420p"
        copied = out.add_stream_from_template(source.streams.audio[0])
        out.mux(picture.encode(av.VideoFrame.from_ndarray(np.zeros((64, 64, 3), np.uint8), "rgb24")))
        for packet in source.demux(audio=0):
            if packet.dts is not None:
                packet.stream = copied
                out.mux(packet)
    assert rms_db(decode(str(made))) == pytest.approx(TONE_DB, abs=0.2)


def test_longest_song_is_what_the_limits_say(tmp_path):
    made = str(write(tmp_path / "a.wav", tone(8.0)))
    assert decode(made, DecodeLimits(max_minutes=8.5 / 60)).shape == (2, 8 * 44_100)
    with pytest.raises(decoding.TooLong, match="max-minutes"):
        decode(made, DecodeLimits(max_minutes=7.5 / 60))


@pytest.mark.reference("music/songs")
@pytest.mark.parametrize("path", reference.files("music/songs", "*.*") or [None], ids=lambda path: path and path.name)
def test_real_song_decodes_whole(path):
    audio = decode(str(path))
    declared = soundfile.info(str(path)).duration
    assert audio.shape[1] / 44_100 == pytest.approx(declared, abs=0.3)
    assert -30 < rms_db(audio) < -5


@pytest.mark.reference("music/multitracks")
@pytest.mark.parametrize(
    ("title", "tracks", "every"),
    [
        ("4.Potassium", 19, 4),
        pytest.param("4.Potassium", 19, 1, marks=pytest.mark.nightly("material")),
        pytest.param("3.Sodium", 28, 1, marks=pytest.mark.nightly("material")),
    ],
)
def test_the_tracks_of_a_real_multitrack_decode_equally_long(title, tracks, every):
    songs = list(open_catalog(str(reference.MUSIC / "multitracks" / title)))
    assert len(songs) == tracks
    lengths_s = [decode(song.path).shape[1] / 44_100 for song in songs[::every]]
    assert max(lengths_s) - min(lengths_s) < 0.2


@pytest.mark.reference("music/stems")
def test_real_stem_file_adds_up_to_its_mixture():
    (song,) = open_catalog(str(reference.MUSIC / "stems"))
    stems, mixture = decode_stems(song)
    assert sorted(stems) == ["bass", "drums", "other", "vocals"]
    assert mixture.shape[1] / 44_100 == pytest.approx(6.8, abs=0.05)
    assert rms_db(mixture - sum(stems.values())) < rms_db(mixture) - 25

"""Vocals against backing, and when the voice sings: on songs whose answer is known by construction."""

import numpy as np
import pytest

from mixprior.stats.measures import activity, balance
from mixprior.stats.measures.activity import active, active_ratio, bleed_floor_lufs, separation_residual_db
from mixprior.stats.measures.presence import is_present
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet

SECONDS = 40
SONG_COLUMNS = [column.name for column in balance.STATISTIC.columns]


def noise(seed, level_db, seconds=SECONDS):
    """White noise at an RMS level in dBFS, the same in both channels."""
    wave = np.random.default_rng(seed).standard_normal(int(seconds * SAMPLE_RATE_HZ))
    return np.tile(10 ** (level_db / 20) * wave, (2, 1)).astype(np.float32)


def sung(*parts):
    """1 where sung and 0 where not, per sample; each part is (sung, seconds)."""
    return np.concatenate([np.full(int(seconds * SAMPLE_RATE_HZ), float(on)) for on, seconds in parts]).astype(
        np.float32
    )


def phrases(rest_s=0.6, seconds=SECONDS):
    """A voice that hardly pauses: phrases of 3 s, each swelling by 8 dB, with short rests."""
    n = np.arange(int(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    level_db = -4 + 4 * np.sin(2 * np.pi * n)
    return (10 ** (level_db / 20) * (n % 3 < 3 - rest_s)).astype(np.float32)


def song(voice, band, bleed_db=None):
    """A song whose separator leaks the band into the vocals, and takes as much from the band; None leaks nothing."""
    leak = np.float32(0 if bleed_db is None else 10 ** (bleed_db / 20)) * band
    return StemSet({"vocals": voice + leak, "other": band - leak})


def sings(song):
    return is_present(song["vocals"])


def row(song):
    return balance.STATISTIC.measure(list(song.rows())[-1])


BAND = noise(1, -20)
VOICE = noise(2, -23)


@pytest.mark.parametrize("bleed_db", [None, -50, -30])
def test_a_voice_that_sings_all_the_time_is_active_all_the_time(bleed_db):
    assert active_ratio(song(VOICE, BAND, bleed_db)) == 1


@pytest.mark.parametrize("bleed_db", [None, -50, -30])
def test_short_rests_between_phrases_do_not_make_a_voice_inactive(bleed_db):
    # Frames of 400 ms fit wholly into a rest of 0.6 s at 2 to 3 of 30 steps.
    assert active_ratio(song(VOICE * phrases(), BAND, bleed_db)) == pytest.approx(0.9, abs=0.05)


@pytest.mark.parametrize("bleed_db", [None, -50, -30])
def test_a_sparse_voice_is_active_where_it_sings(bleed_db):
    voice = VOICE * sung((0, 15), (1, 5), (0, 10), (1, 3), (0, 7))
    found = active(song(voice, BAND, bleed_db))
    starts_s = np.arange(found.size) / 10
    whole = ((starts_s >= 15) & (starts_s + 0.4 <= 20)) | ((starts_s >= 30) & (starts_s + 0.4 <= 33))
    touched = ((starts_s + 0.4 > 15) & (starts_s < 20)) | ((starts_s + 0.4 > 30) & (starts_s < 33))
    assert found[whole].all()
    assert not found[~touched].any()


def test_strong_bleed_in_the_pauses_of_a_voice_is_not_singing():
    # 17 dB under voice and band, within 20 LU of both: only the bleed floor tells it from singing.
    voice = noise(2, -20) * sung((1, 10), (0, 30))
    assert active_ratio(song(voice, BAND, -17)) == pytest.approx(0.25, abs=0.02)


def test_soft_verses_of_a_voice_that_never_pauses_are_singing():
    # Verses 9 dB under the chorus: the 10th percentile + 6 dB would cut at -3, and leave only the chorus.
    voice = VOICE * np.where(sung((1, 20), (0, 20)), np.float32(10 ** (-9 / 20)), np.float32(1))
    assert active_ratio(song(voice, BAND, -50)) == 1


@pytest.mark.parametrize("bleed_db", [None, -60, -45, -25])
def test_an_instrumental_has_no_vocals(bleed_db):
    instrumental = song(np.zeros_like(BAND), BAND, bleed_db)
    assert active_ratio(instrumental) == 0
    assert not sings(instrumental)
    assert {row(instrumental)[name] for name in SONG_COLUMNS} == {None}


def test_singing_in_less_than_a_tenth_of_the_song_is_no_vocal():
    assert not sings(song(VOICE * sung((0, 37), (1, 3)), BAND))
    assert sings(song(VOICE * sung((0, 34), (1, 6)), BAND))


def test_a_voice_30_lu_below_its_backing_is_no_vocal_though_it_sounds_in_the_pauses_of_the_band():
    voice, band = noise(3, -55) * sung((0, 30), (1, 10)), BAND * sung((1, 30), (0, 10))
    assert active_ratio(song(voice, band)) == pytest.approx(0.25, abs=0.02)
    assert not sings(song(voice, band))
    assert sings(song(10 * voice, band))


@pytest.mark.parametrize("balance_db", [-12, -3, 0, 6])
def test_every_definition_gives_the_balance_of_steady_sounds(balance_db):
    found = row(song(noise(4, -20 + balance_db), BAND))
    for name in SONG_COLUMNS:
        assert found[name] == pytest.approx(balance_db, abs=0.02), name


def test_definitions_part_where_the_voice_rests():
    # Sung for half of the song: gates and active frames leave the rests out, plain RMS does not.
    found = row(song(VOICE * sung((1, 20), (0, 20)), BAND))
    assert found["vocal_to_backing_lu"] == pytest.approx(-3, abs=0.1)
    assert found["vocal_to_backing_active_rms_db"] == pytest.approx(-3, abs=0.1)
    assert found["vocal_to_backing_rms_db"] == pytest.approx(-6.01, abs=0.02)


def test_a_backing_as_wide_as_can_be_is_3_db_softer_in_mono():
    band = np.vstack([noise(5, -20)[0], noise(6, -20)[0]])
    found = row(song(VOICE, band))
    assert found["vocal_to_backing_mono_lu"] - found["vocal_to_backing_lu"] == pytest.approx(3.01, abs=0.02)


def test_a_song_without_backing_has_vocals_but_no_balance():
    alone = song(VOICE, np.zeros_like(VOICE))
    assert sings(alone)
    assert {row(alone)[name] for name in SONG_COLUMNS} == {None}


def test_balance_fills_only_the_row_of_the_song():
    assert [balance.STATISTIC.fills(name) for name in ("vocals", "backing", "mixture", "song")] == [False] * 3 + [True]


def test_bleed_floor_is_what_is_left_in_the_pauses():
    stems = song(VOICE * sung((1, 20), (0, 20)), BAND, -40)
    assert bleed_floor_lufs(stems["vocals"]) == pytest.approx(Sound(BAND, SAMPLE_RATE_HZ).integrated_lufs - 40, abs=0.2)


def test_digital_silence_in_the_pauses_has_no_bleed_floor():
    assert bleed_floor_lufs(song(VOICE * sung((1, 20), (0, 20)), BAND)["vocals"]) is None


def test_singing_is_told_of_the_vocals_and_the_residual_of_the_song_alone():
    rows = [stem.name for stem in song(VOICE, BAND).rows()]
    assert [name for name in rows if activity.VOCAL_STATISTIC.fills(name)] == ["vocals"]
    assert [name for name in rows if activity.SONG_STATISTIC.fills(name)] == ["song"]
    assert [name for name in rows if activity.STATISTIC.fills(name)] == ["vocals", "other", "backing", "mixture"]


@pytest.mark.parametrize("residual_db", [10, 30, 60])
def test_residual_is_how_far_the_stems_fall_short_of_the_mixture(residual_db):
    mixture = VOICE + BAND
    missing = np.float32(10 ** (-residual_db / 20)) * mixture
    assert separation_residual_db(StemSet({"vocals": VOICE - missing, "other": BAND}, mixture)) == pytest.approx(
        residual_db, abs=0.01
    )


def test_stems_that_sum_to_the_mixture_have_no_residual():
    assert separation_residual_db(song(VOICE, BAND)) is None
    thirds = {"vocals": VOICE, "bass": BAND / 3, "drums": BAND / 3, "other": BAND / 3}
    assert separation_residual_db(StemSet(thirds, VOICE + BAND)) is None


def test_silence_and_too_short_songs_fill_nothing_but_their_length():
    for samples in (0, 1000, 10 * SAMPLE_RATE_HZ):
        silence = np.zeros((2, samples), np.float32)
        stems = StemSet({"vocals": silence, "other": silence})
        found = {
            name: cell
            for statistic in (balance.STATISTIC, activity.SONG_STATISTIC)
            for name, cell in statistic.measure(list(stems.rows())[-1]).items()
        }
        assert found.pop("duration_s") == samples / SAMPLE_RATE_HZ
        assert set(found.values()) == {None}
        assert active_ratio(stems) == (0 if samples > SAMPLE_RATE_HZ else None)

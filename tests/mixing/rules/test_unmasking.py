"""Unmasking: the rules on band levels worked out by hand, what they do to sounds, and that less is masked after."""

import numpy as np
import pytest
import soundfile

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.equaliser import Equaliser
from mixprior.mixing.rules.masking import masked_db, octave_levels_db
from mixprior.mixing.rules.unmasking import (
    CENTRES_HZ,
    SEED_CENTRES_HZ,
    amounts_db,
    hafezi_reiss,
    hafezi_reiss_gains_db,
    seed_gains_db,
    seed_rule,
)
from mixprior.stats.errors import InputError
from tests import reference
from tests.mixing.sounds import RATE_HZ, band, sound, voice

RULES = pytest.mark.parametrize("rule", [seed_rule, hafezi_reiss])


def tones(levels_by_hz, seconds=4.0, rate_hz=RATE_HZ):
    time_s = np.arange(round(seconds * rate_hz)) / rate_hz
    total = sum(level * np.sin(2 * np.pi * hz * time_s) for hz, level in levels_by_hz.items())
    return np.tile(total, (2, 1)).astype(np.float32)


# The seed's rule on levels from 63 Hz to 16 kHz. The excesses (backing - voice) have a mean of 0.


def seed_gains(voice_db, excess_db):
    voice_db, excess_db = np.array(voice_db, float), np.array(excess_db, float)
    return seed_gains_db(voice_db, voice_db + excess_db).round(9).tolist()


def test_seed_raises_what_the_backing_masks_and_the_voice_needs():
    """Voice's six: 125 Hz to 4 kHz. Backing's two: 125 and 250 Hz. Left: 500 Hz, 1 kHz (ends at 8 dB), 2 kHz."""
    gains_db = seed_gains([-60, -20, -21, -22, -23, -24, -25, -50, -60], [-20, 9, 9, 3, 9, 5, -3, -6, -6])
    assert gains_db == [0, 0, 0, 3, 8, 5, 0, 0, 0]


def test_seed_cuts_where_the_voice_masks_and_does_not_need():
    """Backing's two: 63 Hz and 8 kHz, where the voice is 5 dB over it and has its seventh band."""
    gains_db = seed_gains([-80, -20, -21, -22, -23, -24, -25, -30, -90], [80, -20, -20, -20, -20, -20, -20, -5, 45])
    assert gains_db == [0, 0, 0, 0, 0, 0, 0, -5, 0]


def test_seed_keeps_the_four_largest():
    gains_db = seed_gains([-60, -20, -21, -22, -23, -24, -25, -50, -60], [58, 1, 2, 3, 4, 5, 6, -139, 60])
    assert gains_db == [0, 0, 0, 3, 4, 5, 6, 0, 0]


def test_seed_leaves_a_band_without_sound_out_of_the_mean():
    """As the first, but the voice has no 63 Hz: the mean of the other excesses is 20 / 8 = 2.5."""
    gains_db = seed_gains([np.nan, -20, -21, -22, -23, -24, -25, -50, -60], [-20, 9, 9, 3, 9, 5, -3, -6, -6])
    assert gains_db == [0, 0, 0, 0.5, 6.5, 2.5, 0, 0, 0]


def test_seed_does_nothing_for_sounds_without_a_common_band():
    assert not seed_gains_db(np.array([-20.0, np.nan]), np.array([np.nan, -20.0])).any()


# Hafezi & Reiss: three essential bands each.

THREE = np.array(
    [
        [-10, -12, -14, -20, -30],  # essential: the first three
        [-30, -25, -18, -16, -15],  # essential: the last three
        [0, -1, -2, -8, -12],  # essential: the first three
    ],
    float,
)


@pytest.mark.parametrize(
    ("offset_db", "expected"),
    [
        (0.0, [[0, 0, 0, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 8, 3]]),
        (10.0, [[0, 0, 0, 6, 0], [0, 0, 0, 0, 0], [0, 0, 0, 18, 13]]),
    ],
)
def test_a_sound_masks_by_what_it_is_over_the_one_that_needs_the_band(offset_db, expected):
    assert amounts_db(THREE, offset_db).tolist() == expected


def test_the_masker_is_cut_by_as_much_as_it_masks_and_by_8_db_at_most():
    gains_db = hafezi_reiss_gains_db(THREE, 10.0)
    assert gains_db.tolist() == [[0, 0, 0, -6, 0], [0, 0, 0, 0, 0], [0, 0, 0, -8, -8]]
    assert not np.signbit(gains_db[gains_db == 0.0]).any()


def test_no_sound_is_cut_in_more_than_five_bands():
    """A loud sound over four quiet ones, each of which needs other bands: eleven are masked."""
    levels_db = np.full((5, 14), -60.0)
    levels_db[0] = [0, 0, 0, *range(-1, -12, -1)]
    for other in range(1, 5):
        levels_db[other, 3 * other : 3 * other + 3] = -20.0
    gains_db = hafezi_reiss_gains_db(levels_db, 0.0)
    assert (amounts_db(levels_db, 0.0)[0] > 0).sum() == 11
    assert np.flatnonzero(gains_db[0]).tolist() == [3, 4, 5, 6, 7]


def test_a_band_without_sound_neither_masks_nor_is_masked():
    levels_db = THREE[:2].copy()
    levels_db[0, 3] = np.nan
    assert not amounts_db(levels_db, 10.0).any()


# On sounds.


def test_the_backing_is_cut_where_the_voice_needs_the_band():
    """At 1 kHz the backing is 20 log10(0.04 / 0.1) = -8 dB of the voice: 2 dB within the 10 dB of masking."""
    sung = tones({250: 0.2, 1000: 0.1, 4000: 0.3})
    backing = tones({31.25: 0.3, 62.5: 0.3, 16000: 0.3, 1000: 0.04})
    found = hafezi_reiss(sound(sung), sound(backing))
    assert found.vocals == ()
    (cut,) = found.backing
    assert (cut.kind, cut.frequency_hz, cut.q) == ("peak", 1000.0, 2.0)
    assert cut.gain_db == pytest.approx(-2.04, abs=0.2)
    record = found.bands[CENTRES_HZ.index(1000.0)]
    assert (record.backing_gain_db, record.vocals_gain_db) == (cut.gain_db, 0.0)
    assert record.vocals_rank <= 3 < record.backing_rank
    assert (
        found.reason == f"1000 Hz: backing {cut.gain_db:+.1f} dB: it masks the vocals, to which the band is essential"
    )


def test_the_seed_rule_does_not_look_at_levels():
    sung, backing = tones({250: 0.2, 500: 0.1, 1000: 0.05, 2000: 0.02, 4000: 0.01, 125: 0.1}), band()[:, : 4 * RATE_HZ]
    expected = seed_rule(sound(sung), sound(backing))
    assert expected.vocals
    assert expected.backing == ()
    for voice_gain, backing_gain in ((0.01, 1.0), (1.0, 0.01)):
        found = seed_rule(sound(sung * np.float32(voice_gain)), sound(backing * np.float32(backing_gain)))
        assert [each.frequency_hz for each in found.vocals] == [each.frequency_hz for each in expected.vocals]
        gains_db = [each.gain_db for each in found.vocals]
        assert gains_db == pytest.approx([each.gain_db for each in expected.vocals], abs=1e-3)


def test_levels_of_white_noise_rise_by_3_db_an_octave():
    noise = band(20.0)
    levels_db = octave_levels_db(sound(noise), sound(noise), np.array(CENTRES_HZ[1:-1]))
    assert np.diff(levels_db[1]) == pytest.approx(10 * np.log10(2), abs=0.35)
    assert levels_db[0] == pytest.approx(levels_db[1])


def test_only_what_sounds_while_the_voice_sings_counts():
    sung, backing = tones({250: 0.3}), tones({1000: 0.1})
    sung[:, 2 * RATE_HZ :] *= 0.01
    backing[:, 2 * RATE_HZ :] += tones({4000: 0.9})[:, 2 * RATE_HZ :]
    (_, at_4_khz_db) = octave_levels_db(sound(sung), sound(backing), np.array([1000.0, 4000.0]))[1]
    assert np.isnan(at_4_khz_db) or at_4_khz_db < -45


@RULES
def test_bands_that_the_rate_cannot_hold_are_left_out(rule):
    found = rule(*(sound(tones({hz: 0.2}, rate_hz=8_000), 8_000) for hz in (250, 1000)))
    assert max(record.centre_hz for record in found.bands) == 2000.0


@RULES
def test_silence_has_nothing_to_unmask(rule):
    sung, silence = voice(), np.zeros((2, 6 * RATE_HZ), np.float32)
    for pair in ((silence, sung), (sung, silence), (sung[:, :100], sung), (sung, sung[:, :0])):
        found = rule(*map(sound, pair))
        assert (found.vocals, found.backing, found.bands) == ((), (), ())
        assert found.reason.startswith("nothing to unmask")


@RULES
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_samples_that_are_no_numbers_are_refused(rule, bad):
    broken = voice()
    broken[1, 5] = bad
    with pytest.raises(InputError, match="not numbers"):
        rule(sound(broken), sound(band()))
    with pytest.raises(InputError, match="not numbers"):
        rule(sound(voice()), sound(broken))


@RULES
def test_what_is_longer_is_left_out(rule):
    sung, backing = voice(), band()
    assert rule(sound(sung), sound(np.concatenate([backing, backing], axis=1))) == rule(sound(sung), sound(backing))


@RULES
def test_every_band_of_the_rule_is_told(rule):
    found = rule(sound(voice()), sound(band()))
    assert [record.centre_hz for record in found.bands] == list(SEED_CENTRES_HZ if rule is seed_rule else CENTRES_HZ)
    for filters, gain in ((found.vocals, "vocals_gain_db"), (found.backing, "backing_gain_db")):
        told = {record.centre_hz: getattr(record, gain) for record in found.bands if getattr(record, gain)}
        assert told == {each.frequency_hz: each.gain_db for each in filters}


# How much is masked.


def test_masking_falls_with_the_gain_of_the_sound_and_not_with_that_of_both():
    sung, backing = voice(), band()
    shares_db = [
        masked_db(sound(sung * np.float32(10 ** (gain_db / 20))), sound(backing)) for gain_db in (-12, -6, 0, 6, 12)
    ]
    assert (np.diff(shares_db) < -0.05).all()
    both_db = masked_db(sound(sung * np.float32(0.1)), sound(backing * np.float32(0.1)))
    assert both_db == pytest.approx(shares_db[2], abs=1e-4)


def test_masking_reaches_further_up_than_down():
    """30 dB under a tone at 1 kHz, one at 1.5 kHz (three bands up) is masked, one at 650 Hz (two down) is not."""
    masker = tones({1000: 0.9})
    assert masked_db(sound(tones({1500: 0.9 * 10 ** (-30 / 20)})), sound(masker)) == pytest.approx(0.0, abs=0.01)
    below_db = masked_db(sound(tones({650: 0.9 * 10 ** (-30 / 20)})), sound(masker))
    assert below_db is None or below_db < -10


def test_nothing_masks_and_nothing_is_masked_in_silence():
    silence = np.zeros((2, 6 * RATE_HZ), np.float32)
    assert masked_db(sound(voice()), sound(silence)) is None
    assert masked_db(sound(silence), sound(voice())) is None


# On music: the voice at the published -2.15 LU of the backing, before and after.


def at_ratio(sung, backing):
    gain_db = -2.15 - (sound(sung).integrated_lufs - sound(backing).integrated_lufs)
    return sung * np.float32(10 ** (gain_db / 20))


@pytest.fixture(scope="module")
def singer_and_band():
    """A solo voice of 30 s over as much of an instrumental."""
    sung = soundfile.read(reference.need("music/voices/vocadito_1.wav"), dtype="float32", always_2d=True)[0].T
    with soundfile.SoundFile(reference.need("music/songs/Kevin_MacLeod_-_Vibe_Ace.hq.ogg")) as song:
        song.seek(20 * RATE_HZ)
        backing = song.read(sung.shape[1], dtype="float32", always_2d=True).T
    sung = np.ascontiguousarray(np.broadcast_to(sung, (2, sung.shape[1])))
    return at_ratio(sung, backing), np.ascontiguousarray(backing)


@pytest.fixture(scope="module")
def true_stems():
    """The voice and the rest of seven seconds of a song, from the stems it was mixed from."""
    path = reference.need("music/stems/Music Delta - 80s Rock.stem.mp4")
    av = pytest.importorskip("av")
    stems = []
    for index in range(1, 5):
        resampler = av.AudioResampler("fltp", "stereo", RATE_HZ)
        with av.open(str(path)) as container:
            frames = [each for frame in container.decode(audio=index) for each in resampler.resample(frame)]
        stems.append(np.concatenate([frame.to_ndarray() for frame in frames], axis=1))
    drums, bass, other, sung = stems
    backing = drums + bass + other
    return at_ratio(sung, backing), backing


def test_the_seed_rule_unmasks_a_voice(singer_and_band):
    sung, backing = singer_and_band
    found = seed_rule(sound(sung), sound(backing))
    assert found.vocals
    equalised = render(Equaliser(found.vocals, RATE_HZ), sung)
    assert masked_db(sound(equalised), sound(backing)) < masked_db(sound(sung), sound(backing))


@pytest.mark.parametrize("material", ["singer_and_band", "true_stems"])
def test_hafezi_reiss_unmasks_at_the_same_level_of_the_voice(material, request):
    sung, backing = request.getfixturevalue(material)
    found = hafezi_reiss(sound(sung), sound(backing))
    assert found.vocals or found.backing
    cut = render(Equaliser(found.backing, RATE_HZ), backing)
    again = at_ratio(render(Equaliser(found.vocals, RATE_HZ), sung), cut)

    def of_both(one, two):
        return 10 ** (masked_db(sound(one), sound(two)) / 10) + 10 ** (masked_db(sound(two), sound(one)) / 10)

    assert of_both(again, cut) < of_both(sung, backing)

"""The network: it decays as its settings say, whatever the rate, the blocks and the sound."""

import time
from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.delay_lines import delays
from mixprior.stats.reverb.fdn.network import FdnReverb, impulse_response, vocal_response
from mixprior.stats.reverb.fdn.settings import FDN_SIZES, FdnReverbSettings

FLAT = FdnReverbSettings(room_size=8, reverberation_time_s=1.0, lows_gain_db_s=0.0, highs_gain_db_s=0.0, dry_wet=1.0)


def noise(samples, seed=1):
    return (0.1 * np.random.default_rng(seed).standard_normal((2, samples))).astype(np.float32)


def decay_time_s(response, rate_hz, start_s, stop_s):
    """From the slope of the energy that is left (Schroeder), between two times."""
    left = np.cumsum(np.square(response).sum(axis=0)[::-1])[::-1]
    span = slice(round(start_s * rate_hz), round(stop_s * rate_hz))
    level_db = 10 * np.log10(left[span])
    return -60 / (np.polyfit(np.arange(level_db.size), level_db, 1)[0] * rate_hz)


def band(response, low_hz, high_hz, rate_hz):
    return sosfilt(butter(4, (low_hz, high_hz), "bandpass", fs=rate_hz, output="sos"), response)


@pytest.mark.parametrize(
    ("room_size", "first", "last"),
    [
        (1, [24, 33, 52, 62], 1521),
        (15, [24, 33, 52, 81], 17428),
        (20, [33, 62, 110, 177], 25252),
        (30, [52, 91, 177, 254], 39979),
    ],
)
def test_delays_of_the_plug_in_at_48_khz(room_size, first, last):
    found = delays(room_size, 64, 48_000)
    assert found[:4].tolist() == first
    assert found[-1] == last
    assert (np.diff(found) > 0).all()


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("fdn_size", FDN_SIZES)
def test_the_energy_decays_in_the_reverberation_time_at_every_rate(rate_hz, fdn_size):
    response = vocal_response(replace(FLAT, fdn_size=fdn_size), rate_hz, 1.5, wet_only=True)
    assert decay_time_s(response, rate_hz, 0.3, 0.9) == pytest.approx(1.0, rel=0.03)


def test_shelves_shorten_the_decay_of_their_bands_as_promised():
    settings = replace(
        FLAT,
        reverberation_time_s=2.0,
        lows_cutoff_hz=1000,
        lows_gain_db_s=-25.0,
        highs_cutoff_hz=8000,
        highs_gain_db_s=-40.0,
    )
    response = impulse_response(settings, 48_000, 2.5).reshape(4, -1)
    for low_hz, high_hz in ((100, 400), (2600, 3200), (16_000, 22_000)):
        promised_s = settings.decay_time_s(np.sqrt(np.array([low_hz * high_hz])))[0]
        found_s = decay_time_s(band(response, low_hz, high_hz, 48_000), 48_000, 0.3, 0.3 + 0.4 * promised_s)
        assert found_s == pytest.approx(promised_s, rel=0.06)


@pytest.mark.parametrize("fdn_size", FDN_SIZES)
@pytest.mark.parametrize("fade_in_s", [0.0, 0.4])
def test_blocks_of_any_length_give_the_same_bytes_as_one_piece(fdn_size, fade_in_s):
    settings = replace(FLAT, fdn_size=fdn_size, room_size=3, dry_wet=0.3, fade_in_s=fade_in_s, highs_gain_db_s=-9.0)
    sound = noise(20_000)
    whole = FdnReverb(settings, 44_100).process(sound)
    blockwise = FdnReverb(settings, 44_100)
    cuts = np.cumsum(np.random.default_rng(2).integers(0, 90, 400))
    pieces = [blockwise.process(piece) for piece in np.split(sound, cuts[cuts < 20_000], axis=1)]
    assert np.concatenate(pieces, axis=1).tobytes() == whole.tobytes()
    blockwise.reset()
    assert blockwise.process(sound).tobytes() == whole.tobytes()


def test_channels_enter_and_leave_by_lines_of_their_own():
    left, right = impulse_response(FLAT, 48_000, 0.5)
    shortest, next_shortest = delays(8, 64, 48_000)[:2]
    # At sample 0 the undelayed copy; then what the shortest line of the fed channel brings, with 1/8 of the amplitude.
    assert left[:, 0].tolist() == [1.0, 0.0]
    assert right[:, 0].tolist() == [0.0, 1.0]
    assert [np.flatnonzero(np.abs(left[0, 1:]) > 1e-9)[0] + 1, np.flatnonzero(np.abs(right[1, 1:]) > 1e-9)[0] + 1] == [
        shortest,
        next_shortest,
    ]
    assert left[0, shortest] == pytest.approx(10 ** (-3 * shortest / 48_000) / 8)
    np.testing.assert_allclose(vocal_response(FLAT, 48_000, 0.5), left + right, atol=1e-12)


def test_the_matrix_keeps_the_energy_that_the_gains_do_not_take():
    reverb = FdnReverb(FLAT, 48_000)
    impulse = np.zeros((2, 9600), np.float32)
    impulse[0, 0] = 1.0
    reverb.process(impulse)
    network = reverb._networks[0]
    written, samples = [], impulse.shape[1]
    for length, position in zip(network.lengths, network.positions, strict=True):
        written.append(samples - length + (np.arange(length) - position) % length)
    # An impulse gets the gain of its first line before it has passed one.
    passed_s = (np.concatenate(written) + network.lengths[0]) / 48_000
    assert np.sum(network.lines**2 * 10 ** (6 * passed_s)) == pytest.approx(1.0, abs=1e-9)


def test_a_fade_in_is_the_difference_of_two_decays():
    settings = replace(FLAT, reverberation_time_s=0.8, fade_in_s=0.3)
    # From a line to itself every path has gains for exactly its delays, so that the decay factors out.
    faded = impulse_response(settings, 48_000, 1.0)[[0, 1], [0, 1]]
    plain = impulse_response(replace(settings, fade_in_s=0.0), 48_000, 1.0)[[0, 1], [0, 1]]
    t = np.arange(48_000) / 48_000
    np.testing.assert_allclose(faded, plain * (1 - 10 ** (-3 * t * (1 / 0.3 - 1 / 0.8))), atol=1e-12)
    assert (faded[:, 0] == 0).all()


def test_below_eight_hundredths_of_a_second_a_fade_in_takes_the_undelayed_copy_alone():
    faded = vocal_response(replace(FLAT, fade_in_s=0.07), 48_000, 0.5)
    plain = vocal_response(FLAT, 48_000, 0.5)
    assert (faded[:, 0] == 0).all()
    np.testing.assert_array_equal(faded[:, 1:], plain[:, 1:])


def test_a_dry_knob_at_zero_gives_the_sound_itself():
    sound = noise(5000)
    np.testing.assert_array_equal(FdnReverb(replace(FLAT, dry_wet=0.0), 44_100).process(sound), sound)


def test_silence_stays_silent_and_a_shelf_above_half_the_rate_is_a_plain_gain():
    settings = replace(FLAT, highs_cutoff_hz=20_000, highs_gain_db_s=-20.0, lows_cutoff_hz=20_000, lows_gain_db_s=-10.0)
    reverb = FdnReverb(settings, 22_050)
    assert not reverb.process(np.zeros((2, 3000), np.float32)).any()
    response = vocal_response(settings, 22_050, 1.2, wet_only=True)
    assert decay_time_s(response, 22_050, 0.2, 0.7) == pytest.approx(60 / (60 + 10), rel=0.03)


@pytest.mark.nightly("speed")
def test_a_tail_that_dies_away_does_not_slow_down():
    # 100 dB and more a tenth of a second: through the denormal numbers within seconds.
    reverb = FdnReverb(replace(FLAT, reverberation_time_s=0.1, lows_cutoff_hz=20, lows_gain_db_s=-40.0), 44_100)
    loud, silent = noise(44_100), np.zeros((2, 44_100), np.float32)

    def seconds(sound):
        start = time.process_time()
        out = reverb.process(sound)
        return time.process_time() - start, out

    with_sound = min(seconds(loud)[0] for _ in range(5))
    tail = [seconds(silent) for _ in range(15)]
    assert not tail[-1][1].any()
    # The least of neighbours, so that another process's turn is not taken for a slow tail.
    assert max(min(a[0], b[0], c[0]) for a, b, c in zip(tail, tail[1:], tail[2:], strict=False)) < 1.5 * with_sound


@pytest.mark.parametrize("shape", [(100,), (1, 100), (3, 100), (100, 2)])
def test_other_than_stereo_is_refused(shape):
    with pytest.raises(InputError, match="stereo"):
        FdnReverb(FLAT, 44_100).process(np.zeros(shape, np.float32))


@pytest.mark.fault(31)
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_a_reverb_would_keep_for_ever_is_refused(bad):
    sound = noise(100)
    sound[1, 50] = bad
    reverb = FdnReverb(FLAT, 44_100)
    with pytest.raises(InputError, match="NaN or infinity"):
        reverb.process(sound)
    assert not reverb.process(np.zeros((2, 5000), np.float32)).any()


def test_a_growing_sound_and_a_low_rate_are_refused():
    growing = FdnReverbSettings(reverberation_time_s=9.0, highs_gain_db_s=4.0, lows_cutoff_hz=5000, lows_gain_db_s=6.0)
    with pytest.raises(InputError, match="would grow"):
        FdnReverb(growing, 44_100)
    for rate_hz in (0, 4000, np.nan, np.inf):
        with pytest.raises(InputError, match="sample rate"):
            FdnReverb(FLAT, rate_hz)

"""The matching filter follows its curve, keeps every frequency in step, and tells its delay."""

import numpy as np
import pytest

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.matching import MatchingFilter, gain_db
from mixprior.mixing.effects.settings import Curve
from mixprior.stats.errors import InputError

RATE_HZ = 44_100
FLAT = Curve((1000.0,), (0.0,))
SLOPES = Curve((50.0, 200.0, 3000.0, 12_000.0), (4.0, -3.0, 2.0, -6.0))


def noise(samples: int) -> np.ndarray:
    return (0.2 * np.random.default_rng(2).standard_normal((2, samples))).astype(np.float32)


def bump(centre_hz: float, height_db: float) -> Curve:
    """A bell in dB over octaves, a third of an octave wide at half its height."""
    frequencies_hz = np.geomspace(10, 20_000, 2000)
    octaves = np.log2(frequencies_hz / centre_hz)
    return Curve(tuple(frequencies_hz), tuple(height_db * 0.5 ** ((octaves / (1 / 6)) ** 2)))


def impulse_response(curve: Curve, rate_hz: int) -> np.ndarray:
    """With the impulse in its middle."""
    impulse = np.zeros((2, 2 * rate_hz + 1), np.float32)
    impulse[:, rate_hz] = 1.0
    return render(MatchingFilter(curve, rate_hz), impulse)[0].astype(np.float64)


def error_db(curve: Curve, rate_hz: int = RATE_HZ, lowest_hz: float = 40.0) -> float:
    """Largest distance of the filter from its curve, from `lowest_hz` to half the rate."""
    size = 1 << 19
    frequencies_hz = np.fft.rfftfreq(size, 1 / rate_hz)
    measured_db = 20 * np.log10(np.abs(np.fft.rfft(impulse_response(curve, rate_hz), size)))
    return np.abs(measured_db - gain_db(curve, frequencies_hz))[frequencies_hz >= lowest_hz].max()


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 96_000])
@pytest.mark.parametrize(("centre_hz", "height_db"), [(45.0, 12.0), (45.0, -12.0), (200.0, -12.0), (5000.0, 12.0)])
def test_a_bump_of_a_third_of_an_octave_is_followed(centre_hz, height_db, rate_hz):
    assert error_db(bump(centre_hz, height_db), rate_hz) < 0.01


@pytest.mark.parametrize(("corner_hz", "allowed_db"), [(40.0, 0.05), (80.0, 0.025), (1000.0, 0.003)])
def test_corners_are_hardly_rounded(corner_hz, allowed_db):
    assert error_db(Curve((corner_hz, 2 * corner_hz), (0.0, 6.0))) < allowed_db


def test_the_curve_is_level_beyond_its_ends():
    np.testing.assert_array_equal(gain_db(SLOPES, np.array([0.0, 1.0, 50.0, 12_000.0, 20_000.0])), [4, 4, 4, -6, -6])


def test_the_filter_is_symmetric_about_the_delay_it_tells():
    response = impulse_response(SLOPES, RATE_HZ)
    np.testing.assert_allclose(response, response[::-1], atol=1e-9)
    assert np.abs(response).argmax() == RATE_HZ


def test_nothing_comes_earlier_or_later_than_its_reach():
    response = np.abs(impulse_response(SLOPES, RATE_HZ))
    assert response[: round(0.62 * RATE_HZ)].max() < 1e-12
    assert response[round(1.38 * RATE_HZ) :].max() < 1e-12


@pytest.mark.parametrize("rate_hz", [22_050, 44_100])
def test_a_flat_curve_leaves_the_sound_as_it_is(rate_hz):
    sound = noise(3 * rate_hz)
    np.testing.assert_allclose(render(MatchingFilter(FLAT, rate_hz), sound), sound, rtol=1e-6, atol=1e-12)


def test_a_level_curve_is_a_gain():
    sound = noise(RATE_HZ)
    out = render(MatchingFilter(Curve((1000.0,), (-20.0,)), RATE_HZ), sound)
    np.testing.assert_allclose(out, 0.1 * sound, rtol=1e-5, atol=1e-12)


def test_blocks_of_any_length_give_the_same_bits():
    sound = noise(300_000)
    whole = MatchingFilter(SLOPES, RATE_HZ).process(sound)
    matching = MatchingFilter(SLOPES, RATE_HZ)
    ends = np.sort(np.random.default_rng(3).integers(0, sound.shape[1], 40))
    blocks = np.split(sound, [0, 1, 1, 2, *ends, 299_999], axis=1)
    np.testing.assert_array_equal(np.concatenate([matching.process(block) for block in blocks], axis=1), whole)
    assert whole.dtype == np.float32
    assert whole.shape == sound.shape
    assert not whole[:, :RATE_HZ].any()
    assert whole[:, matching.delay :].any()


def test_silence_stays_silence_beside_sound():
    sound = noise(200_000)
    sound[1] = 0
    out = render(MatchingFilter(SLOPES, RATE_HZ), sound)
    assert out[0].any()
    assert not out[1].any()


def test_a_sound_that_is_no_number_is_refused_and_leaves_no_trace():
    sound = noise(150_000)
    bad = sound.copy()
    bad[0, 7] = np.nan
    matching = MatchingFilter(SLOPES, RATE_HZ)
    with pytest.raises(InputError, match="not numbers"):
        matching.process(bad)
    np.testing.assert_array_equal(matching.process(sound), MatchingFilter(SLOPES, RATE_HZ).process(sound))


@pytest.mark.parametrize(
    ("frequencies_hz", "gains_db", "told"),
    [
        ((), (), "at least one"),
        ((100.0, 200.0), (1.0,), "as many"),
        ((100.0,), (-np.inf,), "finite"),
        ((200.0, 100.0), (0.0, 0.0), "ascend"),
        ((100.0, 100.0), (0.0, 1.0), "ascend"),
        ((0.0, 100.0), (0.0, 1.0), "above 0"),
    ],
)
def test_an_impossible_curve_is_refused(frequencies_hz, gains_db, told):
    with pytest.raises(InputError, match=told):
        MatchingFilter(Curve(frequencies_hz, gains_db), RATE_HZ)

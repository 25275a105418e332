"""The equaliser has the gains of the cookbook's formulae, and leaves alone what it is not asked to change."""

import numpy as np
import pytest

from mixprior.mixing.effects.equaliser import Equaliser, response_db
from mixprior.mixing.effects.settings import KINDS, Band
from mixprior.stats.errors import InputError

RATE_HZ = 44_100
BANDS = (
    Band("low shelf", 120.0, 5.0, 0.7),
    Band("peak", 400.0, -8.0, 1.0),
    Band("peak", 2500.0, 6.0, 4.0),
    Band("high shelf", 9000.0, -4.0, 0.5),
)
WIDE = [
    Band(kind, f, gain, q) for kind in KINDS for f in (30.0, 1000.0, 12_000.0) for gain, q in ((9.0, 0.5), (-12.0, 3.0))
]


def noise(samples: int = 30_000) -> np.ndarray:
    return (0.2 * np.random.default_rng(1).standard_normal((2, samples))).astype(np.float32)


def measured_db(bands, frequencies_hz, rate_hz) -> np.ndarray:
    """Gains read from the impulse response, long enough for the lowest band."""
    impulse = np.zeros((2, 2 * rate_hz), np.float32)
    impulse[:, 0] = 1.0
    out = Equaliser(bands, rate_hz).process(impulse)[0].astype(np.float64)
    heard = out[: np.flatnonzero(np.abs(out) > 1e-12)[-1] + 1]
    waves = np.exp(-2j * np.pi * np.outer(frequencies_hz, np.arange(len(heard))) / rate_hz)
    return 20 * np.log10(np.abs(waves @ heard))


def prototype_db(band: Band, frequencies_hz, rate_hz) -> np.ndarray:
    """The cookbook's analogue prototypes, their frequency axis bent by the bilinear transform."""
    s = 1j * np.tan(np.pi * frequencies_hz / rate_hz) / np.tan(np.pi * band.frequency_hz / rate_hz)
    a, q = 10 ** (band.gain_db / 40), band.q
    ratio = {
        "peak": (s**2 + s * a / q + 1) / (s**2 + s / (a * q) + 1),
        "low shelf": a * (s**2 + np.sqrt(a) / q * s + a) / (a * s**2 + np.sqrt(a) / q * s + 1),
        "high shelf": a * (a * s**2 + np.sqrt(a) / q * s + 1) / (s**2 + np.sqrt(a) / q * s + a),
    }[band.kind]
    return 20 * np.log10(np.abs(ratio))


@pytest.mark.parametrize("rate_hz", [32_000, 44_100, 96_000])
@pytest.mark.parametrize("band", WIDE, ids=str)
def test_a_band_has_the_gain_of_the_cookbooks_prototype(band, rate_hz):
    frequencies_hz = np.geomspace(20, rate_hz / 2 * 0.99, 200)
    wanted = prototype_db(band, frequencies_hz, rate_hz)
    np.testing.assert_allclose(response_db([band], frequencies_hz, rate_hz), wanted, atol=1e-8)


@pytest.mark.parametrize("rate_hz", [32_000, 44_100, 96_000])
def test_the_sound_gets_the_gains_that_are_told(rate_hz):
    frequencies_hz = np.geomspace(20, rate_hz / 2 * 0.99, 100)
    told = response_db(BANDS, frequencies_hz, rate_hz)
    np.testing.assert_allclose(measured_db(BANDS, frequencies_hz, rate_hz), told, atol=1e-4)


@pytest.mark.parametrize("gain_db", [-12.0, 3.0, 9.0])
def test_a_peak_has_its_gain_at_the_centre_and_half_of_it_at_the_edges_of_its_band(gain_db):
    band = Band("peak", 5000.0, gain_db, 1.4)
    edges = np.sqrt(1 + 1 / (4 * band.q**2)) + np.array([-1, 1]) / (2 * band.q)
    edges_hz = RATE_HZ / np.pi * np.arctan(edges * np.tan(np.pi * band.frequency_hz / RATE_HZ))
    at = measured_db([band], np.array([20.0, *edges_hz, band.frequency_hz]), RATE_HZ)
    np.testing.assert_allclose(at, [0, gain_db / 2, gain_db / 2, gain_db], atol=1e-3)


def test_a_narrow_peak_is_as_wide_as_its_q_says():
    band = Band("peak", 500.0, 6.0, 10.0)
    frequencies_hz = np.arange(470, 530, 0.1)
    inside = frequencies_hz[measured_db([band], frequencies_hz, RATE_HZ) >= 3.0]
    assert band.frequency_hz / (inside[-1] - inside[0]) == pytest.approx(band.q, rel=0.005)


@pytest.mark.parametrize("gain_db", [-10.0, 6.0])
def test_a_shelf_is_level_on_one_side_and_nothing_on_the_other(gain_db):
    ends_hz = np.array([5.0, 1000.0, RATE_HZ / 2])
    low = measured_db([Band("low shelf", 1000.0, gain_db, 0.7)], ends_hz, RATE_HZ)
    high = measured_db([Band("high shelf", 1000.0, gain_db, 0.7)], ends_hz, RATE_HZ)
    np.testing.assert_allclose(low, [gain_db, gain_db / 2, 0], atol=1e-3)
    np.testing.assert_allclose(high, [0, gain_db / 2, gain_db], atol=1e-3)


@pytest.mark.parametrize(("kind", "gain_db"), [("peak", 0.0), ("high shelf", 0.0), ("low shelf", 6.0)])
def test_a_band_above_half_the_rate_acts_as_far_below(kind, gain_db):
    at = measured_db([Band(kind, 16_000.0, 6.0, 1.0)], np.array([100.0, 10_000.0]), 22_050)
    np.testing.assert_allclose(at, gain_db, atol=1e-6)


@pytest.mark.parametrize("bands", [(), tuple(Band(kind, 1000.0, 0.0, 1.0) for kind in KINDS)], ids=["none", "0 dB"])
def test_a_neutral_equaliser_leaves_every_bit(bands):
    sound = noise()
    out = Equaliser(bands, RATE_HZ).process(sound)
    np.testing.assert_array_equal(out, sound)
    assert not np.shares_memory(out, sound)


def test_a_boost_is_undone_by_the_same_cut():
    sound = noise()
    undo = [Band(band.kind, band.frequency_hz, -band.gain_db, band.q) for band in BANDS]
    np.testing.assert_allclose(Equaliser([*BANDS, *undo], RATE_HZ).process(sound), sound, atol=1e-7)


def test_blocks_of_any_length_give_the_same_bits():
    sound = noise()
    sound[:, 12_000:] = 0  # dies out within denormal numbers
    whole = Equaliser(BANDS, RATE_HZ).process(sound)
    equaliser = Equaliser(BANDS, RATE_HZ)
    blocks = np.split(sound, [0, 1, 1, 2, 9, 1033, 1040, 8192, 12_001, 29_999], axis=1)
    np.testing.assert_array_equal(np.concatenate([equaliser.process(block) for block in blocks], axis=1), whole)
    assert whole.dtype == np.float32
    assert whole.shape == sound.shape


def test_a_dying_sound_ends_in_silence():
    """Not in denormal numbers, which would make the filter many times slower."""
    sound = np.zeros((2, 6 * RATE_HZ), np.float32)
    sound[:, 0] = 1.0
    out = np.abs(Equaliser([Band("peak", 100.0, 6.0, 1.0)], RATE_HZ).process(sound))
    assert not out[:, -RATE_HZ:].any()
    assert out[out > 0].min() > 1e-31


def test_channels_are_processed_apart():
    sound = noise()
    sound[1] = 0
    out = Equaliser(BANDS, RATE_HZ).process(sound)
    assert out[0].any()
    assert not out[1].any()


@pytest.mark.parametrize("fault", [np.nan, np.inf])
def test_a_sound_that_is_no_number_is_refused_and_leaves_no_trace(fault):
    sound = noise(100)
    bad = sound.copy()
    bad[1, 50] = fault
    equaliser = Equaliser(BANDS, RATE_HZ)
    with pytest.raises(InputError, match="not numbers"):
        equaliser.process(bad)
    np.testing.assert_array_equal(equaliser.process(sound), Equaliser(BANDS, RATE_HZ).process(sound))


@pytest.mark.parametrize("shape", [(100,), (1, 100), (100, 2)])
def test_other_than_stereo_is_refused(shape):
    with pytest.raises(InputError, match="stereo"):
        Equaliser(BANDS, RATE_HZ).process(np.zeros(shape, np.float32))


@pytest.mark.parametrize("numbers", [(0.0, 3.0, 1.0), (-5.0, 3.0, 1.0), (100.0, np.nan, 1.0), (100.0, 3.0, 0.0)])
def test_an_impossible_band_is_refused(numbers):
    with pytest.raises(InputError, match="of an equaliser cannot be"):
        Band("peak", *numbers)


@pytest.mark.parametrize(
    ("frequency_hz", "gain_db", "q", "least_db"),
    [(80.0, 6.0, 0.7, 75), (1000.0, -9.0, 1.0, 100), (8000.0, 12.0, 3.0, 120)],
)
@pytest.mark.parametrize(
    ("kind", "name"), [("peak", "PeakFilter"), ("low shelf", "LowShelfFilter"), ("high shelf", "HighShelfFilter")]
)
def test_pedalboard_computes_the_same(kind, name, frequency_hz, gain_db, q, least_db):
    """Its filters are JUCE's, by the same formulae, but in single precision, which is the poorer the lower the band:
    our own coefficients run in single precision stray as far (84 dB below the sound for the peak at 80 Hz)."""
    pedalboard = pytest.importorskip("pedalboard")
    sound = noise(RATE_HZ)
    theirs = getattr(pedalboard, name)(frequency_hz, gain_db, q)(sound, RATE_HZ)
    ours = Equaliser([Band(kind, frequency_hz, gain_db, q)], RATE_HZ).process(sound)
    assert 20 * np.log10(np.std(ours) / np.std(ours - theirs)) > least_db

"""Panning: the gains of the laws, and what is measured of them."""

import numpy as np
import pytest

from mixprior.mixing.effects.panner import Panner, gains
from mixprior.mixing.effects.settings import LAWS, PanSettings
from mixprior.stats import long_term_spectra
from mixprior.stats.errors import InputError
from mixprior.stats.measures.panning import energies, pan_position

POSITIONS = np.linspace(0, 1, 10_001)


def noise(samples: int = 1000) -> np.ndarray:
    return (0.2 * np.random.default_rng(4).standard_normal((2, samples))).astype(np.float32)


def test_the_laws_keep_what_they_are_named_after():
    np.testing.assert_allclose(sum(gains(POSITIONS, "linear")), 2)
    left, right = gains(POSITIONS, "constant power")
    np.testing.assert_allclose(left**2 + right**2, 2)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("position", [0.0, 0.2, 0.61, 1.0])
def test_what_is_panned_is_measured_where_it_was_put(position, law):
    mono = np.tile(noise(200_000)[:1], (2, 1))
    panned = Panner(PanSettings(position, law)).process(mono)
    left, right = gains(position, law)
    similarity = 2 * left * right / (left**2 + right**2)
    assert long_term_spectra.measure(panned).phi.mean() == pytest.approx(similarity, abs=1e-6)
    left, right, _ = energies(panned)
    assert pan_position(left, right) == pytest.approx(gains(position, law)[1] / sum(gains(position, law)), abs=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_a_centred_sound_keeps_every_bit(law):
    sound = noise()
    np.testing.assert_array_equal(Panner(PanSettings(0.5, law)).process(sound), sound)


@pytest.mark.parametrize("law", LAWS)
def test_a_sound_at_one_side_is_silent_on_the_other(law):
    assert not Panner(PanSettings(1.0, law)).process(noise())[0].any()
    assert not Panner(PanSettings(0.0, law)).process(noise())[1].any()


def test_stereo_is_balanced_not_mixed():
    sound = noise()
    out = Panner(PanSettings(0.75, "linear")).process(sound)
    np.testing.assert_array_equal(out, sound * np.array([[0.5], [1.5]], np.float32))


def test_blocks_of_any_length_give_the_same_bits():
    sound = noise()
    panner = Panner(PanSettings(0.3))
    blocks = [panner.process(block) for block in np.split(sound, [0, 1, 1, 2, 9, 700], axis=1)]
    whole = panner.process(sound)
    np.testing.assert_array_equal(np.concatenate(blocks, axis=1), whole)
    assert whole.dtype == np.float32


@pytest.mark.parametrize("value", [-0.1, 1.1, np.nan])
def test_what_lies_beyond_the_sides_is_refused(value):
    with pytest.raises(InputError, match="a number from 0 to 1"):
        PanSettings(value)
    with pytest.raises(InputError, match="position is within 0 to 1"):
        gains(value, "linear")


def test_an_unknown_law_is_refused():
    with pytest.raises(InputError, match="constant power"):
        Panner(PanSettings(0.5, "cubic"))


def test_a_sound_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="not numbers"):
        Panner(PanSettings(0.5)).process(np.full((2, 3), np.nan, np.float32))

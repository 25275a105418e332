"""Panning: the gains of the laws, and the way back from what is measured."""

import numpy as np
import pytest

from mixprior.mixing.effects.panner import Panner, gains, position_of, similarity_of
from mixprior.mixing.effects.settings import LAWS, PanSettings
from mixprior.stats import long_term_spectra
from mixprior.stats.errors import InputError
from mixprior.stats.measures.panning import energies, pan_position

POSITIONS = np.linspace(0, 1, 10_001)


def noise(samples: int = 1000) -> np.ndarray:
    return (0.2 * np.random.default_rng(4).standard_normal((2, samples))).astype(np.float32)


@pytest.mark.parametrize("law", LAWS)
def test_a_position_is_found_again_from_its_similarity(law):
    back = position_of(similarity_of(POSITIONS, law), np.sign(POSITIONS - 0.5), law)
    np.testing.assert_allclose(back, POSITIONS, rtol=0, atol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_a_similarity_is_found_again_from_its_position(law):
    similarities = np.linspace(0, 1, 10_001)
    for side in (-1, 1):
        positions = position_of(similarities, side, law)
        assert ((positions - 0.5) * side >= 0).all()
        np.testing.assert_allclose(similarity_of(positions, law), similarities, rtol=0, atol=1e-9)


@pytest.mark.parametrize("law", LAWS)
def test_ends_and_centre_are_exact(law):
    assert [position_of(*known, law) for known in ((0.0, -1), (1.0, -1), (1.0, 1), (0.0, 1))] == [0, 0.5, 0.5, 1]
    assert [similarity_of(position, law) for position in (0.0, 1.0)] == [0, 0]
    assert similarity_of(0.5, law) == pytest.approx(1, abs=1e-15)


def test_the_published_approximation_is_not_the_inverse():
    """FxNorm-automix reads 0.638 where a sound was panned to 0.7 by its own law."""
    similarity = similarity_of(0.7, "linear")
    assert 1 - similarity / 2 == pytest.approx(0.638, abs=5e-4)
    assert position_of(similarity, 1) == pytest.approx(0.7, abs=1e-9)


def test_the_laws_keep_what_they_are_named_after():
    np.testing.assert_allclose(sum(gains(POSITIONS, "linear")), 2)
    left, right = gains(POSITIONS, "constant power")
    np.testing.assert_allclose(left**2 + right**2, 2)


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("position", [0.0, 0.2, 0.61, 1.0])
def test_what_is_panned_is_measured_where_it_was_put(position, law):
    mono = np.tile(noise(200_000)[:1], (2, 1))
    panned = Panner(PanSettings(position, law)).process(mono)
    assert long_term_spectra.measure(panned).phi.mean() == pytest.approx(similarity_of(position, law), abs=1e-6)
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
    with pytest.raises(InputError, match="similarity is within 0 to 1"):
        position_of(value, 1)


def test_an_unknown_law_is_refused():
    with pytest.raises(InputError, match="constant power"):
        Panner(PanSettings(0.5, "cubic"))


def test_a_sound_that_is_no_number_is_refused():
    with pytest.raises(InputError, match="not numbers"):
        Panner(PanSettings(0.5)).process(np.full((2, 3), np.nan, np.float32))

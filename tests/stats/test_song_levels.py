"""Energies of a song from one pass over its stems are those of its sounds, measured one by one."""

import numpy as np
import pytest

from mixprior.stats import loudness_blocks
from mixprior.stats.song_levels import SongEnergies
from mixprior.stats.stem import StemSet, with_backing

RATE_HZ = 44_100
SAMPLES = 60_000


def stems():
    """Noise of three stems; the bass is silent in the second half."""
    rng = np.random.default_rng(3)
    audio = 0.1 * rng.standard_normal((3, 2, SAMPLES)).astype(np.float32)
    audio[1, :, SAMPLES // 2 :] = 0
    return dict(zip(("vocals", "bass", "other"), audio, strict=True))


def levels(given, mixture=None):
    energies = SongEnergies(tuple(given), mixture is None)
    sounds = given if mixture is None else {**given, "mixture": mixture}
    for start in range(0, SAMPLES, 7_001):
        energies.add({name: audio[:, start : start + 7_001] for name, audio in sounds.items()})
    return energies.result()


def alone(audio):
    return vars(loudness_blocks.measure(audio.astype(np.float64), RATE_HZ))


def assert_alike(found, audio, of):
    """Alike to a billionth of what the difference is of."""
    for name, expected in alone(audio).items():
        scale = np.max(alone(of)[name])
        np.testing.assert_allclose(getattr(found, name), expected, rtol=1e-6, atol=1e-9 * scale)


@pytest.mark.parametrize("summed", [True, False])
def test_levels_of_a_song_are_those_of_its_sounds(summed):
    given = stems()
    mixture = sum(given.values()) if summed else sum(given.values()) + np.roll(given["other"], 100, axis=1)
    found = levels(given, None if summed else mixture)
    for name, audio in with_backing(given, mixture).items():
        assert_alike(found.sounds[name], audio, mixture)
        assert_alike(found.rests[name], mixture - audio, mixture)
    assert_alike(found.residual, mixture - sum(given.values()), mixture)


def test_the_rest_of_a_stem_that_is_alone_is_digital_silence():
    given = stems()
    given["vocals"][:] = given["other"][:] = 0
    found = levels(given)
    assert found.sounds["bass"].plain.any()
    assert not any(energy.any() for energy in vars(found.rests["bass"]).values())
    assert not found.residual.plain.any()


def test_a_stem_that_is_called_the_backing_is_part_of_the_mixture():
    given = {**stems(), "backing": stems()["bass"][:, ::-1].copy()}
    song = StemSet(given)
    for name in ("backing", "mixture", "vocals"):
        assert_alike(song[name].blocks, song[name].audio, song["mixture"].audio)

"""Compressors that do nothing, have another knee, or sit on tracks of which not all can be told."""

from dataclasses import replace

import numpy as np
import pytest

import mixprior
from mixprior.learning.reverse import fit as fits
from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.joint import Joint
from mixprior.learning.reverse.joint_search import acting, complete, narrower_knees
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import Path
from mixprior.learning.reverse.rendering import rendered
from mixprior.learning.reverse.send import Sends
from mixprior.learning.reverse.statistics import Statistics
from mixprior.learning.reverse.taking import _Effects
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain, CompressorSettings, MixSettings, PanSettings
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

RATE_HZ = 44_100
SECONDS = 1.5
SQUEEZED = Chain(2.0, compressor=CompressorSettings(-32.0, 3.0, 0.01, 0.1), pan=PanSettings(0.4))


def noise(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, (2, round(SECONDS * RATE_HZ))).astype(np.float32)


def drums() -> np.ndarray:
    hit = np.exp(-np.arange(RATE_HZ // 4) / (0.05 * RATE_HZ))
    return noise(1) * np.tile(hit, round(4 * SECONDS)).astype(np.float32) * np.float32(3)


def material_of(numbers: np.ndarray | None, more: float = 0.0) -> Material:
    """One track, in a mix with a compressor and some noise."""
    alone = Material(("drums",), drums()[None], drums(), RATE_HZ, ((0, drums().shape[1]),))
    return replace(alone, mix=rendered(Path(), numbers, alone, 0) + noise(2) * np.float32(more))


def joint_of(material: Material, numbers: np.ndarray) -> Joint:
    fit = fits.with_paths(fits.start(Statistics.of(material), RATE_HZ), [Path()])
    return Joint(fit, {0: numbers}, material)


@pytest.mark.parametrize(("threshold_db", "found"), [(6.0, []), (-32.0, [0])])
def test_a_compressor_without_effect_is_taken_out(threshold_db, found):
    numbers = np.array([threshold_db, *np.log([3.0, 0.01, 0.1]), 4.0])
    assert list(acting(joint_of(material_of(numbers), numbers)).numbers) == found


def test_where_no_compressor_acts_none_is_left():
    idle = np.array([6.0, *np.log([3.0, 0.01, 0.1]), 4.0])
    assert complete(joint_of(material_of(None, more=0.1), idle)).numbers == {}


def test_a_compressor_that_began_with_a_wide_knee_finds_its_narrow_one():
    truth = np.array([-32.0, *np.log([2.0, 0.01, 0.1]), 4.0])
    wide = np.array([-28.0, *np.log([3.0, 0.012, 0.1]), 24.0])
    found = narrower_knees(joint_of(material_of(truth, more=0.001), wide)).numbers[0]
    assert found[-1] == pytest.approx(4.0, abs=0.5)
    assert np.exp(found[1]) == pytest.approx(2.0, abs=0.02)


def test_a_track_with_a_send_is_compressed_as_one_without():
    """The gain that makes up for the knob of the send comes before the compressor."""
    numbers = np.array([-32.0, *np.log([3.0, 0.01, 0.1]), 4.0])
    material = material_of(numbers)
    squeezed = _Effects(joint_of(material, numbers).fit, material, material, 0.0, False, {0: numbers})
    sends = Sends(FdnReverbSettings(dry_wet=1.0), (Figure(0.5, 0.01),), early=0.5)
    dry, sent = (each.chains()["drums"] for each in (squeezed, replace(squeezed, sends=sends)))
    assert sent.reverb.dry_wet > 0.1
    raised = chain.process(replace(sent, reverb=None), Sound(drums(), RATE_HZ)).audio
    made_up_db = sent.input_gain_db - dry.input_gain_db
    alone = chain.process(dry, Sound(drums(), RATE_HZ)).gained(made_up_db).audio
    assert made_up_db > 1.0
    np.testing.assert_allclose(raised, alone, atol=1e-5 * np.abs(alone).max())


def taken(tracks: dict[str, np.ndarray]):
    """What is found of a mix of compressed drums and keys, `tracks` of which are given beside the keys."""
    given = {"drums": tracks["drums"], "keys": noise(3)}
    settings = MixSettings({"drums": SQUEEZED, "keys": Chain(-12.0)})
    mix = chain.sum_up(settings, {name: Sound(audio, RATE_HZ) for name, audio in given.items()}).sound.audio
    return mixprior.reverse({**tracks, "keys": given["keys"]}, mix, RATE_HZ, compressors=True).found.tracks


def test_which_of_two_tracks_alike_was_compressed_is_not_guessed():
    found = taken({"copy": drums() * np.float32(1.5), "drums": drums()})
    for name, other in (("drums", "copy"), ("copy", "drums")):
        assert (found[name].gain_db, found[name].pan, found[name].compressor) == (None, None, None)
        assert f"cannot be distinguished from {other}" in found[name].reasons["compressor"]
    assert found["keys"].gain_db.value == pytest.approx(-12.0, abs=0.1)


@pytest.mark.filterwarnings("error")
def test_gain_and_threshold_of_a_compressed_track_in_one_channel_are_open():
    left = drums()
    left[1] = 0
    found = taken({"drums": left})["drums"]
    assert (found.gain_db, found.pan) == (None, None)
    threshold = found.compressor.threshold_dbfs
    assert threshold is None or threshold.half_width > abs(threshold.value + 32.0)
    assert found.compressor.ratio.value == pytest.approx(3.0, abs=0.05)
    assert "one channel alone" in found.reasons["gain_db"]

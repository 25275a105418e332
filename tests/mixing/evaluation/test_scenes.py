"""Scenes are two sounds whose sum is the original, and nothing of the shared music is needed to know of them."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.stats.measures.balance import has_vocals
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.stem import SAMPLE_RATE_HZ, StemSet
from tests.mixing.evaluation.scenes import MUSIC, WET, catalog, scenes

needs_music = pytest.mark.reference("music", "reference/impulse_responses")


@pytest.mark.parametrize("name", ["Music Delta", f"{WET[2][0]} in {WET[2][3]}"])
class TestScenes:
    pytestmark = needs_music

    def test_it_is_sung_and_of_one_shape(self, name):
        (scene,) = scenes([name])
        assert scene.voice.shape == scene.backing.shape
        assert scene.voice.dtype == scene.backing.dtype == np.float32
        assert has_vocals(StemSet({"vocals": scene.voice, "backing": scene.backing}))


@pytest.mark.parametrize("row", WET[1:], ids=lambda row: row[0])
class TestWet:
    pytestmark = needs_music

    def test_reverb_and_balance_are_as_told(self, row):
        (scene,) = scenes([f"{row[0]} in {row[3]}"])
        tail = scene.voice - scene.dry
        assert 10 * np.log10(np.sum(tail**2) / np.sum(scene.dry**2)) == pytest.approx(row[4], abs=0.01)
        voice, backing = (integrated(sound, SAMPLE_RATE_HZ) for sound in (scene.voice, scene.backing))
        assert voice - backing == pytest.approx(row[5], abs=0.05)


def test_every_scene_has_a_name_of_its_own():
    names = list(catalog())
    assert len(names) == len(set(names)) == (17 if MUSIC.exists() else 0)

"""Distances are zero to oneself and tell of each change what was changed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.mixing.evaluation import generated
from tests.mixing.evaluation.metrics import METRICS, Judge, Sounds
from tests.mixing.evaluation.scramble import pan_gains, tilted


@pytest.fixture(scope="module")
def scene():
    return generated.scene()


@pytest.fixture(scope="module")
def judge(scene):
    return Judge(Sounds.summed(scene.voice, scene.backing))


def off(judge, voice, backing) -> dict[str, float | None]:
    return judge.distances(Sounds.summed(voice.astype(np.float32), backing.astype(np.float32)))


def test_a_mix_is_no_distance_from_itself(judge, scene):
    distances = off(judge, scene.voice, scene.backing)
    assert list(distances) == list(METRICS)
    assert {name: value for name, value in distances.items() if value} == {}


def test_a_louder_mix_differs_in_loudness_alone(judge, scene):
    distances = off(judge, 0.5 * scene.voice, 0.5 * scene.backing)
    assert distances["loudness_lu"] == pytest.approx(6.02, abs=0.01)
    for name in ("balance_lu", "spectrum_db", "voice_range_lu", "crest_db", "voice_position"):
        assert distances[name] == pytest.approx(0, abs=1e-3), name
    for name in ("panning", "mape_spectral", "mape_panning", "mape_dynamic"):
        assert distances[name] == pytest.approx(0, abs=1e-4), name
    assert distances["mape_loudness"] > 0.1


def test_a_louder_voice_is_off_balance_by_its_gain(judge, scene):
    assert off(judge, 2 * scene.voice, scene.backing)["balance_lu"] == pytest.approx(6.02, abs=0.01)


def test_a_tilted_voice_has_another_spectrum_by_the_mean_of_the_slope(judge, scene):
    distances = off(judge, tilted(scene.voice, 1.0), scene.backing)
    # 24 third octaves 1/3 dB apart: 2 dB from their mean on average; those that the synthetic voice lacks are left out.
    assert 1.0 < distances["voice_spectrum_db"] < 2.2
    assert 0 < distances["spectrum_db"] < distances["voice_spectrum_db"]
    assert distances["voice_position"] == pytest.approx(0, abs=1e-6)


def test_a_panned_voice_is_elsewhere_by_the_law(judge, scene):
    distances = off(judge, scene.voice * pan_gains(0.25), scene.backing)
    left, right = pan_gains(0.25)[:, 0]
    assert distances["voice_position"] == pytest.approx(abs(right / (left + right) - 0.5), abs=0.03)
    assert distances["panning"] > 0.01
    assert distances["voice_spectrum_db"] < 0.3


def test_a_voice_that_is_not_there_has_no_distance(judge, scene):
    distances = off(judge, 0 * scene.voice, scene.backing)
    assert distances["balance_lu"] is None
    assert distances["voice_wet_db"] is None
    assert distances["loudness_lu"] > 0

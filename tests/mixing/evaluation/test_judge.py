"""Distances are zero to oneself, and each shows what was changed."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.mixing.evaluation.damage import MONO, draw, filtered
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.metrics import MASKED_FLOOR_DB, METRICS, NAMES
from mixprior.mixing.evaluation.scenes import Mixed
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.sound import Sound

pytestmark = pytest.mark.slow


ALL = (*NAMES,)


@pytest.fixture
def off(pair_judge, pair):
    """Distances of the pair with other vocals."""

    def distances(vocals: np.ndarray, backing_gain: float = 1.0) -> dict[str, float | None]:
        backing = np.float32(backing_gain) * pair.tracks["backing"].audio
        parts = {"vocals": vocals.astype(np.float32), "backing": backing}
        return pair_judge.distances(Mixed.summed({role: Sound(audio, 44_100) for role, audio in parts.items()}), ALL)

    return distances


@pytest.fixture(scope="module")
def vocals(pair):
    return pair.tracks["vocals"].audio


def test_a_mix_is_no_distance_from_itself(off, vocals, band_judge, band):
    for distances in (off(vocals), band_judge.distances(Mixed.summed(band.by_role(band.tracks)), ALL)):
        assert list(distances) == list(ALL)
        assert {name: value for name, value in distances.items() if value} == {}


def test_a_louder_mix_differs_in_loudness_alone(off, vocals):
    distances = off(0.5 * vocals, 0.5)
    assert distances["loudness_lu"] == pytest.approx(6.02, abs=0.01)
    assert distances["mape"] > 0.02  # a quarter of its loudness
    for name in set(NAMES) - {"loudness_lu", "mape", "vocals_wet_db"}:
        assert distances[name] == pytest.approx(0, abs=1e-3), name


def test_louder_vocals_are_off_balance_by_their_gain_and_less_masked(off, vocals):
    distances = off(2 * vocals)
    assert distances["ratio_lu"] == pytest.approx(6.02, abs=0.01)
    assert distances["masked_db"] > 0.1


def test_tilted_vocals_have_another_spectrum_by_the_mean_of_the_slope(off, vocals):
    distances = off(filtered(vocals, 1.0))
    # 24 third octaves 1/3 dB apart: 2 dB from their mean on average; those the synthetic vocals lack are left out.
    assert 1.0 < distances["vocals_spectrum_db"] < 2.2
    assert 0 < distances["spectrum_db"] < distances["vocals_spectrum_db"]


def test_silent_vocals_have_no_distance(off, vocals):
    distances = off(0 * vocals)
    assert distances["ratio_lu"] is None
    assert distances["vocals_spectrum_db"] is None
    assert distances["loudness_lu"] > 0


def test_wetness_is_compared_where_both_are_known(pair):
    parts = pair.by_role(pair.tracks)
    judge = Judge(Mixed.summed(parts, -14.0))
    assert judge.distances(Mixed.summed(parts, -20.0), ["vocals_wet_db"]) == {"vocals_wet_db": 6.0}
    assert judge.distances(Mixed.summed(parts), ["vocals_wet_db"]) == {"vocals_wet_db": None}


def test_a_narrower_class_is_off_by_its_share(band_judge, band):
    classes = band.by_role(band.tracks)
    before = mid_energy_fraction(*classes["other"].energies)
    classes["other"] = Sound(np.repeat(classes["other"].audio.mean(axis=0, keepdims=True), 2, axis=0), 44_100)
    found = band_judge.distances(Mixed.summed(classes), ["class_mid"])["class_mid"]
    assert found == pytest.approx((1 - before) / 4, abs=1e-6)


def test_a_mono_mix_of_a_wide_original_is_all_off_in_percentages(band_judge, band):
    folded = Mixed.summed(band.by_role(draw(band, MONO, 2.0).apply(band)))
    assert band_judge.distances(folded, ["mape"])["mape"] >= 0.25


def test_vocals_of_which_nothing_is_left_are_the_worst_and_not_the_best():
    tone = Sound.of(np.sin(2 * np.pi * 1000 * np.arange(8820) / 44_100), 44_100)
    for vocals_db, share_db in ((-40.0, 0.0), (40.0, MASKED_FLOOR_DB)):
        mixed = Mixed.summed({"vocals": tone.gained(vocals_db), "backing": tone})
        assert METRICS["masked_db"].figures(mixed) == [share_db]

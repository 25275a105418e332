"""Distances are zero to oneself, and each shows what was changed."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.mixing.evaluation.damage import Damage, pan_gains, tilted
from mixprior.mixing.evaluation.metrics import PAIR_METRICS, TRACK_METRICS, names
from mixprior.mixing.evaluation.scenes import Mixed
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.sound import Sound

pytestmark = pytest.mark.slow


@pytest.fixture
def off(pair_judge, pair):
    """Distances of the pair with other vocals."""

    def distances(vocals: np.ndarray, backing_gain: float = 1.0) -> dict[str, float | None]:
        backing = np.float32(backing_gain) * pair.tracks["backing"].audio
        parts = {"vocals": vocals.astype(np.float32), "backing": backing}
        return pair_judge.distances(Mixed.summed({role: Sound(audio, 44_100) for role, audio in parts.items()}))

    return distances


@pytest.fixture
def off_band(band_judge, band):
    """Distances of the band with gains on tracks."""

    def distances(**gains: float) -> dict[str, float | None]:
        tracks = {
            name: Sound(np.float32(gains.get(name, 1.0)) * track.audio, 44_100) for name, track in band.tracks.items()
        }
        return band_judge.distances(Mixed.summed(band.by_role(tracks)))

    return distances


@pytest.fixture(scope="module")
def vocals(pair):
    return pair.tracks["vocals"].audio


def test_a_mix_is_no_distance_from_itself(off, vocals, band_judge, band):
    for distances, metrics in (
        (off(vocals), PAIR_METRICS),
        (band_judge.distances(Mixed(band.mix, band.by_role(band.tracks))), TRACK_METRICS),
    ):
        assert list(distances) == names(metrics)
        assert {name: value for name, value in distances.items() if value} == {}


def test_a_louder_mix_differs_in_loudness_alone(off, vocals, off_band, band):
    distances = off(0.5 * vocals, 0.5)
    assert distances["loudness_lu"] == pytest.approx(6.02, abs=0.01)
    for name in ("balance_lu", "spectrum_db", "vocals_range_lu", "crest_db", "vocals_position"):
        assert distances[name] == pytest.approx(0, abs=1e-3), name
    for name in ("panning", "mape_spectral", "mape_panning", "mape_dynamic"):
        assert distances[name] == pytest.approx(0, abs=1e-4), name
    assert distances["mape_loudness"] > 0.1
    distances = off_band(**dict.fromkeys(band.tracks, 0.5))
    assert distances["loudness_lu"] == pytest.approx(6.02, abs=0.01)
    for name in set(names(TRACK_METRICS)) - {"loudness_lu", "mape_loudness", "mape"}:
        assert distances[name] == pytest.approx(0, abs=1e-3), name


def test_louder_vocals_are_off_balance_by_their_gain(off, vocals):
    assert off(2 * vocals)["balance_lu"] == pytest.approx(6.02, abs=0.01)


def test_tilted_vocals_have_another_spectrum_by_the_mean_of_the_slope(off, vocals):
    distances = off(tilted(vocals, 1.0))
    # 24 third octaves 1/3 dB apart: 2 dB from their mean on average; those the synthetic vocals lack are left out.
    assert 1.0 < distances["vocals_spectrum_db"] < 2.2
    assert 0 < distances["spectrum_db"] < distances["vocals_spectrum_db"]
    assert distances["vocals_position"] == pytest.approx(0, abs=1e-6)


def test_panned_vocals_are_off_their_place_by_the_law(off, vocals):
    distances = off(vocals * pan_gains(0.25))
    left, right = pan_gains(0.25)[:, 0]
    assert distances["vocals_position"] == pytest.approx(abs(right / (left + right) - 0.5), abs=0.03)
    assert distances["panning"] > 0.01
    assert distances["vocals_spectrum_db"] < 0.3


def test_silent_vocals_have_no_distance(off, vocals, off_band):
    distances = off(0 * vocals)
    assert distances["balance_lu"] is None
    assert distances["vocals_wet_db"] is None
    assert distances["vocals_position"] is None
    assert distances["loudness_lu"] > 0
    distances = off_band(vocals=0.0)
    assert distances["vocals_wet_db"] is None
    assert distances["class_spectrum_db"] == pytest.approx(0, abs=1e-6)
    assert distances["class_lu"] > 0.5


def test_a_narrower_class_is_off_by_its_share(band_judge, band):
    classes = band.by_role(band.tracks)
    before = mid_energy_fraction(*classes["other"].energies)
    classes["other"] = Sound(np.repeat(classes["other"].audio.mean(axis=0, keepdims=True), 2, axis=0), 44_100)
    assert band_judge.distances(Mixed.summed(classes))["class_mid"] == pytest.approx((1 - before) / 4, abs=1e-6)


def test_a_mono_mix_of_a_wide_original_is_all_off(band_judge, band):
    folded = Damage("folded", folded=True).apply(band)
    assert band_judge.distances(Mixed.summed(band.by_role(folded)))["mape_panning"] == 1.0

"""Every system mixes a band's tracks, only the oracle knows the original, and distances tell what was changed."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.measures.panning import energies, mid_energy_fraction
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import generated
from tests.mixing.evaluation.band_metrics import METRICS, BandJudge, BandSounds
from tests.mixing.evaluation.band_scramble import BandDamage
from tests.mixing.evaluation.band_systems import STEPS, SYSTEMS, Desk, random_settings
from tests.mixing.evaluation.scramble import Damage
from tests.mixing.evaluation.systems import ALL, ORACLE, RANDOM, SUM, only, without
from tools.songs.calibration_truth import total

MIXED = (SUM, RANDOM, ORACLE, only("level"), only("loudness"), ALL, without("loudness"))


@pytest.fixture(scope="module")
def scene():
    return generated.band()


@pytest.fixture(scope="module")
def judge(scene):
    return BandJudge(BandSounds(scene.mix, scene.by_class(scene.tracks)))


@pytest.fixture(scope="module")
def mixed(scene):
    damage = BandDamage("0", {"vocals": Damage("0", 9.0, 0.0, 1.0, 0.4), "drums": Damage("0", -4.0)})
    desk = Desk(scene, damage, open_priors("starter"))
    return {system.name: desk.mix(system) for system in SYSTEMS if system.name in MIXED}


def off(judge, scene, **gains) -> dict[str, float | None]:
    tracks = {name: np.float32(gains.get(name, 1.0)) * audio for name, audio in scene.tracks.items()}
    return judge.distances(BandSounds.summed(scene.by_class(tracks)))


def test_a_mix_is_no_distance_from_itself(judge, scene):
    distances = judge.distances(BandSounds(scene.mix, scene.by_class(scene.tracks)))
    assert set(distances) == set(METRICS)
    assert {name: value for name, value in distances.items() if value} == {}


def test_a_louder_mix_differs_in_loudness_alone(judge, scene):
    distances = off(judge, scene, **dict.fromkeys(scene.tracks, 0.5))
    assert distances["loudness_lu"] == pytest.approx(6.02, abs=0.01)
    for name in set(METRICS) - {"loudness_lu", "mape_loudness", "mape"}:
        assert distances[name] == pytest.approx(0, abs=1e-3), name


def test_a_silent_class_has_no_distance_and_leaves_the_others_theirs(judge, scene):
    distances = off(judge, scene, vocals=0.0)
    assert distances["voice_wet_db"] is None
    assert distances["class_spectrum_db"] == pytest.approx(0, abs=1e-6)
    assert distances["class_lu"] > 0.5


def test_a_narrower_class_is_off_by_its_share(judge, scene):
    classes = scene.by_class(scene.tracks)
    before = mid_energy_fraction(*energies(classes["other"]))
    classes["other"] = np.repeat(classes["other"].mean(axis=0, keepdims=True), 2, axis=0)
    assert judge.distances(BandSounds.summed(classes))["class_mid"] == pytest.approx((1 - before) / 4, abs=1e-6)


def test_a_mono_mix_of_a_wide_original_is_all_off(judge, scene):
    folded = BandDamage("folded", folded=True).apply(scene)
    assert judge.distances(BandSounds.summed(scene.by_class(folded)))["mape_panning"] == 1.0


def test_there_is_a_system_with_and_without_each_step():
    names = [system.name for system in SYSTEMS]
    assert len(names) == len(set(names))
    assert {SUM, RANDOM, ORACLE, ALL} <= set(names)
    assert {name(step) for step in STEPS for name in (only, without)} <= set(names)


def test_the_oracle_is_the_original_and_the_sum_is_not(mixed, judge, scene):
    assert np.abs(mixed[ORACLE].mix - scene.mix).max() < 1e-5
    assert judge.distances(mixed[SUM])["class_lu"] > 2


def test_the_level_alone_brings_the_balance_of_the_priors(mixed):
    classes = dict(mixed[only("level")].classes)
    voice, backing = (integrated(audio, SAMPLE_RATE_HZ) for audio in (classes.pop("vocals"), total(classes.values())))
    wanted = open_priors("starter").lookup("song", "vocal_to_backing_lu").p50
    assert voice - backing == pytest.approx(wanted, abs=0.05)


def test_the_loudness_of_the_mix_changes_no_class(mixed):
    for name, other in ((only("loudness"), SUM), (ALL, without("loudness"))):
        ours, theirs = mixed[name], mixed[other]
        assert all(np.array_equal(ours.classes[role], theirs.classes[role]) for role in theirs.classes)
        assert not np.array_equal(ours.mix, theirs.mix)


def test_random_settings_come_from_the_seed(mixed, scene):
    ours, again, other = (random_settings(scene.roles, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert ours == again
    assert ours != other
    assert np.isfinite(mixed[RANDOM].mix).all()

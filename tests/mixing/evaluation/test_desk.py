"""Every system mixes what it is given, and only the oracle uses the original."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.mixing.evaluation import random_settings
from mixprior.mixing.evaluation.damage import Damage, TrackDamage
from mixprior.mixing.evaluation.desk import Desk
from mixprior.mixing.evaluation.draw import draw
from mixprior.mixing.evaluation.evaluation import EVALUATIONS, PAIRS, TRACKS
from mixprior.mixing.evaluation.judge import Judge
from mixprior.mixing.evaluation.metrics import names
from mixprior.mixing.evaluation.scenes import Mixed
from mixprior.mixing.evaluation.systems import ALL, ORACLE, PAIR_STEPS, RANDOM, SUM, TRACK_STEPS, only, without
from mixprior.stats.measures.loudness import difference
from mixprior.stats.sound import Sound
from tests.mixing.evaluation import generated

pytestmark = pytest.mark.slow

PAIR_DAMAGE = Damage("0", {"vocals": TrackDamage(9.0, 1.0, 0.4), "backing": TrackDamage(-4.0)})
BAND_DAMAGE = Damage("0", {"vocals": TrackDamage(9.0, 1.0, 0.4), "drums": TrackDamage(-4.0)})
RESULTS = json.loads((Path(__file__).parent / "results.json").read_text("utf-8"))
"""Distances on generated scenes of 6 s, damaged by one draw, as the two former evaluations gave them.

Of draws and systems without a reverb: they do not depend on how the level of a reverb is found.
"""


def mixed_by(evaluation, scene, damage, chosen) -> dict[str, Mixed]:
    desk = Desk(scene, damage, open_priors("starter"))
    return {system.name: desk.mix(system) for system in evaluation.systems if system.name in chosen}


@pytest.fixture(scope="module")
def mixed_pair(pair):
    return mixed_by(PAIRS, pair, PAIR_DAMAGE, (SUM, RANDOM, ORACLE, only("level"), only("loudness")))


@pytest.fixture(scope="module")
def mixed_band(band):
    chosen = (SUM, RANDOM, ORACLE, only("level"), only("loudness"), ALL, without("loudness"))
    return mixed_by(TRACKS, band, BAND_DAMAGE, chosen)


@pytest.mark.parametrize(("evaluation", "steps"), [(PAIRS, PAIR_STEPS), (TRACKS, TRACK_STEPS)], ids=EVALUATIONS)
def test_there_is_a_system_with_and_without_each_step(evaluation, steps):
    found = [system.name for system in evaluation.systems]
    assert len(found) == len(set(found))
    assert {SUM, RANDOM, ORACLE, ALL} <= set(found)
    assert {name(step) for step in steps for name in (only, without)} <= set(found)
    for ablation in evaluation.ablations:
        assert {ablation.alone, ablation.among, ablation.without} <= set(found)
        assert set(ablation.metrics) <= set(names(evaluation.metrics))


def test_the_sum_is_what_was_given_and_the_oracle_the_original(mixed_pair, pair, mixed_band, band, band_judge):
    damaged = PAIR_DAMAGE.apply(pair)
    assert np.array_equal(mixed_pair[SUM].mix.audio, Sound.sum(damaged.values()).audio)
    assert np.abs(mixed_pair[ORACLE].mix.audio - pair.mix.audio).max() < 1e-5
    assert np.abs(mixed_band[ORACLE].mix.audio - band.mix.audio).max() < 1e-5
    assert band_judge.distances(mixed_band[SUM])["class_lu"] > 2


def test_the_level_alone_sets_the_balance_of_the_priors(mixed_pair, mixed_band):
    wanted_lu = open_priors("starter").lookup("song", "vocal_to_backing_lu").p50
    for mixed in (mixed_pair, mixed_band):
        parts = dict(mixed[only("level")].parts)
        vocals, rest = parts.pop("vocals"), Sound.sum(parts.values())
        assert difference(vocals.integrated_lufs, rest.integrated_lufs) == pytest.approx(wanted_lu, abs=0.05)


def test_the_loudness_of_the_mix_changes_no_part(mixed_pair, mixed_band):
    for mixed, name, other in (
        (mixed_pair, only("loudness"), SUM),
        (mixed_band, only("loudness"), SUM),
        (mixed_band, ALL, without("loudness")),
    ):
        ours, theirs = mixed[name], mixed[other]
        assert all(np.array_equal(ours.parts[role].audio, part.audio) for role, part in theirs.parts.items())
        assert not np.array_equal(ours.mix.audio, theirs.mix.audio)


def test_random_settings_come_from_the_seed(mixed_pair, mixed_band, band):
    for drawn in (random_settings.of_pair, lambda rng: random_settings.of_tracks(band.roles, rng)):
        ours, again, other = (drawn(np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert ours == again
        assert ours != other
    assert all(np.isfinite(mixed[RANDOM].mix.audio).all() for mixed in (mixed_pair, mixed_band))


@pytest.mark.parametrize("name", EVALUATIONS)
def test_pairs_and_tracks_are_judged_as_they_were_apart(name):
    evaluation = EVALUATIONS[name]
    scene = generated.pair(6.0) if name == "pairs" else generated.band(6.0)
    judge = Judge(Mixed(scene.mix, scene.by_role(scene.tracks)), evaluation.metrics)
    known = RESULTS[name]
    for system, mixed in mixed_by(evaluation, scene, draw(scene, RESULTS["draws"][name]), known).items():
        found = judge.distances(mixed)
        assert {metric for metric, value in found.items() if value is None} == {
            metric for metric, value in known[system].items() if value is None
        }
        for metric, value in known[system].items():
            assert found[metric] == pytest.approx(value, abs=1e-6), (system, metric)

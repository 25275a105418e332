"""Every system mixes what it is given, and only the oracle knows the original."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import generated
from tests.mixing.evaluation.metrics import Sounds
from tests.mixing.evaluation.scramble import Damage
from tests.mixing.evaluation.systems import (
    ALL,
    ORACLE,
    RANDOM,
    STEPS,
    SUM,
    SYSTEMS,
    only,
    random_settings,
    run,
    without,
)

DAMAGE = Damage("0", 9.0, -4.0, 1.0, 0.4)


@pytest.fixture(scope="module")
def scene():
    return generated.scene()


@pytest.fixture(scope="module")
def mixed(scene):
    damaged = Sounds.summed(*DAMAGE.apply(scene))
    priors = open_priors("starter")
    chosen = (SUM, RANDOM, ORACLE, only("level"), only("loudness"))
    return {s.name: run(s, scene, DAMAGE, damaged, priors) for s in SYSTEMS if s.name in chosen}


def test_there_is_a_system_with_and_without_each_step():
    names = [system.name for system in SYSTEMS]
    assert len(names) == len(set(names))
    assert {SUM, RANDOM, ORACLE, ALL} <= set(names)
    assert {name(step) for step in STEPS for name in (only, without)} <= set(names)


def test_the_sum_is_what_was_given_and_the_oracle_the_original(mixed, scene):
    voice, backing = DAMAGE.apply(scene)
    assert np.array_equal(mixed[SUM].mix, voice + backing)
    assert np.abs(mixed[ORACLE].mix - scene.mix).max() < 1e-5


def test_the_level_alone_brings_the_balance_of_the_priors(mixed):
    voice, backing = (
        integrated(sound, SAMPLE_RATE_HZ) for sound in (mixed[only("level")].voice, mixed[only("level")].backing)
    )
    wanted = open_priors("starter").lookup("song", "vocal_to_backing_lu").p50
    assert voice - backing == pytest.approx(wanted, abs=0.05)


def test_the_loudness_alone_leaves_the_balance(mixed):
    assert np.array_equal(mixed[only("loudness")].voice, mixed[SUM].voice)
    assert not np.array_equal(mixed[only("loudness")].mix, mixed[SUM].mix)


def test_random_settings_come_from_the_seed(mixed):
    ours, again, other = (random_settings(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert ours == again
    assert ours != other
    assert np.isfinite(mixed[RANDOM].mix).all()

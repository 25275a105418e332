"""Reverberation time by tempo: the rule's published values, its bounds, and a catalog that follows one or none."""

import numpy as np
import pytest

from mixprior.mixing.rules.tempo_rule import TempoRelation, reverberation_time_s
from mixprior.stats.errors import InputError


@pytest.mark.parametrize(("tempo_bpm", "published_s"), [(60, 3.11), (100, 2.22), (120, 1.78), (140, 1.33)])
def test_the_rules_published_values(tempo_bpm, published_s):
    assert reverberation_time_s(tempo_bpm) == pytest.approx(published_s, abs=0.005)


@pytest.mark.parametrize(
    ("tempo_bpm", "counts_as"), [(180, 90), (200, 100), (30, 60), (400, 100), (160, 160), (59, 118)]
)
def test_half_and_double_tempo_come_into_range_by_octaves(tempo_bpm, counts_as):
    assert reverberation_time_s(tempo_bpm) == reverberation_time_s(counts_as) == pytest.approx(40 / 9 - counts_as / 45)


def test_the_time_stays_within_bounds():
    assert reverberation_time_s(60, high_s=2.0) == 2.0
    assert reverberation_time_s(160, low_s=1.0) == 1.0


@pytest.mark.parametrize("tempo_bpm", [0, -120, np.nan, np.inf])
def test_no_tempo_is_refused(tempo_bpm):
    with pytest.raises(InputError, match="tempo"):
        reverberation_time_s(tempo_bpm)


def test_a_catalog_that_follows_the_rule_shows_it():
    rng = np.random.default_rng(3)
    tempo_bpm = rng.uniform(60, 160, 200)
    time_s = 40 / 9 - tempo_bpm / 45 + rng.normal(0, 0.2, 200)
    relation = TempoRelation.of(np.append(tempo_bpm, [np.nan, 90]), np.append(time_s, [1.0, np.nan]))
    assert relation.n == 200
    assert relation.is_found
    assert relation.slope_low_s_per_bpm < -1 / 45 < relation.slope_high_s_per_bpm
    assert relation.slope_s_per_bpm == pytest.approx(np.polyfit(tempo_bpm, time_s, 1)[0], abs=1e-5)
    assert relation.reverberation_time_s(100) == pytest.approx(20 / 9, abs=0.05)
    assert relation.r2 > 0.8


def test_a_catalog_without_a_relation_shows_that():
    rng = np.random.default_rng(4)
    relation = TempoRelation.of(rng.uniform(60, 160, 100), rng.lognormal(0.3, 0.6, 100))
    assert not relation.is_found
    assert relation.r2 < 0.05


def test_too_few_songs_are_refused():
    with pytest.raises(InputError, match="too few"):
        TempoRelation.of(np.array([100.0, 120.0]), np.array([1.0, 2.0]))
    with pytest.raises(InputError, match="one of each"):
        TempoRelation.of(np.array([100.0, 120.0]), np.array([1.0]))

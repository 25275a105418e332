"""Reverberation time by tempo: the rule's published values, and the line of a catalog that follows one or none."""

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


def test_at_any_tempo_the_time_is_one_that_the_plug_in_has():
    times_s = [reverberation_time_s(tempo_bpm) for tempo_bpm in np.geomspace(1, 1000, 500)]
    assert 8 / 9 <= min(times_s) < 0.95
    assert 3.0 < max(times_s) <= 28 / 9


@pytest.mark.parametrize("tempo_bpm", [0, -120, np.nan, np.inf])
def test_no_tempo_is_refused(tempo_bpm):
    with pytest.raises(InputError, match="tempo"):
        reverberation_time_s(tempo_bpm)


@pytest.mark.parametrize(
    ("low", "high", "is_found"), [(-0.03, -0.01, True), (0.001, 0.002, True), (-0.002, 0.005, False)]
)
def test_a_relation_is_found_where_its_interval_leaves_out_zero(low, high, is_found):
    assert TempoRelation((low + high) / 2, low, high, 3.0, 0.1, 100).is_found == is_found


def test_the_time_of_a_catalog_is_on_its_line():
    assert TempoRelation(-0.02, -0.03, -0.01, 4.0, 0.8, 200).reverberation_time_s(100.0) == pytest.approx(2.0)

"""Simulated workers: what is known by arithmetic comes out, and troubles cost what they must."""

import numpy as np
import pytest

from mixprior.pipeline.plan.simulation import Troubles, simulate

NONE = Troubles()


def median_s(songs_s, workers, troubles=NONE, **more):
    return simulate(np.asarray(songs_s, float), workers, troubles, **more).wall_s[1]


def test_without_trouble_workers_share_the_work():
    assert median_s(np.full(1000, 3.0), 10) == pytest.approx(300.0)
    assert median_s([5.0, 3.0, 2.0, 2.0], 2) == pytest.approx(7.0)  # 5+2, 3+2: the longest first
    assert median_s([], 2) == 0.0


def test_the_same_seed_gives_the_same_run_and_another_one_another():
    troubles = Troubles(slow_share=0.2, again_share=0.1, preemptions_per_day=12.0)
    songs_s = np.full(500, 60.0)
    first = simulate(songs_s, 20, troubles, seed=1)
    assert first == simulate(songs_s, 20, troubles, seed=1)
    assert first != simulate(songs_s, 20, troubles, seed=2)
    assert first.wall_s[0] <= first.wall_s[1] <= first.wall_s[2]


def test_a_slow_worker_holds_up_the_end_by_its_bundle_and_less_where_bundles_are_small():
    songs_s, troubles = np.full(3200, 10.0), Troubles(slow_share=0.1)
    fair_s = 3200 * 10.0 / 40
    coarse, fine = (median_s(songs_s, 40, troubles, bundles=bundles) for bundles in (8 * 40, 64 * 40))
    assert fair_s < fine < coarse
    assert coarse <= fair_s + 2 * 2 * songs_s.sum() / (8 * 40)  # at most what a slow worker has begun at the end


def test_songs_that_are_mined_twice_take_their_share():
    found = simulate(np.full(10_000, 1.0), 10, Troubles(again_share=0.1))
    assert found.wall_s[1] == pytest.approx(1100.0, rel=0.02)
    assert found.lost_s == pytest.approx(1000.0, rel=0.1)


def test_preemptions_cost_the_pause_and_half_a_song_each():
    troubles = Troubles(preemptions_per_day=24.0, restart_s=100.0)
    found = simulate(np.full(3600, 100.0), 10, troubles)
    assert found.preemptions == pytest.approx(100, rel=0.25)
    assert found.lost_s == pytest.approx(found.preemptions * 150.0, rel=0.15)


def test_an_element_that_stands_for_many_songs_loses_one_song_only():
    troubles = Troubles(preemptions_per_day=24.0, restart_s=0.0)
    found = simulate(np.full(3600, 100.0), 10, troubles, songs_each=100.0)
    assert found.lost_s < found.preemptions * 1.0

"""A job that runs alone may use all cores of its pool, and learns while it runs that others have come."""

import os
from dataclasses import replace

import numpy as np
import pytest

from mixprior.pipeline import aggregate, doctor
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.plan.command import plan
from mixprior.pipeline.plan.constants import machine
from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.pipeline.song import cores
from mixprior.pipeline.song.cores import VARIABLE, Cores
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.settings import MiningSettings
from tests.pipeline.song import jobs
from tests.pipeline.tiny_model import write_tiny_model


@pytest.mark.parametrize(
    ("total", "busy", "shares"), [(4, [2], [4]), (5, [0, 3], [3, 2]), (2, [0, 1, 2], [1, 1, 1]), (2, [], [])]
)
def test_cores_are_dealt_to_those_at_work(total, busy, shares):
    dealt = Cores()
    dealt.deal(total, busy)
    assert [dealt.share(number) for number in busy] == shares
    dealt.close()


def test_cores_that_a_process_may_not_use_are_not_counted_on(monkeypatch, tmp_path):
    """A container or a scheduler of jobs gives a process some of the machine's cores."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))  # this machine was not measured
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {5, 9, 11}, raising=False)
    monkeypatch.delenv(VARIABLE, raising=False)
    settings = MiningSettings(SeparationSettings(), DecodeLimits())
    found = [cores.at_hand(), aggregate.processes(None), Fingerprints(settings).at_once, plan(songs=100).workers]
    assert found == [3, 3, 3, 3]
    assert machine().startswith("3 cores, ")
    assert doctor._cores().found == "3 of 64"


def test_a_process_of_no_pool_has_all_cores(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    assert cores.at_hand() >= 1
    monkeypatch.setenv(VARIABLE, "99999:0")
    assert cores.at_hand() == 1


def test_a_job_alone_has_all_cores_until_another_comes_and_when_it_is_gone(tmp_path):
    with Pool(2) as pool:
        first = pool.submit(f"{jobs.HERE}:cores_until", 1, str(tmp_path / "begun"))
        while not (tmp_path / "begun").exists():
            assert not first.done()
        second = pool.submit(f"{jobs.HERE}:cores_until", 2, str(tmp_path / "other"))
        assert first.result(60).facts["seen"] == [2, 1]
        assert second.result(60).facts["seen"][-1] == 2


def test_a_song_alone_in_a_pool_has_segments_at_work_on_all_its_cores_and_the_same_stems(tmp_path):
    settings = SeparationSettings("tiny", str(write_tiny_model(tmp_path)), device="cpu", precision="fp32")
    song = (0.1 * np.random.default_rng(5).standard_normal((2, 200_000))).astype(np.float32)
    expected = load(replace(settings, threads=1)).separate(song)["vocals"].tobytes()
    with Pool(2) as pool:
        answer = pool.submit(f"{jobs.HERE}:separated", song, settings).result(120)
    assert answer.content == expected
    assert answer.facts["ahead"] == 3

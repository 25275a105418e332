"""A job that runs alone may use all cores of its pool, and learns while it runs that others have come."""

from dataclasses import replace

import numpy as np
import pytest

from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.pipeline.song import cores
from mixprior.pipeline.song.cores import VARIABLE, Cores
from mixprior.pipeline.song.pool import Pool
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

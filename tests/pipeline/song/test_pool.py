"""Whatever a job does to its process, every other job is done, and the job ends with its reason."""

import os
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, wait
from pathlib import Path

import pytest

from mixprior.pipeline.song import trouble
from mixprior.pipeline.song.child_process import ChildProcess
from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.time_limits import TimeLimits
from mixprior.pipeline.store.records import InputError, SongError
from tests.conftest import ROOT
from tests.pipeline.song import jobs

SOON = TimeLimits(stage_s=0.5)


@pytest.fixture
def pool():
    with Pool(2) as made:
        yield made


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(trouble, "BACK_OFF_S", (0.01, 0.02))


def submit(pool: Pool, job, *arguments, **options):
    return pool.submit(f"{jobs.HERE}:{job.__name__}", *arguments, **options)


def failure(future) -> tuple[str, str]:
    with pytest.raises(SongError) as caught:
        future.result(60)
    return caught.value.kind, caught.value.message


def test_a_native_crash_is_tried_again_alone_and_is_a_failure_then(pool):
    crashed, fine = submit(pool, jobs.crash), [submit(pool, jobs.pid) for _ in range(5)]
    kind, message = failure(crashed)
    assert kind == "Crashed"
    assert "SIGSEGV" in message
    assert all(each.result(60).facts["pid"] for each in fine)


def test_a_job_whose_process_was_killed_is_done_the_second_time(pool, tmp_path):
    assert submit(pool, jobs.crash_once, str(tmp_path / "a")).result(60).facts == {"times": 2}


def test_the_second_time_no_other_job_runs(pool, tmp_path):
    path = str(tmp_path / "a")
    others = Path(f"{path}.others")
    others.touch()
    crashed = submit(pool, jobs.together, path)
    rest = [submit(pool, jobs.order, str(others), "x") for _ in range(200)]
    assert crashed.result(60).facts == {"others": 0}
    wait(rest)
    assert others.stat().st_size == 200


def test_a_hang_is_ended_at_its_limit_and_others_go_on(pool):
    started_s = time.monotonic()
    late, fine = submit(pool, jobs.hang, limits=SOON), submit(pool, jobs.pid)
    assert failure(late)[0] == "TimedOut"
    assert time.monotonic() - started_s < 10
    assert fine.result(60)
    assert submit(pool, jobs.pid).result(60)


@pytest.mark.parametrize("kind", ["memory", "device", "disk"])
def test_passing_trouble_is_tried_again(pool, tmp_path, kind):
    assert submit(pool, jobs.trouble, str(tmp_path / "a"), kind, 2).result(60).facts


@pytest.mark.parametrize(
    ("kind", "called"), [("memory", "OutOfMemory"), ("device", "DeviceLost"), ("disk", "ReadTrouble")]
)
def test_trouble_that_stays_is_a_failure_that_the_next_run_tries_again(pool, tmp_path, kind, called):
    name, message = failure(submit(pool, jobs.trouble, str(tmp_path / "a"), kind, 9))
    assert name == called
    assert "tried 3 times" in message
    assert (tmp_path / "a").stat().st_size == 3
    assert called in trouble.PASSING


def test_after_a_lost_device_the_process_is_another(tmp_path):
    with Pool(1) as pool:
        before = submit(pool, jobs.pid).result(60).facts["pid"]
        after = submit(pool, jobs.trouble, str(tmp_path / "a"), "device", 1).result(60).facts["pid"]
        assert submit(pool, jobs.pid).result(60).facts["pid"] == after != before


def test_a_child_is_used_again(pool):
    pids = {submit(pool, jobs.pid).result(60).facts["pid"] for _ in range(10)}
    assert len(pids) <= 2
    assert os.getpid() not in pids


def test_what_would_go_wrong_with_every_job_is_raised_as_it_is(pool):
    with pytest.raises(InputError, match=r"^there is no model$"):
        submit(pool, jobs.refuse).result(60)


def test_what_nobody_foresaw_is_a_failure(pool):
    assert failure(submit(pool, jobs.blunder)) == ("Unexpected", "unexpected KeyError: 'nobody foresaw this'")


def test_what_a_job_prints_does_not_get_between_messages(pool):
    answer = submit(pool, jobs.babble).result(60)
    assert answer.content == bytes(range(256)) * 5000
    assert answer.facts == {"text": "\ud800 \n"}


def test_a_child_that_writes_nonsense_is_ended_and_nothing_it_wrote_is_loaded(pool):
    assert failure(submit(pool, jobs.lie))[0] == "Crashed"
    assert submit(pool, jobs.pid).result(60)


def test_heavier_jobs_are_begun_first(tmp_path):
    with Pool(1) as pool:
        names = [
            submit(pool, jobs.order, str(tmp_path / "a"), name, weight=weight)
            for name, weight in zip("acb", (1, 3, 2), strict=True)
        ]
        wait(names)
    assert (tmp_path / "a").read_text() == "cba"


def test_the_queue_is_bounded(tmp_path):
    with Pool(1, most_waiting=2) as pool:
        submit(pool, jobs.hang)
        time.sleep(0.5)
        submit(pool, jobs.pid), submit(pool, jobs.pid)
        blocked = threading.Thread(target=submit, args=(pool, jobs.pid), daemon=True)
        blocked.start()
        blocked.join(0.3)
        assert blocked.is_alive()


def test_closing_ends_children_and_cancels_what_waits(tmp_path):
    pool = Pool(1)
    child = submit(pool, jobs.pid).result(60).facts["pid"]
    at_work, waiting = submit(pool, jobs.hang), submit(pool, jobs.pid)
    time.sleep(0.3)
    pool.close()
    for future in (at_work, waiting, submit(pool, jobs.pid)):
        with pytest.raises(CancelledError):
            future.result(60)
    assert not Path(f"/proc/{child}").exists()


def test_children_end_with_a_parent_that_is_killed(tmp_path):
    code = f"""
from mixprior.pipeline.song.pool import Pool
from tests.pipeline.song import jobs
pool = Pool(1)
print(pool.submit("{jobs.HERE}:pid").result().facts["pid"], flush=True)
pool.submit("{jobs.HERE}:hang").result()
"""
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    child = parent.stdout.readline().strip()
    parent.kill()
    parent.wait()
    while Path(f"/proc/{child}").exists() and ") Z " not in Path(f"/proc/{child}/stat").read_text():
        time.sleep(0.05)


def test_a_process_that_cannot_start_is_an_error_not_a_wait(monkeypatch):
    monkeypatch.setattr(
        "mixprior.pipeline.song.child_process.interpreter", lambda _module: [sys.executable, "-c", "1/0"]
    )
    with Pool(1) as pool, pytest.raises(RuntimeError, match="can be started"):
        submit(pool, jobs.pid).result(60)


def test_a_child_is_what_a_machine_out_of_memory_ends():
    with Pool(1) as pool:
        child = submit(pool, jobs.pid).result(60).facts["pid"]
        own, its = (int(Path(f"/proc/{pid}/oom_score_adj").read_text()) for pid in (os.getpid(), child))
        assert its > own


def test_a_child_that_is_barred_is_not_started_again():
    child = ChildProcess()
    child.start(60)
    child.kill(for_ever=True)
    with pytest.raises(Exception, match="not to be started"):
        child.start(60)

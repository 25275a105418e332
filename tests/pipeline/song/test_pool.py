"""Whatever a job does to its process, every other job is done, and the job ends with its reason."""

import errno
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError, wait
from pathlib import Path

import pytest

from mixprior.pipeline.audio import decode
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.graphs.extract import MineSongs
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import miner, shared_pool, trouble
from mixprior.pipeline.song.child_process import ChildProcess
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.song.time_limits import TimeLimits
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats.errors import Stopped
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


def kill_idle_children(pool: Pool) -> None:
    """Have as many children as the pool may have, and kill them when they have nothing to do."""
    wait([submit(pool, jobs.pid) for _ in range(10)])
    while not all(keeper.child.is_ready for keeper in pool._keepers):
        submit(pool, jobs.pid).result(60)
    time.sleep(0.2)
    for keeper in pool._keepers:
        os.kill(keeper.child._process.pid, signal.SIGKILL)
    while any(keeper.child.is_ready for keeper in pool._keepers):
        time.sleep(0.01)


@pytest.mark.fault(6)
def test_a_native_crash_is_tried_again_alone_and_is_a_failure_then(pool):
    crashed, fine = submit(pool, jobs.crash), [submit(pool, jobs.pid) for _ in range(5)]
    kind, message = failure(crashed)
    assert kind == "Crashed"
    assert "SIGSEGV" in message
    assert all(each.result(60).facts["pid"] for each in fine)


def test_a_job_whose_process_was_killed_is_done_the_second_time(pool, tmp_path):
    assert submit(pool, jobs.crash_once, str(tmp_path / "a")).result(60).facts == {"times": 2}


@pytest.mark.fault(6)
def test_the_second_time_no_other_job_runs(pool, tmp_path):
    path = str(tmp_path / "a")
    others = Path(f"{path}.others")
    others.touch()
    crashed = submit(pool, jobs.together, path)
    rest = [submit(pool, jobs.order, str(others), "x") for _ in range(200)]
    assert crashed.result(60).facts == {"others": 0}
    wait(rest)
    assert others.stat().st_size == 200


@pytest.mark.fault(7)
def test_a_hang_is_ended_at_its_limit_and_others_go_on(pool):
    started_s = time.monotonic()
    late, fine = submit(pool, jobs.hang, limits=SOON), submit(pool, jobs.pid)
    assert failure(late)[0] == "TimedOut"
    assert time.monotonic() - started_s < 10
    assert fine.result(60)
    assert submit(pool, jobs.pid).result(60)


@pytest.mark.fault(8)
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


@pytest.mark.fault(8)
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


def test_a_child_is_prepared_before_its_first_job_whether_or_not_that_succeeds(tmp_path):
    with Pool(1, preparation=(f"{jobs.HERE}:order", (str(tmp_path / "a"), "p"))) as pool:
        for name in "xy":
            submit(pool, jobs.order, str(tmp_path / "a"), name).result(60)
    assert (tmp_path / "a").read_text() == "pxy"
    with Pool(1, preparation=(f"{jobs.HERE}:blunder", ())) as pool:
        assert submit(pool, jobs.pid).result(60)


def test_a_child_that_ends_while_it_is_prepared_is_started_again_without(tmp_path):
    with Pool(1, preparation=(f"{jobs.HERE}:crash", ())) as pool:
        assert submit(pool, jobs.pid).result(60)


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
from mixprior.pipeline.song.fingerprint import Fingerprints
from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.settings import MiningSettings
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
    with Pool(1) as pool, pytest.raises(Stopped, match="can be started"):
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


def test_a_child_works_on_one_core_unless_the_user_says_otherwise(pool, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert submit(pool, jobs.cores).result(60).facts == {"cores": "1"}
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert submit(pool, jobs.cores).result(60).facts == {"cores": "3"}


@pytest.mark.parametrize(
    "line",
    ['{"bytes": 0}', '{"bytes": 0, "reply": "stage", "stage": "x", "duration_s": 1}', '{"bytes": 0, "reply": "done"}'],
)
def test_what_a_child_said_is_never_taken_for_the_answer_to_the_next_job(line):
    with Pool(1) as pool:
        assert failure(submit(pool, jobs.say, line))[0] == "Crashed"
        assert "pid" in submit(pool, jobs.pid).result(60).facts


def test_a_job_waits_where_no_process_can_be_forked_for_a_while(monkeypatch):
    popen, left = subprocess.Popen, [2]

    def start(*arguments, **options):
        if left[0]:
            left[0] -= 1
            raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
        return popen(*arguments, **options)

    monkeypatch.setattr(subprocess, "Popen", start)
    with Pool(1) as pool:
        assert submit(pool, jobs.pid).result(60)
        assert left == [0]


def test_where_no_thread_can_be_started_it_is_raised_and_the_pool_can_be_closed(monkeypatch):
    def start(_thread):
        raise RuntimeError("can't start new thread")

    with Pool(1) as pool:
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="new thread"):
            submit(pool, jobs.pid)
        monkeypatch.undo()
        assert submit(pool, jobs.pid).result(60)


def test_arguments_that_cannot_be_sent_or_loaded_fail_at_once():
    with Pool(1) as pool:
        with pytest.raises(AttributeError, match="pickle"):
            submit(pool, jobs.pid, "x" * 100_000, lambda: None).result(60)
        assert failure(submit(pool, jobs.pid, jobs.Unloadable()))[0] == "Crashed"
        assert submit(pool, jobs.pid).result(60)


def test_jobs_go_on_where_the_working_folder_was_removed(pool, monkeypatch):
    def removed():
        raise FileNotFoundError(errno.ENOENT, "No such file or directory")

    monkeypatch.setattr(os, "getcwd", removed)
    assert submit(pool, jobs.pid).result(60)


def test_a_child_that_was_killed_while_it_had_no_job_is_not_the_next_jobs_fault(pool, tmp_path):
    kill_idle_children(pool)
    assert submit(pool, jobs.crash_once, str(tmp_path / "a")).result(60).facts == {"times": 2}


def test_jobs_in_trouble_do_not_hold_up_the_others(monkeypatch, tmp_path):
    monkeypatch.setattr(trouble, "BACK_OFF_S", (30.0, 30.0))
    with Pool(1) as pool:
        for k in range(9):
            submit(pool, jobs.trouble, str(tmp_path / str(k)), "disk", 9, weight=1.0)
        assert submit(pool, jobs.pid).result(20)


def test_a_job_that_is_cancelled_before_it_begins_is_not_begun(tmp_path):
    with Pool(1) as pool:
        cancelled = submit(pool, jobs.order, str(tmp_path / "a"), "x")
        assert cancelled.cancel()
        assert submit(pool, jobs.pid).result(60)
        assert wait([cancelled], 60).done
        assert not (tmp_path / "a").exists()


def test_whoever_waits_for_a_job_is_told_that_the_pool_was_closed():
    pool = Pool(1)
    at_work, waiting = submit(pool, jobs.hang, weight=1.0), submit(pool, jobs.pid)
    time.sleep(0.3)
    pool.close()
    assert len(wait([at_work, waiting, submit(pool, jobs.pid)], 10).done) == 3


def test_fewer_workers_start_no_more_children(pool):
    kill_idle_children(pool)
    pool.workers = 1
    assert len({submit(pool, jobs.pid).result(60).facts["pid"] for _ in range(50)}) == 1
    assert sum(keeper.child.is_ready for keeper in pool._keepers) == 1


def test_songs_of_a_bundle_that_failed_are_not_mined_for_nothing(monkeypatch, tmp_path):
    monkeypatch.setattr(miner, "JOB", f"{jobs.HERE}:linger")
    monkeypatch.setattr(miner, "PREPARATION", f"{jobs.HERE}:blunder")
    way = miner.Way(RunFolder(str(tmp_path / "run")), MiningSettings(SeparationSettings(), DecodeLimits()))
    songs = miner.Miner(way)
    with shared_pool.kept():
        for name in "abcde":
            list(songs.add(("key", name * 16), [Found(Song(str(tmp_path / name)))]))
        songs.cancel()
        left = list(songs.at_hand)
        assert len(wait(left, 60).done) == 5
    assert sum(each.cancelled() for each in left) >= 4
    assert len(list(tmp_path.glob("?"))) <= 1


def test_a_step_that_ends_before_its_first_bundle_has_nothing_to_let_go(tmp_path):
    settings = MiningSettings(SeparationSettings(), DecodeLimits())
    MineSongs(miner.Way(RunFolder(str(tmp_path)), settings)).teardown()


def test_the_time_a_file_may_take_to_be_read_follows_its_size_when_that_is_known_late(monkeypatch):
    def size(_path):
        time.sleep(0.2)
        return 100

    def read(_song, _sha256):
        time.sleep(0.4)
        return "a" * 16

    monkeypatch.setattr(sources, "size_bytes", size)
    monkeypatch.setattr(decode, "fingerprint", read)
    limits = TimeLimits(stage_s=0.3, read_bytes_per_s=10.0)
    named = Fingerprints(MiningSettings(SeparationSettings(), DecodeLimits(), time_limits=limits))
    assert [found.failure for _, found in named.of([Song("a.wav")])] == [None]

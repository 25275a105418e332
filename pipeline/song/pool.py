"""A pool of child processes that carry out jobs, supervised: whatever a job does to its process, the pool goes on.

A child is an interpreter of its own, which keeps libraries and models loaded from job to job. One that crashes, is
killed or exceeds a time limit is replaced. Children are started by `subprocess`: a daemonic process (a Dask worker) may
start none by multiprocessing, and a fork after threads were started is unsafe.
"""

from __future__ import annotations

import os
import pickle
import threading
import time
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from mixprior.pipeline.song import trouble
from mixprior.pipeline.song.child_process import ChildProcess, Ended, environment
from mixprior.pipeline.song.cores import Cores
from mixprior.pipeline.song.time_limits import USUAL, TimeLimits
from mixprior.pipeline.song.waiting import Turn, Waiting
from mixprior.pipeline.store.records import InputError, Reported
from mixprior.stats.errors import GOES_ON, Stopped

_WATCH_S = 0.2

Call = tuple[str, tuple[Any, ...]]
"""A function, "module:function", and its arguments."""


@dataclass(frozen=True)
class Answer:
    """What a job gave.

    Attributes:
        facts: small values, as JSON holds them.
        content: bytes.
    """

    facts: dict[str, Any]
    content: bytes


@dataclass(eq=False)
class _Job(Turn):
    call: Call = ("", ())
    longest_s: float = 0.0
    limits: TimeLimits = USUAL
    future: Future[Answer] = field(default_factory=Future)
    keeper: int = 0
    crashes: int = 0
    troubles: int = 0

    def is_wanted(self) -> bool:
        """Whether it was not cancelled; from now on it cannot be."""
        return self.future.running() or self.future.set_running_or_notify_cancel()

    def cancel(self) -> None:
        """End it undone: its future raises `CancelledError`. `Future.cancel` alone would not wake a waiting thread."""
        if self.is_wanted():
            self.future.set_exception(CancelledError())


@dataclass
class _Again(Exception):
    """A job is to be tried again."""

    alone: bool
    after_s: float


class Pool:
    """Child processes, started as jobs come, at most `workers` of them. Threads may share it.

    As many cores are dealt to the jobs that run (`mixprior.pipeline.song.cores`): one alone may use them all.

    A child that cannot be started is tried again after a pause; where none can, a job fails by it.
    A job that took its child down is tried once more, when no other job is left or runs; if it does so again, it fails
    as `Crashed`. One in passing trouble (`mixprior.pipeline.song.trouble`) is tried up to three times. One that exceeds
    a time limit fails as `TimedOut` at once.

    Args:
        workers: most children at a time.
        most_waiting: jobs that wait; `submit` blocks while there are as many.
        preparation: target and arguments of what a child does before its first job, so that it has loaded what it
            needs by then, and the pool knows more jobs to choose from. A child that ends by it is started again
            without: its jobs then fail with their own reasons.

    >>> with Pool(1) as pool:
    ...     pool.submit("mixprior.pipeline.song.child:echo", "a").result()
    Answer(facts={'said': 'a'}, content=b'')
    """

    def __init__(self, workers: int, most_waiting: int = 4096, preparation: Call | None = None) -> None:
        self.workers, self.most_waiting, self.preparation = workers, most_waiting, preparation
        self._changed = threading.Condition()
        self._waiting: Waiting[_Job] = Waiting()
        self._running: list[_Job] = []
        self._cores = Cores()
        self._keepers: list[_Keeper] = []
        self._count = 0
        self._closed = False

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
        self,
        target: str,
        *arguments: Any,
        weight: float = 0.0,
        longest_s: float = 0.0,
        limits: TimeLimits = USUAL,
    ) -> Future[Answer]:
        """Have a function called in a child; block while too many jobs wait.

        Args:
            target: "module:function". It is called with `arguments` and a `mixprior.pipeline.song.measure.Entering`;
                it returns (facts, content).
            arguments: can be pickled.
            weight: heavier jobs are begun earlier.
            longest_s: length that time limits are reckoned with until the job says its own.
            limits: of its stages.

        Returns:
            A future of its `Answer`. It raises a `SongError` (`Reported`) where this job failed, an `InputError` where
            any would, `Stopped` where no child can be started, and is cancelled when the pool is closed.
        """
        with self._changed:
            while self._waiting.beside >= self.most_waiting and not self._closed:
                self._changed.wait()
            self._count += 1
            job = _Job(weight, self._count, call=(target, arguments), longest_s=longest_s, limits=limits)
            if self._closed:
                job.cancel()
                return job.future
            if len(self._keepers) < min(self.workers, len(self._waiting) + len(self._running) + 1):
                keeper = _Keeper(self, len(self._keepers))
                keeper.start()
                self._keepers.append(keeper)
                if len(self._keepers) == 1:
                    threading.Thread(target=self._watch, name="pool watch", daemon=True).start()
            self._waiting.add(job)
            self._changed.notify_all()
            return job.future

    def close(self) -> None:
        """End all children at once. Jobs that are not done are cancelled."""
        with self._changed:
            self._closed = True
            left = self._waiting.clear()
            self._changed.notify_all()
        for job in left:
            job.cancel()
        for keeper in self._keepers:
            keeper.child.kill(for_ever=True)
        for keeper in self._keepers:
            keeper.join()
        self._cores.close()

    def _next(self, keeper: _Keeper) -> _Job | None:
        """Wait for a job and take it; None where the pool is closed, or the child is gone."""
        with self._changed:
            while not self._closed and keeper.child.is_ready:
                job = self._ready() if keeper.number < self.workers else None
                if job is None:
                    self._changed.wait(_WATCH_S if self._waiting else None)
                    continue
                self._changed.notify_all()
                if job.is_wanted():
                    self._running.append(job)
                    job.keeper = keeper.number
                    self._deal_cores()
                    return job
            return None

    def _ready(self) -> _Job | None:
        """Take the job to be begun now, if there is one."""
        return self._waiting.take(time.monotonic(), self._running)

    def _await_work(self, keeper: _Keeper) -> bool:
        """Wait until there is a job, for someone, and the keeper may give one; False where the pool is closed."""
        with self._changed:
            while not (self._closed or (keeper.number < self.workers and self._waiting)):
                self._changed.wait()
            return not self._closed

    def _not_started(self, ended: Ended, times: int) -> None:
        """Pause where a child cannot be started; let a job fail by it where none can, time and again."""
        pauses_s = trouble.BACK_OFF_S
        with self._changed:
            if times > len(pauses_s) and not any(other.child.is_ready for other in self._keepers):
                job = self._ready()
                if job is not None and job.is_wanted():
                    error = f"no process to mine in can be started ({ended.how}); {GOES_ON}"
                    job.future.set_exception(Stopped(error))
                    self._changed.notify_all()
            pause_s = pauses_s[min(times, len(pauses_s)) - 1] if pauses_s else 0.0
            self._changed.wait_for(lambda: self._closed, pause_s)

    def _left(self, job: _Job, again: _Again | None) -> None:
        """Note that a job does not run any more; let it wait again."""
        with self._changed:
            self._running.remove(job)
            self._deal_cores()
            if again is not None and self._closed:
                job.cancel()
            elif again is not None:
                job.alone, job.ready_s = again.alone, time.monotonic() + again.after_s
                self._waiting.add(job)
            self._changed.notify_all()

    def _deal_cores(self) -> None:
        self._cores.deal(self.workers, [job.keeper for job in self._running])

    def _watch(self) -> None:
        """Kill children that exceed their limit; the thread that reads from one then reaches the end of its pipe."""
        while not self._closed:
            time.sleep(_WATCH_S)
            for keeper in list(self._keepers):
                keeper.child.kill_if_late()


class _Keeper(threading.Thread):
    """Keeps one child, and gives it one job after the other."""

    def __init__(self, pool: Pool, number: int) -> None:
        super().__init__(name=f"pool {number}", daemon=True)
        self.pool, self.number, self.child = pool, number, ChildProcess(pool._cores.descriptor)
        self._false_starts = 0

    def run(self) -> None:
        """Give jobs until the pool is closed."""
        while self.pool._await_work(self):
            # The heaviest job is taken once there is a child to give it to: by then the jobs of a run are known.
            if self._is_started():
                job = self.pool._next(self)
                if job is not None:
                    self._carry_out(job)
        self.child.kill()

    def _is_started(self) -> bool:
        if self.child.is_ready:
            return True
        try:
            self.child.start(USUAL.start_s)
            self._prepare()
        except Ended as ended:
            self._false_starts += 1
            self.pool._not_started(ended, self._false_starts)
            return False
        self._false_starts = 0
        return True

    def _prepare(self) -> None:
        if self.pool.preparation is not None:
            with suppress(Exception):
                self._answer(_Job(0.0, 0, call=self.pool.preparation))
            if not self.child.is_ready:
                self.child.start(USUAL.start_s)

    def _carry_out(self, job: _Job) -> None:
        again, error, answer = None, None, None
        try:
            answer = self._answer(job)
        except _Again as trying_again:
            again = trying_again
        except Exception as raised:
            error = raised
        self.pool._left(job, again)
        if answer is not None:
            job.future.set_result(answer)
        elif error is not None:
            job.future.set_exception(error)

    def _answer(self, job: _Job) -> Answer:
        stage = "decode"
        told = {**environment(), **self.pool._cores.variable(self.number)}
        task = pickle.dumps((*job.call, told, _folder()))
        self.child.allow(job.limits.start_s)
        try:
            self.child.give(task)
            while True:
                reply, content = self.child.read()
                match reply["reply"]:
                    case "begun":
                        self.child.allow(job.limits.of(stage, job.longest_s))
                    case "stage":
                        duration_s = job.longest_s if reply["duration_s"] is None else reply["duration_s"]
                        self.child.allow(job.limits.of(reply["stage"], duration_s))
                        stage = reply["stage"]
                    case "done":
                        return Answer(dict(reply["facts"]), content)
                    case "refused":
                        raise InputError(reply["message"])
                    case "failed":
                        self._fail(job, reply, stage)
        except Ended as ended:
            raise self._end(job, stage, ended) from None
        except (Reported, InputError, _Again):
            raise
        except Exception:
            # What else its child said must not be taken for the answer to the next job.
            self.child.kill()
            raise self._end(job, stage, Ended("answered what is no answer")) from None
        finally:
            self.child.allow(None)

    def _fail(self, job: _Job, reply: dict[str, Any], stage: str) -> None:
        """Raise what a job that failed is to end with, or that it is to be tried again."""
        kind = reply["trouble"]
        if kind == trouble.DEVICE_LOST:
            self.child.kill()  # its context is lost to every later job, too
        if kind is None:
            raise Reported(reply["stage"] or stage, reply["kind"], reply["message"])
        if job.troubles < len(trouble.BACK_OFF_S):
            job.troubles += 1
            raise _Again(kind == trouble.OUT_OF_MEMORY, trouble.BACK_OFF_S[job.troubles - 1])
        message = f"{reply['message']} (tried {job.troubles + 1} times; the next run tries it again)"
        raise Reported(reply["stage"] or stage, kind, message)

    def _end(self, job: _Job, stage: str, ended: Ended) -> Exception:
        """Return what a job whose child ended is to end with, or that it is to be tried again."""
        if self.pool._closed:
            return CancelledError()
        if ended.was_late:
            return Reported(stage, trouble.TIMED_OUT, "takes longer than any song of its length should")
        job.crashes += 1
        if job.crashes < 2:
            return _Again(alone=True, after_s=0.0)
        return Reported(
            stage, trouble.CRASHED, f"ended its process twice, the second time alone ({ended.how}); --retry-failed"
        )


def _folder() -> str:
    try:
        return os.getcwd()
    except OSError:  # it was removed
        return "."

"""Times both sides of a comparison, each in a fresh process of its own, in turns."""

from __future__ import annotations

import io
import multiprocessing
import os
import pickle
import resource
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from tools import ROOT
from tools.benches.command import Command, forget_peak, own_peak_mb
from tools.benches.comparison import Comparison, Missing, Work

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@dataclass
class Times:
    """What one side took.

    Attributes:
        cpu_s: processor time of each run, of its process and all that it started.
        wall_s: the clock's.
        peak_mb: greatest memory, what was given included.
        result: of the last run.
        part_s: the clock's of the part that the row names.
    """

    cpu_s: list[float] = field(default_factory=list)
    wall_s: list[float] = field(default_factory=list)
    peak_mb: float = 0.0
    result: Any = None
    part_s: list[float] = field(default_factory=list)


def measure(comparison: Comparison) -> tuple[Times, Times]:
    """Time a comparison: ours, theirs.

    Raises:
        Missing: if something it needs is not there.
        RuntimeError: if either side fails.
    """
    with tree_of(comparison.peer.commit) as tree, _threads(comparison.threads):
        ours = _Side(comparison.ours, comparison, ROOT)
        theirs = _Side(comparison.peer.work, comparison, tree)
        try:
            if comparison.warm_up:
                ours.run()
                theirs.run()
            for turn in range(comparison.runs):
                for side in (ours, theirs) if turn % 2 == 0 else (theirs, ours):
                    side.run(counted=True)
            return ours.end(), theirs.end()
        finally:
            ours.kill()
            theirs.kill()


def ratio(ours: list[float], theirs: list[float]) -> float:
    """How many times our time is in theirs: the median over the turns, so that a busy minute slows both."""
    return statistics.median(b / max(a, 1e-9) for a, b in zip(ours, theirs, strict=True))


class _Side:
    """One side in its process."""

    def __init__(self, work: Work, comparison: Comparison, tree: Path) -> None:
        self._times = Times()
        context = multiprocessing.get_context("spawn")
        self._pipe, other = context.Pipe()
        pickled = pickle.dumps((work, comparison.given, comparison.part))
        self._process = context.Process(target=_serve, args=(other, pickled, str(tree)), daemon=False)
        self._process.start()
        other.close()

    def run(self, counted: bool = False) -> None:
        cpu_s, wall_s, part_s = self._ask("run")
        if counted:
            self._times.cpu_s.append(cpu_s)
            self._times.wall_s.append(wall_s)
            if part_s is not None:
                self._times.part_s.append(part_s)

    def end(self) -> Times:
        self._times.peak_mb, self._times.result = self._ask("end")
        self._process.join()
        return self._times

    def kill(self) -> None:
        self._process.kill()
        self._process.join()

    def _ask(self, what: str) -> Any:
        with suppress(BrokenPipeError):  # a side that failed has said why before it ended
            self._pipe.send(what)
        try:
            answer = self._pipe.recv()
        except EOFError:
            raise RuntimeError("its process ended early") from None
        if isinstance(answer, Exception):
            raise answer
        return answer


def _serve(pipe: Connection, pickled: bytes, tree: str) -> None:
    """Work as it is asked, in an empty folder, with the `mixprior` of a tree; `tools` is that of the working tree."""
    sys.path.insert(0, tree)
    os.environ["PYTHONPATH"] = tree
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        try:
            work, given, part = pickle.loads(pickled)
            value = given() if given else None
            forget_peak()
            result = None
            while pipe.recv() == "run":
                cpu_s, wall_s, result = _timed(work, value)
                pipe.send((cpu_s, wall_s, part(result) if part else None))
            children_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1000
            pipe.send((max(own_peak_mb(), children_mb, getattr(work, "peak_mb", 0.0)), result))
        except Missing as missing:
            pipe.send(missing)
        except Exception as error:  # whatever it is, the row fails and the others go on
            pipe.send(RuntimeError(f"{type(error).__name__}: {error}"))
        finally:
            os.chdir("/")


def _timed(work: Work, value: Any) -> tuple[float, float, Any]:
    whom = resource.RUSAGE_CHILDREN
    children = resource.getrusage(whom)
    cpu_s, wall_s = time.process_time(), time.perf_counter()
    result = work(value)
    wall_s = time.perf_counter() - wall_s
    # Who watches the memory of a command is not part of it.
    cpu_s = 0.0 if isinstance(work, Command) else time.process_time() - cpu_s
    now = resource.getrusage(whom)
    return cpu_s + now.ru_utime + now.ru_stime - children.ru_utime - children.ru_stime, wall_s, result


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """How many threads the libraries of processes that are started take."""
    kept = {name: os.environ.pop(name, None) for name in THREADS}
    if count:
        os.environ.update(dict.fromkeys(THREADS, str(count)))
    try:
        yield
    finally:
        for name, value in kept.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def tree_of(commit: str | None) -> Iterator[Path]:
    """The tree of a commit in a folder that is removed at the end; of None, the working tree."""
    if commit is None:
        yield ROOT
        return
    try:
        archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], capture_output=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        raise Missing(f"the history here has no commit {commit}") from None
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(folder, filter="data")
        yield Path(folder)

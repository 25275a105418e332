"""A child process as its parent sees it: started, given a job, read from, and killed when it is late."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import mixprior
from mixprior.pipeline.song import messages

_OURS = str(Path(mixprior.__file__).parents[1])
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


class Ended(Exception):
    """The child ended, or broke off, before it answered.

    Attributes:
        how: in words.
        was_late: whether it was killed because it exceeded its limit.
    """

    def __init__(self, how: str, was_late: bool = False) -> None:
        super().__init__(how)
        self.how, self.was_late = how, was_late


def interpreter(module: str, function: str = "main") -> list[str]:
    """Return the command that runs a function of a module of ours in another interpreter.

    Not `python -m`: that would look for the package in the user's folder first.
    """
    code = f"import sys; sys.path.insert(0, {_OURS!r}); from {module} import {function}; {function}()"
    return [sys.executable, "-c", code]


def environment() -> dict[str, str]:
    """Return the environment of a child: this one, but a child works on one core, unless the user says otherwise."""
    return {**dict.fromkeys(_THREADS, "1"), **os.environ}


class ChildProcess:
    """One child, or none yet. One thread talks to it; any thread may kill it.

    Args:
        descriptors: files that it inherits.
    """

    def __init__(self, *descriptors: int) -> None:
        self._descriptors = descriptors
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._deadline_s: float | None = None
        self._was_late = self._is_barred = False

    @property
    def is_ready(self) -> bool:
        """Whether it runs and takes jobs."""
        process = self._process
        return process is not None and not self._was_late and process.poll() is None

    def start(self, limit_s: float) -> None:
        """Start it, and wait until it takes jobs.

        Raises:
            Ended: if it ended instead, or the system has no room for it.
        """
        self.kill()
        debug = logging.getLogger().isEnabledFor(logging.DEBUG)
        with self._lock:
            if self._is_barred:
                raise Ended("it is not to be started")
            self._was_late = False
            try:
                self._process = subprocess.Popen(
                    interpreter("mixprior.pipeline.song.child"),
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=None if debug else subprocess.DEVNULL,
                    env=environment(),
                    pass_fds=self._descriptors,
                    start_new_session=True,  # a Ctrl-C in the terminal reaches the parent alone
                )
            except OSError as error:
                raise Ended(error.strerror or str(error)) from None
        self.allow(limit_s)
        self.read()
        self.allow(None)

    def give(self, job: bytes) -> None:
        """Send a job, pickled.

        Raises:
            Ended: if it is gone.
        """
        process = self._running()
        assert process.stdin is not None
        try:
            process.stdin.write(job)
            process.stdin.flush()
        except OSError:
            raise self._ended(process) from None

    def read(self) -> tuple[dict[str, Any], bytes]:
        """Wait for its next message.

        Raises:
            Ended: if it ends instead, or writes what is no message; it is gone then.
        """
        process = self._running()
        assert process.stdout is not None
        try:
            found = messages.read(process.stdout)
        except (messages.BrokenMessage, OSError, ValueError):
            found = None
        if found is None:
            raise self._ended(process)
        return found

    def allow(self, limit_s: float | None) -> None:
        """Let it be late so many seconds from now; never for None."""
        with self._lock:
            self._deadline_s = None if limit_s is None else time.monotonic() + limit_s

    def kill_if_late(self) -> None:
        """Kill it if its limit is exceeded."""
        if self._deadline_s is None:
            return
        with self._lock:
            if self._deadline_s is not None and time.monotonic() > self._deadline_s:
                self._was_late, self._deadline_s = True, None
                self._signal()

    def kill(self, for_ever: bool = False) -> None:
        """Kill it, if it runs, and bar it from being started again if that is for ever."""
        with self._lock:
            self._deadline_s = None
            self._is_barred |= for_ever
            self._signal()
        if not for_ever and self._process is not None:
            self._close(self._process)

    def _signal(self) -> None:
        """Kill what runs; under the lock."""
        process = self._process  # its own thread may close it meanwhile
        if process is not None and process.poll() is None:
            process.kill()

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise Ended("it was not started")
        return self._process

    def _ended(self, process: subprocess.Popen[bytes]) -> Ended:
        """Close the pipes of a child that ended, or that sent an invalid message."""
        self.allow(None)
        if process.poll() is None:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1.0)  # its pipe closes a moment before it ends
        how = "broke off its answer" if process.poll() is None else _how(process.returncode)
        with self._lock:
            self._signal()
        self._close(process)
        return Ended(how, self._was_late)

    def _close(self, process: subprocess.Popen[bytes]) -> None:
        process.wait()
        for stream in (process.stdin, process.stdout):
            with suppress(OSError):
                if stream is not None:
                    stream.close()
        self._process = None


def _how(returncode: int) -> str:
    if returncode == -signal.SIGKILL:
        return "killed, out of memory perhaps"
    if returncode < 0:
        return f"crashed in native code, {signal.Signals(-returncode).name}"
    return f"exit code {returncode}"

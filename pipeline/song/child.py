"""A child process of a pool: it takes jobs from standard input, one after the other, and answers on standard output.

A pool calls `main` in a fresh interpreter. Libraries are loaded by the first job that needs them, and stay.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import queue
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

from mixprior.pipeline.song import messages, trouble
from mixprior.pipeline.store.records import InputError, SongError

_MOST_LIKELY_KILLED = 800


def main() -> None:
    """Carry out jobs until standard input ends, which it does with the parent."""
    replies = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a native library prints must not get between the messages.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):  # of Linux: where memory runs out this process goes, not its parent
        Path("/proc/self/oom_score_adj").write_text(str(_MOST_LIKELY_KILLED))
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_take, args=(sys.stdin.buffer, jobs), daemon=True).start()
    messages.write(replies, {"reply": "ready"})
    while True:
        _carry_out(jobs.get(), replies)


def _take(stream: BinaryIO, jobs: queue.SimpleQueue[Any]) -> None:
    """Take jobs; leave the process at once when the parent is gone, whatever it is at."""
    try:
        while True:
            jobs.put(pickle.load(stream))  # nosec B301 # of its parent
    finally:
        os._exit(0)


def _carry_out(job: tuple[str, tuple[Any, ...], dict[str, str], str], replies: BinaryIO) -> None:
    target, arguments, environment, folder = job

    def entering(stage: str, duration_s: float | None = None) -> None:
        messages.write(replies, {"reply": "stage", "stage": stage, "duration_s": duration_s})

    try:
        if os.environ != environment:
            os.environ.clear()
            os.environ.update(environment)
        with contextlib.suppress(OSError):
            os.chdir(folder)
        function = called(target)
        messages.write(replies, {"reply": "begun"})
        facts, content = function(*arguments, entering)
    except SongError as error:
        _fail(replies, error, error.stage, error.kind, error.message)
    except InputError as error:
        messages.write(replies, {"reply": "refused", "message": str(error)})
    except Exception as error:
        _fail(replies, error, None, "Unexpected", f"unexpected {type(error).__name__}: {error}")
    else:
        messages.write(replies, {"reply": "done", "facts": facts}, content)


def _fail(replies: BinaryIO, error: Exception, stage: str | None, kind: str, message: str) -> None:
    reply = {"reply": "failed", "stage": stage, "kind": kind, "message": message, "trouble": trouble.kind_of(error)}
    messages.write(replies, reply)


def called(target: str) -> Callable[..., tuple[dict[str, Any], bytes]]:
    """Return the function that a job names, "module:function"."""
    module, _, name = target.partition(":")
    function: Callable[..., tuple[dict[str, Any], bytes]] = getattr(importlib.import_module(module), name)
    return function


def echo(text: str, _entering: Any) -> tuple[dict[str, Any], bytes]:
    """Give back a text: the smallest job there is."""
    return {"said": text}, b""

"""What a Dask worker process does with a bundle: its own pool mines, and what is reported goes to the command."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Sequence
from typing import Any

from distributed import Worker, get_worker

import mixprior
from mixprior.pipeline.graphs.dask_runner import run_bundle
from mixprior.pipeline.song import shared_pool
from mixprior.pipeline.store import files, progress
from mixprior.stats.schema import FEATURE_VERSION

TOPIC = "mixprior progress"
_ENDED = ("closing", "closed", "failed")
"""States of a worker whose results reach no scheduler."""

_lock = threading.Lock()
_bundles = 0
"""Bundles at work in this process: its pool is theirs."""


class Unwanted(Exception):
    """The command that wanted this bundle is gone, or no longer waits for it."""


class Reports:
    """Sends reports of the songs of a task to the command that waits for it.

    Args:
        worker: that carries out the task.
    """

    def __init__(self, worker: Worker) -> None:
        self.worker, self.key = worker, worker.get_current_task()

    def send(self, path: str, line: str) -> None:
        """Send a line for a progress file."""
        self.worker.log_event(TOPIC, [path, line])

    def tick(self) -> None:
        """Raise `Unwanted` where nobody waits for the task."""
        task = self.worker.state.tasks.get(self.key)
        if task is None or task.state == "cancelled" or self.worker.status.name in _ENDED:
            raise Unwanted(self.key)


def carry_out(*arguments: Any) -> list[Any]:
    """Do what `run_bundle` does, with as many children as the worker has threads."""
    global _bundles
    worker = get_worker()
    with _lock:
        _bundles += 1
    shared_pool.have(worker.state.nthreads)
    try:
        with progress.sent_by(Reports(worker)):
            return run_bundle(*arguments)
    finally:
        with _lock:
            _bundles -= 1
        if sys.exc_info()[0] is not None:
            release()


def release() -> None:
    """End the children of this worker, unless another command has songs mined by them."""
    with _lock:
        if not _bundles:
            shared_pool.close()


def facts(paths: Sequence[str]) -> dict[str, Any]:
    """Return what a command must know of this worker before it hands out work.

    Args:
        paths: files that this worker must find.

    Returns:
        `version`, of what it has of ours; `folder`, its working folder; `missing`, the paths that are not here.
    """
    version = f"{mixprior.__version__}, features {FEATURE_VERSION}"
    missing = [path for path in paths if not files.exists(path)]
    return {"version": version, "folder": os.getcwd(), "missing": missing}

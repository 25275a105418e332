"""A local process that runs a graph on worker processes, and reports to the one that started it.

Beam's runner leaves threads and servers behind when it is interrupted or a worker dies: here they end with the process.
"""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
import traceback
from collections.abc import Sequence

from apache_beam.portability import python_urns
from apache_beam.runners.portability import local_job_service
from apache_beam.runners.portability.fn_api_runner import worker_handlers

from mixprior.pipeline.graphs import runner, worker
from mixprior.pipeline.graphs.conveyed import original

_ends: queue.Queue[BaseException | None] = queue.Queue()
"""What ended the graph, the first thing first; None for its own end."""


class WatchedWorker(worker_handlers.SubprocessSdkWorkerHandler):
    """Beam's handler of a worker process, which reports its death: Beam would wait for its answer for ever."""

    def start_worker(self) -> None:
        """Start the process, and a thread that waits for its end."""
        self.worker = local_job_service.SubprocessSdkWorker(
            self._worker_command_line, self.control_address, self.provision_info, self.worker_id
        )
        self.worker_thread = threading.Thread(target=self._watch, daemon=True)
        self.worker_thread.start()

    def _watch(self) -> None:
        try:
            self.worker.run()
        except RuntimeError as error:  # its exit code is not 0
            _ends.put(runner.WorkerDied(str(error)))


def main() -> None:
    """Take a job from standard input, run it, and write (error, traceback) to standard output."""
    parent_pid, graph, beam_options, workers, debug = pickle.load(sys.stdin.buffer)  # nosec B301 # of its parent
    worker.end_with(parent_pid)
    result = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    os.environ[worker.PARENT_VARIABLE] = str(os.getpid())
    if debug:
        os.environ[worker.DEBUG_VARIABLE] = "1"
    worker_handlers.WorkerHandler.register_environment(python_urns.SUBPROCESS_SDK, bytes)(WatchedWorker)
    threading.Thread(target=_run, args=(graph, beam_options, workers), daemon=True).start()
    error = _ends.get()
    text = "" if error is None else "".join(traceback.format_exception(error))
    result.write(_pickled(error, text))
    result.flush()
    os._exit(0)  # not to wait for the threads of the runner


def _run(graph: runner.Graph, beam_options: Sequence[str], workers: int) -> None:
    try:
        runner.run_here(graph, beam_options, runner.worker_command(), workers)
        _ends.put(None)
    except Exception as error:
        _ends.put(original(error))
    except BaseException as error:
        _ends.put(error)


def _pickled(error: BaseException | None, text: str) -> bytes:
    try:
        content = pickle.dumps((error, text))
        pickle.loads(content)  # nosec B301 # its own, of the line above
    except Exception:  # an error that takes other arguments than it keeps
        return pickle.dumps((RuntimeError(f"{type(error).__name__}: {error}"), text))
    return content

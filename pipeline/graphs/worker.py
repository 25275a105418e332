"""A local worker process: Beam's own, which ends with its parent and keeps its log to itself.

The runner calls `main` in a fresh interpreter, with Beam's settings and ours in the environment.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

PARENT_VARIABLE = "MIXPRIOR_PARENT_PID"
DEBUG_VARIABLE = "MIXPRIOR_DEBUG"


def end_with(parent_pid: int) -> None:
    """Watch a process; leave this one within a second of its end.

    A parent that is killed cannot notify its workers, and Beam's would go on with the song at hand.
    """

    def watch() -> None:
        while _runs(parent_pid):
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A process that ended, but whose own parent has not asked for its exit code yet, still takes signals.
    stat = Path(f"/proc/{pid}/stat")
    return not (stat.exists() and stat.read_text().rpartition(")")[2].split()[0] == "Z")


def main() -> None:
    """Serve the runner until it has no more work."""
    end_with(int(os.environ[PARENT_VARIABLE]))
    if DEBUG_VARIABLE not in os.environ:
        # Beam's worker reports every channel that opens or breaks; whatever fails comes back through the runner.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stderr.fileno())
    from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)

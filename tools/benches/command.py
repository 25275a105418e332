"""Work that is a command, and the memory of a process with all that it started."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

INTERVAL_S = 0.5
"""Reading the memory of a large process takes tens of milliseconds."""


@dataclass
class Command:
    """A command as work: runs in the folder of its process, and fails if the command does.

    Attributes:
        arguments: what to run; "python" is this one. "{given}" becomes what `Comparison.given` returned, each of it
            where that is a list, "{fresh}" a name that no run before had.
        result: called after it, with what was given, for what is compared.
        peak_mb: greatest memory of it and its children together, of all runs by now.
        runs: how many there were.
    """

    arguments: tuple[str, ...]
    result: Callable[[Any], Any] | None = None
    peak_mb: float = field(default=0.0, init=False)
    runs: int = field(default=0, init=False)

    def __call__(self, given: Any) -> Any:
        self.runs += 1
        stands_for = {"{given}": given if isinstance(given, list) else [given], "{fresh}": [f"fresh-{self.runs}"]}
        arguments = [str(part) for each in self.arguments for part in stands_for.get(each, [each])]
        if arguments[0] == "python":
            arguments[0] = sys.executable
        with Path("output").open("wb") as output:
            process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT)
            watcher = Watcher(process.pid)
            code = process.wait()
        self.peak_mb = max(self.peak_mb, watcher.stop())
        if code:
            lines = Path("output").read_text(errors="replace").strip().splitlines()
            raise RuntimeError(f"{' '.join(arguments)} ended with {code}: {lines[-1] if lines else 'no output'}")
        return self.result(given) if self.result else None


class Watcher:
    """Samples the memory of a process and all that it starts, until it is stopped.

    Attributes:
        parent_mb: greatest memory of the process alone.
        children_mb: greatest memory of what it started, together.
    """

    def __init__(self, pid: int) -> None:
        self._pid, self._peak_mb = pid, 0.0
        self.parent_mb = self.children_mb = 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> float:
        """Return the greatest memory seen, in MB."""
        self._ended.set()
        self._thread.join()
        return self._peak_mb

    def _watch(self) -> None:
        while not self._ended.wait(INTERVAL_S):
            parent_mb, *children_mb = map(memory_mb, family(self._pid))
            self.parent_mb = max(self.parent_mb, parent_mb)
            self.children_mb = max(self.children_mb, sum(children_mb))
            self._peak_mb = max(self._peak_mb, parent_mb + sum(children_mb))


def family(pid: int) -> list[int]:
    """The process and all that descends from it."""
    children = [int(child) for task in Path(f"/proc/{pid}/task").glob("*/children") for child in _read(task).split()]
    return [pid, *(each for child in children for each in family(child))]


def memory_mb(pid: int) -> float:
    """Proportional set size: pages that processes share count once."""
    return _kilobytes(Path(f"/proc/{pid}/smaps_rollup"), "Pss:") / 1000


def forget_peak() -> None:
    """Let `own_peak_mb` begin anew, from what is resident now."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def own_peak_mb() -> float:
    """Greatest resident memory of this process since it began its program, or since `forget_peak`."""
    return _kilobytes(Path("/proc/self/status"), "VmHWM:") / 1000


def _kilobytes(path: Path, field: str) -> int:
    for line in _read(path).splitlines():
        if line.startswith(field):
            return int(line.split()[1])
    return 0


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""

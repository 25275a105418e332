"""Profiles measuring before and now by py-spy, and writes what it found: `python -m tools.benches profile`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tools import ROOT
from tools.benches import document, processor, song
from tools.benches.comparison import BEFORE
from tools.benches.timing import tree_of

RATE = 250
SONGS = 5
CPU_FILE = "cpu_s"
LISTED = 16
OURS = re.compile(r"([\w<>.]+) \((?:.*/)?(stats|pipeline)/([\w/]+)\.py:\d+\)$")


def counted(folder: Path) -> None:
    """What the profile is of: samples outside of it are left out."""
    start_s = time.process_time()
    for _ in range(SONGS):
        song.rows(folder)
    Path(CPU_FILE).write_text(str((time.process_time() - start_s) / SONGS))


def profile(tree: Path) -> dict[str, float]:
    """CPU seconds of a song by function: its share of the samples, which are of the clock, of what a song takes."""
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "raw.txt"
        # On a busy machine a process that is stopped for every sample would hardly go on.
        spy = ["py-spy", "record", "--nonblocking", "--rate", str(RATE), "--format", "raw", "--output", str(raw), "--"]
        environment = {**os.environ, "PYTHONPATH": str(tree), "OMP_NUM_THREADS": "1"}
        # `tools` is the working tree's, `mixprior` that of the tree.
        lines = (
            f"import sys; sys.path.insert(0, {str(ROOT)!r})",
            "from tools.benches import profile",
            "sys.path.pop(0)",
        )
        work = "; ".join([*lines, "profile.work()"])
        command = [*spy, sys.executable, "-c", work]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        samples: Counter[str] = Counter()
        for line in raw.read_text().splitlines():
            stack, _, count = line.rpartition(" ")
            frames = stack.split(";")
            if any(frame.startswith("counted ") for frame in frames):
                samples[_innermost(frames)] += int(count)
        cpu_s = float((Path(folder) / CPU_FILE).read_text())
        return {name: cpu_s * count / samples.total() for name, count in samples.items()}


def _innermost(frames: list[str]) -> str:
    for frame in reversed(frames):
        if match := OURS.match(frame):
            function, top, module = match.groups()
            return f"{top}/{module}.py, {function}"
    return "elsewhere"


def table(before: dict[str, float], now: dict[str, float]) -> str:
    """The functions that take most in either, then the sum of all."""
    largest = sorted(before | now, key=lambda name: -max(before.get(name, 0.0), now.get(name, 0.0)))[:LISTED]
    lines = [f"| function | commit {BEFORE}, s | now, s |", "|---|--:|--:|"]
    lines += [f"| {name} | {before.get(name, 0.0):.3f} | {now.get(name, 0.0):.3f} |" for name in largest]
    lines.append(f"| all, with what is not listed | {sum(before.values()):.2f} | {sum(now.values()):.2f} |")
    return "\n".join([*lines, "", f"Machine: {processor.description()}."])


def main() -> None:
    """Write the table."""
    with tree_of(BEFORE) as tree:
        before = profile(tree)
    written = table(before, profile(ROOT))
    print(written)
    document.replace("profile", written)


def work() -> None:
    """What the process does that is profiled."""
    folder = song.folder()
    song.rows(folder)  # loads libraries and compiles
    counted(folder)


if __name__ == "__main__":
    main()

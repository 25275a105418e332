"""Runs the quick tests with the lowest or the newest versions that setup.py admits.

python -m tools.dependencies.bounds lowest-direct|highest
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXTRAS = ("mine", "plot", "sql", "npm-weights")
TESTERS = ("filelock", "hypothesis", "nbclient", "nbformat", "ipykernel", "pytest", "pytest-timeout", "setuptools>=77")
LEFT_OUT = ("tests/test_packaging.py", "tests/mixing/evaluation")
"""Builds wheels, takes long: neither depends on versions of libraries."""


def main(resolution: str) -> int:
    """Make `.venv-RESOLUTION`, and test in it; return the exit code of the first step that fails."""
    folder = ROOT / f".venv-{resolution}"
    python, pinned = folder / "bin" / "python", folder / "requirements.txt"
    uv = [sys.executable, "-m", "uv"]
    extras = [word for extra in EXTRAS for word in ("--extra", extra)]
    resolve = ["pip", "compile", "setup.py", *extras, "--resolution", resolution, "--no-header", "--quiet"]
    tests = ["-m", "pytest", "-m", "not slow", *(f"--ignore={name}" for name in LEFT_OUT), "tests"]
    steps = [
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)],
        [*uv, *resolve, "--python", str(python), "--output-file", str(pinned)],
        [*uv, "pip", "install", "--quiet", "--python", str(python), "-r", str(pinned), *TESTERS],
        [str(python), *tests],
    ]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    codes = (subprocess.run(step, cwd=ROOT, env=environment).returncode for step in steps)
    return next((code for code in codes if code), 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))

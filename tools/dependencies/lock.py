"""Writes requirements.lock, what the image (Dockerfile) needs to mine on every engine: `make lock`.

The image is Linux with CPython 3.11. No index is written down: the one that pip is set to is asked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"
EXTRAS = ("mine", "dask", "aws", "gcp", "npm-weights")


def main() -> int:
    """Resolve the newest versions within the bounds of setup.py."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "setup.py", "--generate-hashes"]
    command += [word for extra in EXTRAS for word in ("--extra", extra)]
    command += [
        "--python-version",
        PYTHON,
        "--python-platform",
        PLATFORM,
        "--no-emit-index-url",
        "--no-emit-find-links",
    ]
    command += ["--no-header", "--no-annotate", "--upgrade", "--quiet", "--output-file", str(LOCK)]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL).returncode


if __name__ == "__main__":
    sys.exit(main())

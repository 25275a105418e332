"""Writes requirements.lock, what an image needs to mine: `make lock`.

The image is Linux with CPython 3.11. Install there by `pip install --require-hashes -r requirements.lock`, then the
package itself by `pip install --no-deps .`. No index is written down: the one that pip is set to is asked.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
PYTHON, PLATFORM = "3.11", "x86_64-manylinux_2_28"


def main() -> int:
    """Resolve the newest versions within the bounds of setup.py."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "setup.py", "--extra", "mine", "--generate-hashes"]
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

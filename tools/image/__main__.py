"""`python -m tools.image [cpu|cuda]`: build the image, change a file and build it again, and keep sizes and times."""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from tools import ROOT
from tools.evidence.__main__ import main as write
from tools.image import buildah, rows

CHANGED = {"code": "pipeline/mine.py", "measures": "stats/schema.py"}
"""A file of the last layer, and one of the layer that measures are compiled in."""


def main() -> int:
    """Build, change, build; write the table."""
    parser = argparse.ArgumentParser(prog="python -m tools.image")
    parser.add_argument("device", nargs="?", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--remove", action="store_true", help="remove the images and their layers in the end")
    args = parser.parse_args()
    device = args.device
    with tempfile.TemporaryDirectory() as folder:
        checkout = copy_of_the_checkout(Path(folder))
        buildah.build(checkout, device)
        took_s = {what: rebuilt_s(checkout, name, device) for what, name in CHANGED.items()}
    rows.keep(rows.Row(device, buildah.size(), round(took_s["code"]), round(took_s["measures"])))
    if args.remove:
        buildah.remove()
    return write(["image"])


def rebuilt_s(checkout: Path, name: str, device: str) -> float:
    """Seconds that a build takes after a change of a file."""
    with (checkout / name).open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    return buildah.build(checkout, device)


def copy_of_the_checkout(folder: Path) -> Path:
    """Copy what git knows of, links kept."""
    command = ["git", "ls-files", "-co", "--exclude-standard"]
    for name in subprocess.check_output(command, cwd=ROOT, text=True).splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, folder / name, follow_symlinks=False)
    return folder


if __name__ == "__main__":
    sys.exit(main())

"""The picture of a report in the README: `python -m tools.docs.report_picture RUN docs/report.png` (needs Chromium)."""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from mixprior.analysis.report.page import report

WIDTH, HEIGHT = 1120, 888
SCALE = 1.5
COLOURS = 64
BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def draw(run: str, picture: str) -> None:
    """Write the top of a run's report as a PNG of few colours."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit(f"none of {', '.join(BROWSERS)} is on PATH")
    with tempfile.TemporaryDirectory() as folder:
        page, shot = Path(folder, "report.html"), Path(folder, "shot.png")
        page.write_text(report(run), "utf-8")
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={folder}/user"]
        size = [f"--window-size={WIDTH},{HEIGHT}", f"--force-device-scale-factor={SCALE}"]
        subprocess.run([browser, *options, *size, f"--screenshot={shot}", page.as_uri()], check=True, timeout=120)
        with Image.open(shot) as image:
            image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    draw(*sys.argv[1:])

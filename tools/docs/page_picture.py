"""Pictures of pages in the documents (needs Chromium).

    python -m tools.docs.page_picture report RUN docs/report.png
    python -m tools.docs.page_picture mix docs/mix_page.png

The mix is one of a generated song; its sliders are moved, as a listener would.
"""

import contextlib
import io
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from mixprior import main
from mixprior.analysis.report.page import report
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.pipeline.audio import writer
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tools import chromium

SCALE = 1.5
COLOURS = 128
DURATION_S = 60.0
REPORT_SIZE, MIX_SIZE = (1120, 888), (1120, 800)
MIX_SHOWN = "READY.then(() => { seek(21.4); adjust({ vocals_db: 1.5 }); })"
READY = "new Promise((done) => { const look = () => player.buffers ? done() : setTimeout(look, 20); look(); })"


def draw(page: Path, size: tuple[int, int], picture: str, script: str = "0") -> None:
    """Write the top of a page as a PNG of few colours."""
    if chromium.BROWSER is None:
        sys.exit("there is no Chromium on PATH")
    with chromium.page() as browser:
        browser.open(page, *size, scale=SCALE)
        browser.evaluate(script)
        browser.picture(page.with_suffix(".png"))
    with Image.open(page.with_suffix(".png")) as image:
        image.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


def page_of_a_mix(folder: Path) -> Path:
    """Mix a generated song whose vocals are too quiet."""
    stems = perform(replace(SCORES[0], duration_s=DURATION_S))
    vocals = stems.pop(VOCALS)
    sounds = {VOCALS: 0.5 * vocals, BACKING: np.sum(list(stems.values()), axis=0)}
    for name, audio in sounds.items():
        writer.write(folder / f"{name}.wav", audio.astype(np.float32), RATE_HZ, ".wav")
    files = ["--vocal", folder / f"{VOCALS}.wav", "--backing", folder / f"{BACKING}.wav", "-o", folder / "Amber.wav"]
    with contextlib.redirect_stdout(io.StringIO()):
        main(["mix", *map(str, files), "--page", str(folder / "Amber.html")])
    return folder / "Amber.html"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made:
        match sys.argv[1:]:
            case "report", run, path:
                shown = Path(made, "report.html")
                shown.write_text(report(run), "utf-8")
                draw(shown, REPORT_SIZE, path)
            case "mix", path:
                draw(page_of_a_mix(Path(made)), MIX_SIZE, path, MIX_SHOWN.replace("READY", READY))
            case _:
                sys.exit(__doc__)

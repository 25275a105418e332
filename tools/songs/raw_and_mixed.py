"""What people change of raw classes: `python -m tools.songs.raw_and_mixed FOLDER`, of what `human_mixes` renders.

Writes tools/evidence/rows/raw_and_mixed.csv: for each class of each project the root mean square over third octaves of
the change of its spectrum, levels made alike, and its mid energy fraction raw and mixed.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import numpy as np

from mixprior.pipeline.audio import audio_file
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.measures.spectrum import third_octave_db
from mixprior.stats.sound import Sound

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "raw_and_mixed.csv"
COLUMNS = ("project", "class", "third_octave_db", "mid_raw", "mid_mixed")
HEARD_DB = 40.0
"""Bands further below the loudest one are left out."""


def change_db(raw: Sound, mixed: Sound) -> float:
    """Root mean square over third octaves of how the spectrum changes, but for its level."""
    before_db, after_db = (third_octave_db(each.spectra.power) for each in (raw, mixed))
    highest_db = np.fmax(before_db, after_db)
    change = (after_db - before_db)[highest_db > np.nanmax(highest_db) - HEARD_DB]
    change = change[np.isfinite(change)]
    return float(change.std())


def main(folder: str) -> None:
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for path in sorted(Path(folder).glob("*.raw.wav")):
            project, of, _, _ = path.name.rsplit(".", 3)
            raw, mixed = (
                audio_file.read(path.with_name(f"{project}.{of}.{each}.wav")).sound for each in ("raw", "mixed")
            )
            if raw.silent or mixed.silent:
                continue
            widths = (mid_energy_fraction(*sound.energies) for sound in (raw, mixed))
            writer.writerow([project, of, *(f"{number:.3f}" for number in (change_db(raw, mixed), *widths))])


if __name__ == "__main__":
    main(sys.argv[1])

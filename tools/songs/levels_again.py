"""Levels of classes mixed again: `python -m tools.songs.levels_again FOLDER`, of what `human_mixes` renders.

Writes tools/evidence/rows/levels_again.csv: for each project and aim how far the levels of its classes are from its
human mix in the mean, after the level step on the raw classes, and on the human mix itself.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from mixprior.mixing.plan.class_levels import set_levels
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.targets import Targets
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound
from tools.songs.human_mixes import CLASSES, USED
from tools.songs.raw_levels import artists, levels_lu

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "levels_again.csv"
COLUMNS = ("project", "artist", "aim", "raw_lu", "mixed_lu")
AIMS = {
    "without the step": Options(trust=0.0),
    "posterior, as shipped": Options(),
    "posterior, `--trust 0.75`": Options(trust=0.75),
    "dead band at the quartiles": Options(aim="quartiles"),
    "median of the songs": Options(aim="centre"),
}


def main(folder: str) -> None:
    targets, artist_of = Targets.of(), artists()
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for project in USED:
            name = Path(project.path).stem
            raw, mixed = (_classes(Path(folder), name, version) for version in ("raw", "mixed"))
            if len(raw) < 2 or set(raw) != set(mixed):
                continue
            human = levels_lu(mixed)
            for aim, options in AIMS.items():
                found = [_distance_lu(sounds, human, targets, options) for sounds in (raw, mixed)]
                writer.writerow([name, artist_of[project.path], aim, *(f"{each:.2f}" for each in found)])


def _distance_lu(sounds: Mapping[str, Sound], human: Mapping[str, float], targets: Targets, options: Options) -> float:
    gains_db, _ = set_levels(sounds, targets, options)
    reached = levels_lu({name: sound.gained(gains_db[name]) for name, sound in sounds.items()})
    return float(np.mean([abs(reached[name] - human[name]) for name in human]))


def _classes(folder: Path, project: str, version: str) -> dict[str, Sound]:
    paths = {name: folder / f"{project}.{name}.{version}.wav" for name in CLASSES}
    sounds = {name: audio_file.read(path).sound for name, path in paths.items() if path.exists()}
    return {name: sound for name, sound in sounds.items() if not sound.silent}


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Levels of raw and mixed classes: `python -m tools.songs.raw_levels FOLDER`, of what `human_mixes` renders.

Writes tools/evidence/rows/raw_levels.csv: for each class of each project its loudness against the sum of all classes,
raw and mixed. Projects of which a class is silent in one of the two, or more than 30 LU below, go without it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Mapping
from pathlib import Path

from mixprior.mixing.effects.chain import Total
from mixprior.mixing.plan.class_levels import ABSENT_LU
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound
from tools.songs.human_mixes import CLASSES, USED
from tools.songs.lmms_classes import PROJECTS

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "raw_levels.csv"
COLUMNS = ("project", "artist", "class", "raw_lu", "mixed_lu")
ROLES = Path(__file__).parents[1] / "data_roles.csv"


def levels_lu(sounds: Mapping[str, Sound]) -> dict[str, float]:
    """Integrated loudness of each class minus that of their sum; those that are silent are left out."""
    total = Total()
    for sound in sounds.values():
        total.add(sound)
    whole = total.sound().integrated_lufs
    found = {name: sound.integrated_lufs for name, sound in sounds.items()}
    return {name: lufs - whole for name, lufs in found.items() if lufs is not None and whole is not None}


def artists() -> dict[str, str]:
    """Artist of each project, by its path."""
    with ROLES.open(newline="", encoding="utf-8") as file:
        return {row["path"]: row["artist"] for row in csv.DictReader(file) if row["collection"] == "lmms-common"}


def main(folder: str) -> None:
    with ROWS.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        for project in USED:
            (path,) = (each for each in PROJECTS.rglob(Path(project.path).name))
            versions = [_levels(Path(folder), path.stem, version) for version in ("raw", "mixed")]
            for name in CLASSES:
                found = [levels.get(name) for levels in versions]
                if len(versions[0]) > 1 and all(level is not None and level > ABSENT_LU for level in found):
                    artist = artists()[project.path]
                    writer.writerow([path.stem, artist, name, *(f"{level:.2f}" for level in found)])


def _levels(folder: Path, project: str, version: str) -> dict[str, float]:
    paths = {name: folder / f"{project}.{name}.{version}.wav" for name in CLASSES}
    return levels_lu({name: audio_file.read(path).sound for name, path in paths.items() if path.exists()})


if __name__ == "__main__":
    main(sys.argv[1])

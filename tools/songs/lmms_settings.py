"""LMMS projects taken apart: `python -m tools.songs.lmms_settings FOLDER PROJECT...`, PROJECT as "Skiessi-C64".

Volumes and pans are the author's, of every instrument; effects, mixer channels, automation and the master's volume are
out of both the tracks and the mix. Of each project the 20 s in which most tracks play are rendered into FOLDER, once.
A row a track is appended to `tools/evidence/rows/reverse_lmms.csv`: what the file says and what was found. FOLDER/
PROJECT/found.json is the recipe, as `mixprior reverse` writes it.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import soundfile

from mixprior.learning.reverse.arrays import reverse
from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.taking import Found
from mixprior.mixing.mix import recipe
from mixprior.stats.sound import Sound
from tools.songs import kept_rows
from tools.songs.human_mixes import USED, Project, cut, read
from tools.songs.lmms_classes import PROJECTS

ROWS = Path(__file__).parents[1] / "evidence" / "rows" / "reverse_lmms.csv"
FIELDS = ("project", "track", "figure", "level_db", "truth", "found", "half_width", "residual_db")
_LOUDEST = 100.0
_KINDS = ("instrumenttrack", "sampletrack")


@dataclass(frozen=True)
class Setting:
    """Volume and pan of an instrument.

    Attributes:
        volume: in percent.
        pan: from -100, left, to 100.
    """

    volume: float
    pan: float

    @property
    def figures(self) -> dict[str, float]:
        """Gain and position by the law of constant power: LMMS lowers the other side, in a straight line.

        >>> Setting(100.0, 0.0).figures
        {'gain_db': 0.0, 'pan': 0.5}
        """
        sides = self.volume / 100 * np.array([1 - max(self.pan, 0) / 100, 1 + min(self.pan, 0) / 100])
        gain_db = 20 * float(np.log10(max(float(np.hypot(*sides)) / 2**0.5, 1e-6)))
        return {"gain_db": round(gain_db, 6) + 0.0, "pan": float(np.arctan2(sides[1], sides[0]) * 2 / np.pi)}


def _instruments(root: ElementTree.Element) -> Iterator[tuple[ElementTree.Element, ElementTree.Element]]:
    """Tracks that sound, with what holds their volume and pan."""
    for track in root.iter("track"):
        for own in track:
            if own.tag in _KINDS:
                yield track, own


def _plain(root: ElementTree.Element) -> dict[str, Setting]:
    """Take all but volumes and pans out, and name the tracks by number, in place; the settings by name."""
    for chain in root.iter("fxchain"):
        chain.set("enabled", "0")
    found = {}
    for number, (track, own) in enumerate(_instruments(root)):
        for child in [child for child in own if child.tag in ("vol", "pan", "fxch", "connection")]:
            if child.tag in ("vol", "pan") and child.get("value") is not None:
                own.set(child.tag, child.get("value", ""))
            own.remove(child)
        own.set("fxch", "0")
        name = f"t{number:02d}"
        track.set("name", name)
        found[name] = Setting(float(own.get("vol", "100")), float(own.get("pan", "0")))
    return found


def rendered(project: Project, folder: Path) -> dict[str, Setting]:
    """Render the mix and its raw tracks, unless they are there; the settings of the tracks."""
    root = read(PROJECTS / project.path)
    cut(root, project, None, "mixed")
    settings = _plain(root)
    folder.mkdir(parents=True, exist_ok=True)
    mix, tracks = folder / "mix.wav", folder / "tracks"
    if not mix.exists():
        _lmms("render", root, mix)
    if not tracks.exists():
        tracks.mkdir()
        for _, own in _instruments(root):
            own.attrib.update({"vol": "100", "pan": "0"})
        _lmms("rendertracks", root, tracks)
    return settings


def _lmms(action: str, root: ElementTree.Element, out: Path) -> None:
    given = out.parent / f"{action}.mmp"
    given.write_bytes(b'<?xml version="1.0"?>\n<!DOCTYPE lmms-project>\n' + ElementTree.tostring(root))
    command = ["lmms", "--allowroot", action, str(given), "-f", "wav", "-s", "44100", "-a", "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})


def taken(folder: Path) -> Found:
    """Take apart what was rendered, and write the recipe."""
    sounds = {path.stem.split("_")[-1]: _sound(path) for path in sorted((folder / "tracks").iterdir())}
    heard = {name: sound for name, sound in sounds.items() if np.square(sound.audio).mean() > 1e-10}
    mix = _sound(folder / "mix.wav")
    made = reverse({name: sound.audio for name, sound in heard.items()}, mix.audio, mix.rate_hz)
    (folder / "found.json").write_text(recipe.dump(made.recipe), encoding="utf-8")
    return made.found


def _sound(path: Path) -> Sound:
    """A rendered file; without the few samples near the start that LMMS leaves as they were in memory."""
    audio, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    return Sound(np.ascontiguousarray(np.where(np.abs(audio) < _LOUDEST, audio, 0.0).T, np.float32), rate_hz)


def main(folder: str, *names: str) -> None:
    """Append rows of projects that are not there yet."""
    done = set()
    if ROWS.exists():
        with ROWS.open(newline="", encoding="utf-8") as file:
            done = {row["project"] for row in csv.DictReader(file)}
    for project in USED:
        name = Path(project.path).stem
        if name in done or (names and name not in names):
            continue
        settings = rendered(project, Path(folder) / name)
        _append(list(_rows(name, settings, taken(Path(folder) / name))))


def _rows(name: str, settings: dict[str, Setting], found: Found) -> Iterator[dict[str, object]]:
    for track, known in found.tracks.items():
        figures: dict[str, Figure | None] = {"gain_db": known.gain_db, "pan": known.pan}
        for figure, truth in settings[track].figures.items():
            each = figures[figure]
            yield {
                "project": name,
                "track": track,
                "figure": figure,
                "level_db": "" if known.level_db is None else f"{known.level_db:.1f}",
                "truth": f"{truth:.4f}",
                "found": "" if each is None else f"{each.value:.4f}",
                "half_width": "" if each is None else f"{each.half_width:.4f}",
                "residual_db": f"{found.residual.db:.1f}",
            }


def _append(made: list[dict[str, object]]) -> None:
    kept_rows.add(ROWS, FIELDS, ([row.get(field, "") for field in FIELDS] for row in made))


if __name__ == "__main__":
    main(*sys.argv[1:])

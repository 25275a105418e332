"""Render LMMS projects of Debian's `lmms-common` by class of instrument: `python -m tools.songs.lmms_classes FOLDER`.

Only tracks whose names are of the class stay unmuted, and only the first 50 s of a project are rendered. Writes
PROJECT.drums.wav, PROJECT.bass.wav and PROJECT.other.wav, as far as a project has tracks of the class.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from xml.etree import ElementTree

PROJECTS = Path("/usr/share/lmms/projects")
NAMED = (
    "shorties/Crunk(Demo)",
    "shorties/DirtyLove",
    "shorties/Skiessi-222",
    "shorties/Surrender-Main",
    "demos/Alf42red-Mauiwowi",
    "demos/CapDan/CapDan-ReggaeTry",
    "demos/CapDan/CapDan-ReggaetonTry",
    "demos/CapDan/CapDan-TwilightArea-OriginalByAlf42red",
    "demos/EsoXLB-CPU",
    "demos/Impulslogik-Zen",
    "demos/Settel-InnerRecreation",
    "demos/Skiessi/Skiessi-C64",
    "demos/Skiessi/Skiessi-Onion",
    "demos/Thomasso-AxeFromThe80s",
)
"""Projects whose drums are known by the names of their tracks."""
CLASSES = (
    ("drums", r"bassdrum|sidechain"),
    ("bass", r"bass|\bsub"),
    (
        "drums",
        r"drum|kick|kik|kix|snare|snarre|snr|hat|\bhh|clap|crash|ride|tom_|tom\b|shaker|bd/|perc|beat(?!/bass)|break|"
        r"wood|rim|s_8bit|k_8bit|dklick|hit01",
    ),
    ("other", r""),
)
LONGEST_S = 50.0
_TICKS_PER_BEAT = 48
_CLIPS = ("pattern", "bbtco", "sampletco", "automationpattern")
_UNHEARD = ("5", "6")  # automation


def class_of(track: str) -> str:
    """Class of a track by its name; the first pattern found counts.

    >>> class_of("Bass Slap 02"), class_of("bassdrum03.ogg"), class_of("Strings (low)")
    ('bass', 'drums', 'other')
    """
    return next(name for name, pattern in CLASSES if re.search(pattern, track.lower()))


def with_class(project: ElementTree.Element, wanted: str) -> int:
    """Mute all tracks of other classes, and cut the project, in place; return how many tracks are left."""
    beats_per_minute = float(project.findall("head")[0].get("bpm", "140"))
    last = LONGEST_S * beats_per_minute / 60 * _TICKS_PER_BEAT
    left = 0
    for track in project.findall("song/trackcontainer/track"):
        if track.get("type") not in _UNHEARD:
            if class_of(track.get("name", "")) != wanted:
                track.set("muted", "1")
            left += track.get("muted") != "1"
    for track in project.iter("track"):
        for clip in [clip for clip in track if clip.tag in _CLIPS]:
            start, length = float(clip.get("pos", 0)), float(clip.get("len", 0))
            if start > last:
                track.remove(clip)
            elif start + length > last:
                clip.set("len", str(int(last - start)))
    return left


def render(path: Path, wanted: str, out: Path) -> None:
    """Render one class of a project, unless it has no such tracks."""
    content = path.read_bytes()
    project = ElementTree.fromstring(zlib.decompress(content[4:]) if path.suffix == ".mmpz" else content)
    if with_class(project, wanted):
        changed = out.with_suffix(".mmp")
        changed.write_bytes(b'<?xml version="1.0"?>\n<!DOCTYPE lmms-project>\n' + ElementTree.tostring(project))
        command = ["lmms", "--allowroot", "render", str(changed), "-f", "wav", "-s", "44100", "-o", str(out)]
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
        subprocess.run(command, env=environment, check=True, capture_output=True)
        changed.unlink()


def main(folder: str) -> None:
    for name in NAMED:
        (path,) = PROJECTS.glob(f"{name}.mmp*")
        for wanted in ("drums", "bass", "other"):
            out = Path(folder) / f"{path.stem}.{wanted}.wav"
            if not out.exists():
                render(path, wanted, out)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Render LMMS projects by class of instrument, raw and as mixed by people: `python -m tools.songs.human_mixes FOLDER`.

Raw: every track at volume 100, in the centre, without effects, straight to the master. Mixed: with the author's
volumes, pans, mixer channels and effects. Automation and the master's effects are out of both, so that classes add up.
Of each project the 20 s in which most tracks play are rendered. Writes PROJECT.CLASS.raw.wav and
PROJECT.CLASS.mixed.wav.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from tools.songs.lmms_classes import PROJECTS, class_of

CLASSES = ("drums", "bass", "other")
SECONDS = 20.0
VERSIONS = ("raw", "mixed")
_TICKS_PER_BEAT = 48
_PLAYED = ("0", "1", "2")  # instrument, pattern, sample
_CLIPS = ("pattern", "bbtco", "sampletco")


class Project(NamedTuple):
    """A project, and names of tracks whose class their name does not tell."""

    path: str
    drums: str = r"$^"
    bass: str = r"$^"


USED = (
    Project("shorties/Crunk(Demo).mmp"),
    Project("shorties/DirtyLove.mmpz"),
    Project("shorties/Surrender-Main.mmpz", drums=r"^Loop$"),
    Project("demos/Thomasso-AxeFromThe80s.mmpz"),
    Project("demos/Settel-InnerRecreation.mmpz"),
    Project("demos/CapDan/CapDan-ReggaeTry.mmpz"),
    Project("demos/EsoXLB-CPU.mmpz", bass=r"LB 302"),
    Project("demos/Momo64-esp.mmpz"),
    Project("demos/Alf42red-Mauiwowi.mmpz"),
    Project("shorties/Skiessi-222.mmpz"),
    Project("demos/Impulslogik-Zen.mmpz"),
    Project("demos/Socceroos-Progress.mmpz"),
    Project("demos/Saber-FinalStep.mmpz", drums=r"^Beat/Bassline"),
    Project("shorties/Greshz-CoolSnip.mmpz"),
    Project("demos/CapDan/CapDan-ReggaetonTry.mmpz"),
    Project("demos/Skiessi/Skiessi-C64.mmpz", drums=r"_hh\.ds"),
    Project("demos/Skiessi/Skiessi-Onion.mmpz", drums=r"_hh\.ds|lighthat"),
    Project("demos/Jousboxx-BuzzerBeater.mmpz"),
)
"""One project an artist first."""


def role(project: Project, track: str) -> str:
    """Class of a track by its name.

    >>> role(USED[6], "LB 302"), role(USED[6], "Ride")
    ('bass', 'drums')
    """
    if re.search(project.drums, track):
        return "drums"
    return "bass" if re.search(project.bass, track) else class_of(track)


def read(path: Path) -> ElementTree.Element:
    """The project's XML."""
    content = path.read_bytes()
    return ElementTree.fromstring(zlib.decompress(content[4:]) if path.suffix == ".mmpz" else content)


def cut(root: ElementTree.Element, project: Project, wanted: str | None, version: str) -> bool:
    """Keep a class, or all of them, of 20 s, raw or mixed, in place; tell whether any of it is left."""
    head, tracks = root.find("head"), root.find("song/trackcontainer")
    assert head is not None, f"{project.path} has no head"
    assert tracks is not None, f"{project.path} has no tracks"
    ticks = _TICKS_PER_BEAT * float(_number(head, "bpm")) / 60
    for track in list(tracks):
        if track.get("type") not in _PLAYED:
            tracks.remove(track)
    start, end = _busiest(tracks, round(SECONDS * ticks))
    left = 0
    for track in tracks:
        other = wanted is not None and role(project, track.get("name", "")) != wanted
        silent = track.get("muted") == "1" or other
        track.set("muted", "1" if silent else "0")
        for clip in [clip for clip in track if clip.tag in _CLIPS]:
            position, length = _place(clip)
            first, last = max(position, start), min(position + length, end)
            if first >= last:
                track.remove(clip)
                continue
            clip.attrib.update({"pos": str(first - start), "len": str(last - first)})
            left += not silent
    for child in head.findall("mastervol"):
        head.remove(child)
    head.attrib.update({"mastervol": "40", "masterpitch": "0"})
    for chain in root.iterfind(".//fxchannel[@num='0']/fxchain"):
        chain.set("enabled", "0")
    if version == "raw":
        _undo(root)
    return left > 0


def _undo(root: ElementTree.Element) -> None:
    """Take volumes, pans, mixer channels and effects out, in place."""
    for chain in root.iter("fxchain"):
        chain.set("enabled", "0")
    for kind in ("instrumenttrack", "sampletrack"):
        for track in root.iter(kind):
            for child in [child for child in track if child.tag in ("vol", "pan", "fxch", "connection")]:
                track.remove(child)
            track.attrib.update({"vol": "100", "pan": "0", "fxch": "0"})


def _number(head: ElementTree.Element, name: str) -> str:
    child = head.find(name)
    return head.get(name, "140") if child is None else child.get("value", "140")


def _place(clip: ElementTree.Element) -> tuple[int, int]:
    return int(clip.get("pos", 0)), int(clip.get("len", 4 * _TICKS_PER_BEAT))


def _busiest(tracks: ElementTree.Element, length: int) -> tuple[int, int]:
    """The window in which most of the time of most tracks is filled; by beats, the first of equals."""
    heard = [track for track in tracks if track.get("muted") != "1"]
    clips = [_place(clip) for track in heard for clip in track if clip.tag in _CLIPS]
    last = max(position + long for position, long in clips)
    starts = range(0, max(last - length, 0) + 1, _TICKS_PER_BEAT)

    def filled(start: int) -> int:
        return sum(max(min(position + long, start + length) - max(position, start), 0) for position, long in clips)

    start = max(starts, key=filled)
    return start, start + length


def render(project: Project, wanted: str, version: str, out: Path) -> None:
    """Render one class, unless nothing of it plays."""
    root = read(PROJECTS / project.path)
    if not cut(root, project, wanted, version):
        return
    changed = out.with_suffix(".mmp")
    changed.write_bytes(b'<?xml version="1.0"?>\n<!DOCTYPE lmms-project>\n' + ElementTree.tostring(root))
    command = ["lmms", "--allowroot", "render", str(changed), "-f", "wav", "-s", "44100", "-a", "-o", str(out)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    changed.unlink()


def main(folder: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for project in USED:
        for wanted in CLASSES:
            for version in VERSIONS:
                out = Path(folder) / f"{Path(project.path).stem}.{wanted}.{version}.wav"
                if not out.exists():
                    render(project, wanted, version, out)


if __name__ == "__main__":
    main(*sys.argv[1:])

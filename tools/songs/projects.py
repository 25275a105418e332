"""Renders excerpts of LMMS's own projects as drums, bass and other: songs without vocals whose stems are known.

The projects are of Debian's `lmms-common`, free software and CC BY-SA by seven authors: instruments that are
synthesised, and no voice. Effects on the master are taken out, so that the stems add up to the mixture.
"""

from __future__ import annotations

import os
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import soundfile

from mixprior.mixing.evaluation.material import Stems
from mixprior.pipeline.audio.decode import decode

PROJECTS = Path("/usr/share/lmms/projects")
_TICKS_PER_BEAT = 48
_INSTRUMENT, _PATTERNS, _SAMPLES = "0", "1", "2"
_CLIPS = ("pattern", "bbtco", "sampletco")


class Project(NamedTuple):
    """A project, where its excerpt starts, and the names of its tracks of bass and drums; the others are other."""

    path: str
    start_s: float
    bass: tuple[str, ...]
    drums: tuple[str, ...]


USED = (
    Project(
        "demos/EsoXLB-CPU.mmpz",
        150,
        ("Bass", "LB 302"),
        ("Bassdrum", "Shaker", "Ride", "Closed Hihat", "Clap", "Crash", "Snarre", "Snarre roll 01", "Snarre roll 02"),
    ),
    Project(
        "demos/Settel-InnerRecreation.mmpz",
        110,
        ("Bass",),
        ("BD/SN 1", "HH/Perc 1", "HH/Perc 2", "BD/SN 2", "HH 3", "BD/SN 2 Fill-In"),
    ),
    Project("shorties/DirtyLove.mmpz", 33, ("Bass",), ("Beat #1", "Break Intro", "Break", "crash02.ogg")),
    Project("shorties/Surrender-Main.mmpz", 0, ("Bass",), ("Kick", "Loop")),
    Project("shorties/Crunk(Demo).mmp", 0, ("Bass",), ("Drum",)),
    Project(
        "demos/Momo64-esp.mmpz",
        195,
        ("analogue bass", "bass3 analog"),
        (
            *("kick_hiphop01.ogg", "Fisa_Snare.ds", "Snare.ds", "TR606_Tom_H.ds", "TR606_Tom_L.ds"),
            *("Hat_c.ds", "Hat_o.ds", "crash01.ogg"),
        ),
    ),
    Project(
        "demos/Thomasso-AxeFromThe80s.mmpz",
        150,
        ("bassslap01.ogg",),
        (
            *("tom_low01.ogg", "tom_mid01.ogg", "tom_hi01.ogg", "snare_acoustic01.ogg", "kick_hard01.ogg"),
            *("hihat_closed01.ogg", "hihat_opened01.ogg"),
        ),
    ),
)


def songs(folder: Path, seconds: float) -> Iterator[tuple[str, Stems]]:
    """Yield name and stems of each project's excerpt: float32, (2, samples).

    Args:
        folder: keeps what is rendered.
        seconds: length of an excerpt.
    """
    for project in USED:
        name = Path(project.path).stem
        files = {stem: folder / f"{name} {stem}.wav" for stem in ("drums", "bass", "other")}
        for stem, file in files.items():
            if not file.exists():
                _render(project, stem, seconds, file)
        samples = {stem: round(seconds * soundfile.info(file).samplerate) for stem, file in files.items()}
        sounds = {stem: decode(str(file))[:, : samples[stem]] for stem, file in files.items()}
        length = min(sound.shape[1] for sound in sounds.values())
        yield name, {stem: sound[:, :length] for stem, sound in sounds.items()}


def _render(project: Project, stem: str, seconds: float, file: Path) -> None:
    path = PROJECTS / project.path
    content = path.read_bytes()
    root = ElementTree.fromstring(zlib.decompress(content[4:]) if path.suffix == ".mmpz" else content)
    _keep(root, project, stem, seconds)
    file.parent.mkdir(parents=True, exist_ok=True)
    cut = file.with_suffix(".mmp")
    cut.write_bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))
    command = ["lmms", "--allowroot", "render", str(cut), "-f", "wav", "-s", "44100", "-a", "-o", str(file)]
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, "QT_QPA_PLATFORM": "offscreen"})
    cut.unlink()


def _keep(root: ElementTree.Element, project: Project, stem: str, seconds: float) -> None:
    """Mute what is not of the stem, cut clips to the excerpt, and take out automation and the master's effects."""
    head, tracks = root.find("head"), root.find("song/trackcontainer")
    assert head is not None, f"{project.path} has no head"
    assert tracks is not None, f"{project.path} has no tracks"
    ticks = _TICKS_PER_BEAT * float(head.attrib["bpm"]) / 60
    start, end = round(project.start_s * ticks), round((project.start_s + seconds) * ticks)
    head.attrib.update({"mastervol": "40", "masterpitch": "0"})
    for track in list(tracks):
        if track.attrib.get("type") not in (_INSTRUMENT, _PATTERNS, _SAMPLES):
            tracks.remove(track)
            continue
        name = track.attrib["name"]
        role = "bass" if name in project.bass else "drums" if name in project.drums else "other"
        if role != stem:
            track.attrib["muted"] = "1"
        for clip in [clip for clip in track if clip.tag in _CLIPS]:
            position, length = int(clip.attrib["pos"]), int(clip.attrib.get("len", 4 * _TICKS_PER_BEAT))
            first, last = max(position, start), min(position + length, end)
            if first >= last:
                track.remove(clip)
                continue
            clip.attrib.update({"pos": str(first - start), "len": str(last - first)})
    for channel in root.iterfind(".//fxchannel[@num='0']/fxchain"):
        channel.attrib["enabled"] = "0"

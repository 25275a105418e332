"""`mine` on ten songs, a hundred and a thousand: `python -m tools.benches growth`, or with options this module.

Writes songs of four seconds with stems, generated ones and such as are cut from the stems of a real song, mines them,
and writes the CPU and wall time a song, the greatest memory of the command and of its children, and lines fitted to
them: times grow with the songs, memory does not.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from mixprior.pipeline.audio import decode, writer
from mixprior.pipeline.song import kernels
from mixprior.pipeline.store.records import Song
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tools import ROOT, SHARED
from tools.benches import document, processor
from tools.benches.command import Watcher

_SONG_S = 4.0
_SHIFT = 11_027
"""Samples by which each song is turned further: no two have the same content."""
_WORKERS = 2
_REAL = SHARED / "music" / "stems"

Stems = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Growth:
    """A run.

    Attributes:
        kind: of songs.
        songs: how many.
        cpu_s: CPU seconds of the command and its children.
        wall_s: seconds of the clock.
        parent_mb: greatest memory of the command.
        children_mb: greatest memory of its children together.
    """

    kind: str
    songs: int
    cpu_s: float
    wall_s: float
    parent_mb: float
    children_mb: float


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--songs", default="10,100,1000", help="how many generated ones")
    parser.add_argument("--real", default="10,100", help="how many cut from a real song")
    args = parser.parse_args(arguments)
    runs = []
    kernels.compile_once()
    with tempfile.TemporaryDirectory() as folder:
        for kind, counts, stems in (("generated", args.songs, perform(SCORES[0])), ("real", args.real, _real())):
            for songs in map(int, filter(None, counts.split(","))) if stems else ():
                runs.append(measured(kind, write_catalog(Path(folder) / f"{kind}-{songs}", songs, stems)))
                print(runs[-1], flush=True)
    document.replace("growth", table(runs))


def _real() -> Stems:
    """The stems of a real song; none where there is no such song."""
    for path in sorted(_REAL.glob("*.stem.mp4")):
        return decode.decode_stems(Song(str(path)))[0]
    return {}


def write_catalog(folder: Path, songs: int, stems: Stems) -> Path:
    """Write so many songs with stems: float32, shape (channels, samples) each."""
    for song in range(songs):
        place = folder / f"song-{song:05d}"
        place.mkdir(parents=True)
        for name, audio in stems.items():
            turned = np.roll(audio, -_SHIFT * song, axis=1)[:, : round(_SONG_S * RATE_HZ)]
            writer.write(place / f"{name}.wav", turned, RATE_HZ, ".wav")
    return folder


def measured(kind: str, catalog: Path) -> Growth:
    """Mine a catalog.

    Raises:
        RuntimeError: if that fails.
    """
    before, started_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "mixprior", "mine", catalog, "-o", f"{catalog}-run", "-j", _WORKERS, "--quiet"]
    process = subprocess.Popen(list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL)
    watcher = Watcher(process.pid)
    try:
        process.wait()
    finally:
        watcher.stop()
    if process.returncode:
        raise RuntimeError(f"mining {catalog} ended with {process.returncode}")
    wall_s = time.monotonic() - started_s
    now = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    songs = len(list(catalog.iterdir()))
    return Growth(kind, songs, cpu_s, wall_s, watcher.parent_mb, watcher.children_mb)


def table(runs: Sequence[Growth]) -> str:
    """The runs, and the lines through those of each kind."""
    lines = [
        "| songs | CPU s | wall s | CPU s a song | wall s a song | the command, peak MB | its children, peak MB |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    lines += [
        f"| {run.songs} {run.kind} | {run.cpu_s:.1f} | {run.wall_s:.1f} | {run.cpu_s / run.songs:.3f} | "
        f"{run.wall_s / run.songs:.3f} | {run.parent_mb:.0f} | {run.children_mb:.0f} |"
        for run in runs
    ]
    lines.append("")
    for kind in dict.fromkeys(run.kind for run in runs):
        own = [run for run in runs if run.kind == kind]
        if len(own) > 1:
            lines.append(_fitted(own))
    return "\n".join([*lines, "", f"Machine: {processor.description()}."])


def _fitted(runs: Sequence[Growth]) -> str:
    songs = np.array([run.songs for run in runs], float)
    cpu, parent, children = (
        np.polyfit(songs, [getattr(run, name) for run in runs], 1) for name in ("cpu_s", "parent_mb", "children_mb")
    )
    return (
        f"Least squares, {runs[0].kind}: {cpu[0]:.4f} CPU s a song and {cpu[1]:.1f} s for the run; memory of the "
        f"command grows by {1000 * parent[0]:.1f} kB a song, that of its children by {1000 * children[0]:.1f} kB.\n"
    )


if __name__ == "__main__":
    main()

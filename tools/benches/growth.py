"""`mine` on ten songs, a hundred and a thousand: `python -m tools.benches.growth FOLDER [--songs 10,100,1000]`.

Writes songs of four seconds with stems under FOLDER, mines them, and prints for each number the seconds, and the
greatest memory of the command and of its children together: seconds grow with the songs, memory does not.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from mixprior.pipeline.audio import writer
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tools.benches.million import measured

_SONG_S = 4.0
_SHIFT = 97
"""Samples by which each song is turned further: no two have the same content."""


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--songs", default="10,100,1000")
    parser.add_argument("--workers", default="2")
    args = parser.parse_args()
    for songs in map(int, args.songs.split(",")):
        catalog = write_catalog(args.folder / f"songs-{songs}", songs)
        run = args.folder / f"run-{songs}"
        print({"songs": songs, **measured("mine", catalog, "-o", run, "-j", args.workers, "--force", "--quiet")})


def write_catalog(folder: Path, songs: int) -> Path:
    """Write so many songs with stems, unless they are there."""
    stems = {name: audio[:, : round(_SONG_S * RATE_HZ)] for name, audio in perform(SCORES[0]).items()}
    for song in range(songs):
        place = folder / f"song-{song:05d}"
        if not place.exists():
            place.mkdir(parents=True)
            for name, audio in stems.items():
                writer.write(place / f"{name}.wav", np.roll(audio, _SHIFT * song, axis=1), RATE_HZ, ".wav")
    return folder


if __name__ == "__main__":
    main()

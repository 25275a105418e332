"""The whole command `mine`, beside demucs' own command and beside itself before and on one core."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from tools.benches import separation
from tools.benches.command import Command
from tools.benches.comparison import Comparison, Missing, Peer, before
from tools.benches.sounds import RATE_HZ, SONGS, stems

SHORT = ("*Twit_JournalisT*", "*Vibe_Ace*", "*Drum-bass*")
ONE_S, SHORT_S, ALL_S = 61.5, 148.1, 1504.9
ALBUM, SONG_S = 10, 120.0
MANY, SHORTEST_S = 60, 5.0

FRESH = ("python", "-m", "mixprior", "mine", "{given}", "-o", "{fresh}", "--quiet")
AGAIN = ("python", "-m", "mixprior", "mine", "{given}", "-o", "run", "--quiet")
DEMUCS = ("python", "-m", "demucs", "--repo", "repository", "-o", "{fresh}", "{given}")


def short_songs() -> list[Path]:
    """Three songs to separate; and the model as demucs' command reads it."""
    found = [path for pattern in SHORT for path in SONGS.glob(pattern)]
    return _with_model(found)


def one_song() -> list[Path]:
    """One of them."""
    return _with_model([*SONGS.glob(SHORT[1])])


def all_songs() -> list[Path]:
    """All eleven shared songs."""
    return _with_model([path for path in sorted(SONGS.glob("*")) if path.suffix in (".mp3", ".ogg")])


def _with_model(songs: list[Path]) -> list[Path]:
    if not songs:
        raise Missing(f"no songs in {SONGS}")
    separation.write_repository()
    return songs


def album() -> Path:
    """Songs with stems, all of a length."""
    _write(Path("album"), ALBUM, SONG_S)
    return Path("album").absolute()


def mined() -> Path:
    """Many short songs with stems, and a run that has mined them."""
    _write(Path("many"), MANY, SHORTEST_S)
    subprocess.run([sys.executable, *AGAIN[1:4], "many", *AGAIN[5:]], check=True, capture_output=True)
    return Path("many").absolute()


def summary(_given: object) -> dict[str, Any]:
    """What the command printed as its summary."""
    return dict(json.loads(Path("output").read_text().splitlines()[-1]))


def mining_s(found: dict[str, Any]) -> float:
    return float(found["mining_s"])


def _write(folder: Path, songs: int, duration_s: float) -> None:
    import soundfile

    sounds = stems(duration_s)
    for song in range(songs):
        (folder / f"song-{song:03d}").mkdir(parents=True)
        for name, audio in sounds.items():
            turned = np.roll(audio, song * RATE_HZ // 4, axis=1)
            soundfile.write(folder / f"song-{song:03d}" / f"{name}.wav", turned.T, RATE_HZ, "PCM_16")


MINE = Comparison(
    "mine",
    "three songs from files to priors, 148 s, all cores; demucs writes their stems",
    Command(FRESH),
    Peer("demucs' own command", Command(DEMUCS)),
    short_songs,
    runs=1,
    warm_up=False,
    threads=0,
    by="wall",
    audio_s=SHORT_S,
)

CORES = Comparison(
    "cores",
    f"{ALBUM} songs with stems, 20 minutes, two workers; mining: from the first song's start to the last row",
    Command((*FRESH, "-j", "2", "--json"), summary),
    Peer("one worker", Command((*FRESH, "-j", "1", "--json"), summary)),
    album,
    runs=3,
    threads=0,
    by="part",
    bar=1.9,
    part=mining_s,
    part_name="mining",
    audio_s=ALBUM * SONG_S,
)

ROWS = (
    MINE,
    replace(
        MINE,
        row="mine-eleven",
        what="the eleven shared songs from files to priors, 25 minutes, all cores; demucs writes their stems",
        given=all_songs,
        audio_s=ALL_S,
        long=True,
    ),
    replace(
        MINE,
        row="mine-before",
        what="three songs from files to priors, 148 s, all cores",
        peer=before(Command(FRESH)),
    ),
    CORES,
    replace(
        CORES,
        row="cores-songs",
        what="the eleven shared songs, separated by two workers; mining: from the first song's start to the last row",
        given=all_songs,
        runs=1,
        warm_up=False,
        audio_s=ALL_S,
        long=True,
    ),
    replace(
        CORES,
        row="cores-alone",
        what="one song of a minute, separated on two cores; mining: from its start to its last row",
        given=one_song,
        audio_s=ONE_S,
    ),
    Comparison(
        "nothing-before",
        f"`mine` again on {MANY} songs that are mined",
        Command(AGAIN),
        before(Command(AGAIN)),
        mined,
        threads=0,
        by="wall",
        bar_s=2.0,
    ),
)

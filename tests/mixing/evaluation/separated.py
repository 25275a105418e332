"""Separates a clip of each song with singing, once: `python -m tests.mixing.evaluation.separated`.

Thirty seconds about the middle of a song go through the project's own separation. Kept are the clip and its four stems
as float16, exact within 66 dB. The backing is the clip minus the voice, as `mixprior.stats.stem` has it.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.conftest import ROOT, SHARED

CLIP_S = 29.0
"""Five segments of HTDemucs."""
CACHE = ROOT / "outputs" / "mix_eval" / "four_stems"
SONGS = SHARED / "music" / "songs"
_CLIP = "clip"
INSTRUMENTAL = ("Kevin_MacLeod_-_Vibe_Ace.hq.ogg", "admiralbob77_-_Choice_-_Drum-bass.hq.ogg")


def sung() -> list[Path]:
    """The shared songs with singing; none where there are no shared songs."""
    return sorted(path for path in SONGS.glob("*.*") if path.name not in INSTRUMENTAL)


def stems(song: Path) -> tuple[np.ndarray, np.ndarray]:
    """Voice and backing of the clip of a song: float32, (2, samples). They sum to the clip."""
    clip, separate = four_stems(song)
    return separate["vocals"], clip - separate["vocals"]


def four_stems(song: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """The clip of a song, and its stems by name, separated now unless they were before: float32, (2, samples)."""
    _fill(song)
    with np.load(_file(song)) as kept:
        sounds = {name: kept[name].astype(np.float32) for name in kept.files}
    return sounds.pop(_CLIP), sounds


def _file(song: Path) -> Path:
    return CACHE / f"{song.stem}.npz"


def _fill(song: Path) -> None:
    if _file(song).exists():
        return
    # Only separation needs torch: whoever reads the cache shall not wait for it.
    from mixprior.pipeline.audio.decode import decode
    from mixprior.pipeline.separation.separate import SeparationSettings, load

    audio = decode(str(song))
    samples = min(audio.shape[1], round(CLIP_S * SAMPLE_RATE_HZ))
    start = (audio.shape[1] - samples) // 2
    clip = audio[:, start : start + samples]
    sounds = {_CLIP: clip, **load(SeparationSettings()).separate(clip)}
    CACHE.mkdir(parents=True, exist_ok=True)
    unfinished = _file(song).with_suffix(".unfinished.npz")
    halves: dict[str, Any] = {name: audio.astype(np.float16) for name, audio in sounds.items()}
    np.savez(unfinished, **halves)
    os.replace(unfinished, _file(song))


def main() -> None:
    """Fill the cache, and tell what that took."""
    for song in sung():
        if not _file(song).exists():
            began = time.perf_counter()
            _fill(song)
            print(f"separated {song.stem} in {time.perf_counter() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()

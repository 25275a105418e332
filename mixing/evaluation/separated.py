"""Clips of songs with singing, separated by the project's own separation and kept in a folder.

A clip is thirty seconds about the middle of a song. It is kept with its four stems as float16, exact within 66 dB.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.evaluation.material import Material, Stems
from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.store.files import replacing
from mixprior.stats.statistic import SAMPLE_RATE_HZ

CLIP_S = 29.0
"""Five segments of HTDemucs."""
ROLES = ("choose", "judge")
"""Roles of the songs that clips are of: no priors and no training rest on them, or on others by their artists."""
VOICES = "voices"
"""The collection of solo voices."""

_CLIP = "clip"


def sung(material: Material) -> list[Path]:
    """The whole songs with singing that priors may be judged by."""
    sung = (each for each in material.recordings if each.sung == "yes" and each.role in ROLES)
    return sorted(material.music / each.collection / each.path for each in sung if each.collection != VOICES)


def pair(song: Path, material: Material) -> tuple[np.ndarray, np.ndarray]:
    """Vocals and backing of the clip of a song, which sum to the clip: float32, (2, samples)."""
    clip, stems = four_stems(song, material)
    return stems["vocals"], clip - stems["vocals"]


def four_stems(song: Path, material: Material) -> tuple[np.ndarray, Stems]:
    """The clip of a song and its stems by name, separated now unless that was done before: float32, (2, samples)."""
    _separate(song, material)
    with np.load(_file(song, material)) as kept:
        sounds = {name: kept[name].astype(np.float32) for name in kept.files}
    return sounds.pop(_CLIP), sounds


def fill(material: Material, progress: Callable[[int, int], None] | None = None) -> None:
    """Separate all songs that are not separated yet.

    Args:
        material: the folders.
        progress: called with the songs done and all songs.
    """
    songs = sung(material)
    for done, song in enumerate(songs, 1):
        _separate(song, material)
        if progress is not None:
            progress(done, len(songs))


def _file(song: Path, material: Material) -> Path:
    return material.output / "four_stems" / f"{song.stem}.npz"


def _separate(song: Path, material: Material) -> None:
    file = _file(song, material)
    if file.exists():
        return
    # Only separation needs torch: reading the kept clips must not load it.
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    audio = decode(str(song))
    samples = min(audio.shape[1], round(CLIP_S * SAMPLE_RATE_HZ))
    start = (audio.shape[1] - samples) // 2
    clip = audio[:, start : start + samples]
    sounds = {_CLIP: clip, **load(SeparationSettings()).separate(clip)}
    file.parent.mkdir(parents=True, exist_ok=True)
    halves: dict[str, Any] = {name: audio.astype(np.float16) for name, audio in sounds.items()}
    with replacing(file) as unfinished, unfinished.open("wb") as out:
        np.savez(out, **halves)

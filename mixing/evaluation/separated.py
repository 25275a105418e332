"""Clips of songs with singing, separated by the project's own separation and kept in a folder.

A clip is half a minute about the middle of a song. It is kept as its four stems, as float16, exact within 66 dB. What a
separation loses is in "other", so that the stems sum to the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.evaluation.material import Material, Stems, total
from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.files import replacing
from mixprior.stats.statistic import SAMPLE_RATE_HZ

CLIP_S = 29.0
"""Five segments of HTDemucs."""
VOICES = "voices"
"""The collection of solo voices."""


def sung(material: Material, role: str) -> list[Recording]:
    """The whole songs with singing of a role, in the order of the table."""
    return [each for each in material.recordings if (each.sung, each.role) == ("yes", role) and _is_song(each)]


def four_stems(song: Recording, material: Material) -> Stems:
    """The stems of the clip of a song by name, separated now unless that was done before: float32, (2, samples)."""
    return kept(material.output / "stems" / f"{Path(song.path).stem}.npz", lambda: _separate(song, material))


def fill(material: Material, role: str, progress: Callable[[int, int], None] | None = None) -> None:
    """Separate all songs of a role that are not separated yet.

    Args:
        material: the folders.
        role: of the songs.
        progress: called with the songs done and all songs.
    """
    songs = sung(material, role)
    for done, song in enumerate(songs, 1):
        four_stems(song, material)
        if progress is not None:
            progress(done, len(songs))


def kept(file: Path, make: Callable[[], Stems]) -> Stems:
    """Return sounds from a file, made and written first if it is not there; as float16 there."""
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        halves: dict[str, Any] = {name: audio.astype(np.float16) for name, audio in make().items()}
        with replacing(file) as unfinished, unfinished.open("wb") as out:
            np.savez(out, **halves)
    with np.load(file) as sounds:
        return {name: sounds[name].astype(np.float32) for name in sounds.files}


def _is_song(recording: Recording) -> bool:
    return recording.collection not in (VOICES, "multitracks", "stems")


def _separate(song: Recording, material: Material) -> Stems:
    # Only separation needs torch: reading what is kept must not load it.
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    audio = decode(str(material.music / song.collection / song.path))
    samples = min(audio.shape[1], round(CLIP_S * SAMPLE_RATE_HZ))
    start = (audio.shape[1] - samples) // 2
    clip = audio[:, start : start + samples]
    stems = dict(load(SeparationSettings()).separate(clip))
    return stems | {"other": stems["other"] + clip - total(stems.values())}

"""Clips and windows of songs with singing, separated by the project's own separation and kept in a folder.

A clip is half a minute about the middle of a song, windows stand for all of it. Both are kept as four stems, as
float16, exact within 66 dB. What a separation loses is in "other", so that the stems sum to the clip.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.evaluation import windows
from mixprior.mixing.evaluation.material import Material, Stems, total
from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.store.files import replacing
from mixprior.stats.statistic import SAMPLE_RATE_HZ

CLIP_S = 29.0
"""Five segments of HTDemucs."""
MARGIN_S = 2.6
"""Separated on both sides of a window, and cut off: the model has less to go by at an end. Four segments in all."""
VOICES = "voices"
"""The collection of solo voices."""


def sung(material: Material, role: str) -> list[Recording]:
    """The whole songs with singing of a role, in the order of the table."""
    return [each for each in material.recordings if (each.sung, each.role) == ("yes", role) and _is_song(each)]


def four_stems(song: Recording, material: Material) -> Stems:
    """The stems of the clip of a song by name, separated now unless that was done before: float32, (2, samples)."""
    return kept(material.output / "stems" / f"{Path(song.path).stem}.npz", lambda: _separate(song, material))


def four_stems_of_windows(song: Recording, material: Material) -> Stems:
    """The same of the windows of a song (`mixprior.mixing.evaluation.windows`), one after the other."""
    file = material.output / "stems" / f"{Path(song.path).stem}.windows.npz"
    return kept(file, lambda: _separate_windows(song, material))


def fill(
    separate: Callable[[Recording, Material], Stems],
    material: Material,
    role: str,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Separate all songs of a role that are not separated yet.

    Args:
        separate: `four_stems` or `four_stems_of_windows`.
        material: the folders.
        role: of the songs.
        progress: called with the songs done and all songs.
    """
    songs = sung(material, role)
    for done, song in enumerate(songs, 1):
        separate(song, material)
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
    audio = _audio(song, material)
    samples = min(audio.shape[1], round(CLIP_S * SAMPLE_RATE_HZ))
    start = (audio.shape[1] - samples) // 2
    return _stems(audio[:, start : start + samples])


def _separate_windows(song: Recording, material: Material) -> Stems:
    audio = _audio(song, material)
    if not windows.is_longer(audio.shape[1]):
        return _stems(audio)
    length, margin = (round(seconds * SAMPLE_RATE_HZ) for seconds in (windows.LENGTH_S, MARGIN_S))
    found = []
    for start in windows.starts(audio.shape[1]):
        before = min(margin, start)
        stems = _stems(audio[:, start - before : start + length + margin])
        found.append({name: stem[:, before : before + length] for name, stem in stems.items()})
    return windows.joined(found)


def _audio(song: Recording, material: Material) -> np.ndarray:
    return decode(str(material.music / song.collection / song.path))


def _stems(clip: np.ndarray) -> Stems:
    # Only separation needs torch: reading what is kept must not load it.
    from mixprior.pipeline.separation.separator import SeparationSettings, load

    stems = dict(load(SeparationSettings()).separate(clip))
    return stems | {"other": stems["other"] + clip - total(stems.values())}

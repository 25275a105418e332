"""A finished song and its stems, as the front door hands them over: no module of `mixing` separates."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from mixprior.stats.sound import Sound


@dataclass(frozen=True)
class SeparatedSong:
    """A song and what a separator made of it.

    Attributes:
        path: as it was given.
        sha256: of the file's bytes, in hex.
        sound: the song, two channels, at its own rate.
        channels: number of channels in the file, 1 or 2.
        stems: by the model's names ("vocals", "drums", "bass", "other"), as long as the song and at its rate. They need
            not add up to it.
        model: name of the model that separated it.
        doubts: what may be wrong with the file, a sentence each.
    """

    path: str
    sha256: str
    sound: Sound
    channels: int
    stems: Mapping[str, Sound]
    model: str
    doubts: tuple[str, ...] = ()


class Separate(Protocol):
    """Reads and separates a song."""

    def __call__(self, path: str | Path, progress: Callable[[int, int], None] | None = None) -> SeparatedSong:
        """Read and separate.

        Args:
            path: local path or fsspec URL.
            progress: called with the segments that are done, and all of them.

        Raises:
            InputError: if the file cannot be read, or the extra "mine" is not installed.
        """

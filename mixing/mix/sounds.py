"""The sounds of a mix, of one sample rate: files, read when they are needed, or arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from mixprior.mixing.mix.recipe import Input
from mixprior.mixing.rules.notice import Notice
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

_KEPT_BYTES = 2 << 30


class Sounds(Mapping[str, Sound]):
    """Sounds of files by name, two channels, at the highest rate of all and 44.1 kHz, that priors are measured at.

    The first 2 GiB stay in memory; what goes beyond is read again each time.

    Args:
        paths: a file for each name.

    Attributes:
        inputs: what the recipe has of each file.
        warnings: on files that may be damaged or cut short.
        rate_hz: sample rate of all.

    Raises:
        InputError: if a file cannot be read or mixed.
    """

    def __init__(self, paths: Mapping[str, str | Path]) -> None:
        self._paths = dict(paths)
        self._kept: dict[str, Sound] = {}
        kept_bytes = 0
        self.inputs: dict[str, Input] = {}
        self.warnings: tuple[Notice, ...] = ()
        self.rate_hz = SAMPLE_RATE_HZ
        for name, path in paths.items():
            file = audio_file.read(path)
            sound = file.sound
            self.inputs[name] = Input(
                file.path, file.sha256, sound.rate_hz, file.channels, sound.duration_s, sound.integrated_lufs
            )
            self.warnings += tuple(Notice("file", doubt) for doubt in file.doubts)
            self.rate_hz = max(self.rate_hz, sound.rate_hz)
            kept_bytes += sound.audio.nbytes
            if kept_bytes <= _KEPT_BYTES:
                self._kept[name] = sound

    def __getitem__(self, name: str) -> Sound:
        sound = self._kept.get(name)
        if sound is None:
            sound = audio_file.read(self._paths[name]).sound
        sound = sound.at(self.rate_hz, "VHQ")
        if name in self._kept:
            self._kept[name] = sound
        return sound

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


def of_arrays(arrays: Mapping[str, np.ndarray], rate_hz: int) -> tuple[dict[str, Sound], dict[str, Input]]:
    """Take arrays as sounds of a mix, at their rate or 44.1 kHz, whichever is higher, and what the recipe has of them.

    Args:
        arrays: by the name of the track, shape (channels, samples) or (samples,).
        rate_hz: sample rate of all.

    Raises:
        InputError: if an array is not of this shape, or not finite.
    """
    sounds, inputs = {}, {}
    for name, array in arrays.items():
        given = Sound.of(array, rate_hz, name)
        stereo = given.stereo
        inputs[name] = Input(None, None, rate_hz, given.channels, given.duration_s, stereo.integrated_lufs)
        sounds[name] = stereo.at(max(rate_hz, SAMPLE_RATE_HZ), "VHQ")
    return sounds, inputs

"""The files of a mix as sounds of one sample rate, read when they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixprior.mixing.effects.resampling import resampled
from mixprior.mixing.mix.recipe import Input
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.audio.audio_file import AudioFile
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.stem import SAMPLE_RATE_HZ

_KEPT_BYTES = 2 << 30


class Sounds(Mapping[str, np.ndarray]):
    """Float32 sounds, (2, samples), by name, at the highest rate of all and 44.1 kHz, that priors are measured at.

    The first 2 GiB stay in memory; what goes beyond is read again each time.

    Args:
        paths: a file for each name.

    Raises:
        InputError: if a file cannot be read or mixed.
    """

    def __init__(self, paths: Mapping[str, str | Path]) -> None:
        self._paths = dict(paths)
        self._kept: dict[str, AudioFile] = {}
        kept_bytes = 0
        self.inputs: dict[str, Input] = {}
        self.rate_hz = SAMPLE_RATE_HZ
        for name, path in paths.items():
            file = audio_file.read(path)
            loudness = integrated(file.audio, file.rate_hz)
            self.inputs[name] = Input(file.path, file.sha256, file.rate_hz, file.channels, file.duration_s, loudness)
            self.rate_hz = max(self.rate_hz, file.rate_hz)
            kept_bytes += file.audio.nbytes
            if kept_bytes <= _KEPT_BYTES:
                self._kept[name] = file

    def __getitem__(self, name: str) -> np.ndarray:
        file = self._kept.get(name) or audio_file.read(self._paths[name])
        if file.rate_hz != self.rate_hz:
            file = replace(file, audio=resampled(file.audio, file.rate_hz, self.rate_hz), rate_hz=self.rate_hz)
            if name in self._kept:
                self._kept[name] = file
        return file.audio

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

"""The sounds of a mix, of one sample rate: files, read when they are needed, a separated song, or arrays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.mix.recipe import Input
from mixprior.mixing.mix.separated_song import SeparatedSong
from mixprior.mixing.mix.sparse import Sparse
from mixprior.mixing.rules.notice import Notice
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

SONG = "song"
"""Name of a finished song among the inputs of a mix."""

Report = Callable[[int, int], None]
"""Called with what is done and what there is in all."""

_KEPT_BYTES, _SPARSE_BYTES = 1 << 30, 2 << 30


class Sounds(Mapping[str, Sound]):
    """Sounds of files by name, two channels, at the highest rate of all and 44.1 kHz, that priors are measured at.

    The first 1 GiB stays in memory as it is, and then what is no digital silence, up to 2 GiB more; what goes beyond is
    read again each time.

    Args:
        paths: a file for each name.
        offsets_s: by name, seconds by which a sound starts after the mix; below 0 so much of its beginning is left out.
        report: called with the number of files read, and of all, after each.
        may_have_ended: whether a sound that an offset leaves nothing of is silence, and no error: as in a replay.

    Attributes:
        inputs: what the recipe has of each file.
        warnings: on files that may be damaged or cut short.
        rate_hz: sample rate of all.

    Raises:
        InputError: if a file cannot be read or mixed, or an offset leaves nothing of it.
    """

    def __init__(
        self,
        paths: Mapping[str, str | Path],
        offsets_s: Mapping[str, float] | None = None,
        report: Report = lambda done, total: None,
        may_have_ended: bool = False,
    ) -> None:
        self._paths = dict(paths)
        self._offsets_s = dict(offsets_s or {})
        self._kept: dict[str, Sound | Sparse] = {}
        kept_bytes, sparse_bytes = 0, 0
        self.inputs: dict[str, Input] = {}
        self.warnings: tuple[Notice, ...] = ()
        self.rate_hz = SAMPLE_RATE_HZ
        for number, (name, path) in enumerate(paths.items(), 1):
            file = audio_file.read(path)
            sound = file.sound
            offset_s = self._offsets_s.get(name, 0.0)
            if sound.duration_s + offset_s <= 0 and not may_have_ended:
                raise InputError(
                    f"an offset of {offset_s:g} s leaves nothing of {path}, which lasts {sound.duration_s:.2f} s"
                )
            self.inputs[name] = Input(
                file.path, file.sha256, sound.rate_hz, file.channels, sound.duration_s, sound.integrated_lufs, offset_s
            )
            report(number, len(paths))
            self.warnings += tuple(Notice("file", doubt) for doubt in file.doubts)
            self.rate_hz = max(self.rate_hz, sound.rate_hz)
            if kept_bytes + sound.audio.nbytes <= _KEPT_BYTES:
                self._kept[name] = sound
                kept_bytes += sound.audio.nbytes
            elif sparse_bytes <= _SPARSE_BYTES:
                sparse = self._kept[name] = Sparse.of(sound)
                sparse_bytes += sparse.nbytes

    def __getitem__(self, name: str) -> Sound:
        kept = self._kept.get(name)
        found = kept.sound() if isinstance(kept, Sparse) else kept or audio_file.read(self._paths[name]).sound
        sound = found.at(self.rate_hz, "VHQ")
        if isinstance(kept, Sound):
            self._kept[name] = sound
        elif isinstance(kept, Sparse) and sound is not found:
            self._kept[name] = Sparse.of(sound)
        if self._offsets_s.get(name):
            return shifted(sound, self._offsets_s[name])
        if name in self._kept:
            self._kept[name] = sound
        return sound

    def start(self, name: str, offset_s: float) -> None:
        """Let a sound start later than the mix; below 0 without so much of its beginning."""
        self._offsets_s[name] = offset_s
        self.inputs[name] = replace(self.inputs[name], offset_s=offset_s)

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)


class SongSounds(dict[str, Sound]):
    """The vocals of a separated song, and all the rest of it: together the very song, whatever the separator lost.

    Args:
        song: the song and its stems.

    Attributes:
        inputs: what the recipe has of the song.
        warnings: on the file.

    Raises:
        InputError: if the model separates no vocals.
    """

    def __init__(self, song: SeparatedSong) -> None:
        if VOCALS not in song.stems:
            raise InputError(f"the model {song.model} separates no vocals; there are: {', '.join(song.stems)}")
        whole, vocals = song.sound, song.stems[VOCALS]
        rate_hz = max(whole.rate_hz, SAMPLE_RATE_HZ)
        rest = Sound(whole.audio - vocals.audio, whole.rate_hz)
        super().__init__({VOCALS: vocals.at(rate_hz, "VHQ"), BACKING: rest.at(rate_hz, "VHQ")})
        self.inputs = {
            SONG: Input(
                song.path,
                song.sha256,
                whole.rate_hz,
                song.channels,
                whole.duration_s,
                whole.integrated_lufs,
                model=song.model,
            )
        }
        self.warnings = tuple(Notice("file", doubt) for doubt in song.doubts)


def shifted(sound: Sound, offset_s: float) -> Sound:
    """Let a sound start later, after silence; below 0 without its beginning: a sample of silence where nothing is left.

    >>> shifted(Sound(np.ones((1, 3), np.float32), 8000), 1 / 8000).audio.tolist()
    [[0.0, 1.0, 1.0, 1.0]]
    >>> shifted(Sound(np.ones((1, 3), np.float32), 8000), -2 / 8000).audio.tolist()
    [[1.0]]
    >>> shifted(Sound(np.ones((1, 3), np.float32), 8000), -4 / 8000).audio.tolist()
    [[0.0]]
    """
    samples = round(offset_s * sound.rate_hz)
    if samples <= -sound.samples:
        return Sound(np.zeros((len(sound.audio), 1), np.float32), sound.rate_hz)
    if samples < 0:
        return Sound(np.ascontiguousarray(sound.audio[:, -samples:]), sound.rate_hz)
    return Sound(np.pad(sound.audio, ((0, 0), (samples, 0))), sound.rate_hz)


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

"""A song as its stems: the sounds that statistics are measured on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from mixprior.stats import long_term_spectra
from mixprior.stats.long_term_spectra import LongTermSpectra
from mixprior.stats.loudness_blocks import Blocks
from mixprior.stats.measures import band_limit, panning, tempo
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.song_levels import SongEnergies, SongLevels
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, SONG, VOCALS

Measured = TypeVar("Measured")

SLACK_S = 0.1
"""Stems of one song may end so much before the longest."""
OVER_SCALE = 8.0
"""A peak above this, where full scale is 1, is damage, or integers saved as floats."""


@dataclass(frozen=True, eq=False)
class Stem(Sound):
    """One sound of a song, at 44.1 kHz in two channels: a stem, the backing or the mixture.

    Attributes:
        name: "vocals", "drums", "bass", "other", "backing", "mixture"; "song" for the mixture seen as the
            place where facts about the whole song are kept (ratios between stems, the residual).
        song: the song it belongs to.
    """

    name: str
    song: StemSet = field(repr=False)

    @property
    def blocks(self) -> Blocks:  # type: ignore[override]
        """Energies of every 100 ms, K-weighted and plain."""
        return self.song.levels.sounds[MIXTURE if self.name == SONG else self.name]

    @property
    def rest_blocks(self) -> Blocks:
        """`blocks` of what is left of the mixture without this stem."""
        return self.song.levels.rests[MIXTURE if self.name == SONG else self.name]

    @property
    def spectra(self) -> LongTermSpectra:  # type: ignore[override]
        """Long-term spectra."""
        return self.song.spectra[MIXTURE if self.name == SONG else self.name]

    @property
    def sps_rms(self) -> dict[str, float | None]:  # type: ignore[override]
        """Distance from the middle by band."""
        return self.song.sps_rms[MIXTURE if self.name == SONG else self.name]

    @cached_property
    def tempo_bpm(self) -> float | None:
        """Tempo of the mean of its channels; None where it is silent: see `tempo.tempo_bpm`."""
        return None if self.silent else tempo.tempo_bpm(self.audio.mean(axis=0))

    @cached_property
    def reverberation(self) -> blind.Reverberation | None:
        """What it is of as vocals in front of the backing: see `blind.estimate.estimate`."""
        return blind.estimate(self.audio, self.song[BACKING].audio)


class StemSet:
    """The stems of one song, its mixture, and its backing (mixture minus vocals).

    Args:
        stems: float32 arrays of shape (2, samples), at 44.1 kHz, by stem name. Without "vocals" the backing is the
            mixture, and columns about vocals are null.
        mixture: the whole song, same shape; None takes the sum of the stems.
        is_estimated: whether a separator made the stems.

    Raises:
        ValueError: if shapes differ, or there are no stems.

    >>> import numpy as np
    >>> vocals, band = np.zeros((2, 44100), np.float32), np.ones((2, 44100), np.float32)
    >>> song = StemSet({"vocals": vocals, "other": band})
    >>> [stem.name for stem in song.rows()]
    ['vocals', 'other', 'backing', 'mixture', 'song']
    """

    def __init__(
        self, stems: Mapping[str, np.ndarray], mixture: np.ndarray | None = None, is_estimated: bool = False
    ) -> None:
        if not stems:
            raise ValueError("a song needs at least one stem")
        summed = mixture is None
        mixture = sum_of(stems) if mixture is None else mixture
        for name, audio in stems.items():
            if audio.shape != mixture.shape:
                raise ValueError(f"{name} has shape {audio.shape}, the mixture {mixture.shape}")
        self.separated, self.is_estimated = tuple(stems), is_estimated
        self._sums = sums_of(self.separated) if summed else {}
        self._given = {**stems, MIXTURE: mixture}
        sounds = with_backing(stems, mixture)
        self._sounds = {name: Stem(audio, SAMPLE_RATE_HZ, name, self) for name, audio in sounds.items()}

    def __getitem__(self, name: str) -> Stem:
        return self._sounds[name]

    def __contains__(self, name: str) -> bool:
        return name in self._sounds

    @cached_property
    def levels(self) -> SongLevels:
        """Energies of every 100 ms of all its sounds, of what is left without each, and of the residual."""
        energies = SongEnergies(self.separated, bool(self._sums))
        energies.add(self._given)
        return energies.result()

    @cached_property
    def spectra(self) -> dict[str, LongTermSpectra]:
        """Long-term spectra of all its sounds, by name."""
        return _with_alias(long_term_spectra.measure_all(self._measured, self._sums))

    @cached_property
    def band_limit_hz(self) -> float | None:
        """Highest frequency that its source carries; None for a full-band one: see `band_limit.band_limit_hz`."""
        return band_limit.band_limit_hz(self.spectra[MIXTURE].power)

    @cached_property
    def sps_rms(self) -> dict[str, dict[str, float | None]]:
        """Distance from the middle by band, of all its sounds, by name."""
        return _with_alias(panning.sps_rms_all(self._measured, self._sums))

    @property
    def _measured(self) -> dict[str, np.ndarray]:
        """Samples of its sounds, without a backing that is the mixture."""
        names = [name for name in self._sounds if name != BACKING or VOCALS in self._sounds]
        return {name: self[name].audio for name in names}

    def rows(self) -> Iterator[Stem]:
        """The stems, the backing and the mixture, then "song": one for each row of the song's table."""
        yield from self._sounds.values()
        yield replace(self._sounds[MIXTURE], name=SONG)

    def clear(self) -> None:
        """Let go of the sounds, which know their song: without it they stay until Python looks for cycles."""
        self._sounds.clear()
        self._given.clear()

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self._sounds[MIXTURE].duration_s


def sums_of(separated: Sequence[str]) -> dict[str, Sequence[str]]:
    """What the backing and the mixture are the sums of, where the mixture is the sum of these stems."""
    others = [name for name in separated if name != VOCALS]
    if VOCALS not in separated:
        return {} if BACKING in others else {MIXTURE: others}
    # A stem that is called the backing is transformed as what it comes to be: the mixture without the vocals.
    backing = {BACKING: others} if others and BACKING not in others else {}
    return {**backing, MIXTURE: [BACKING, VOCALS]}


def _with_alias(measured: dict[str, Measured]) -> dict[str, Measured]:
    """A backing that is the mixture measures as it does."""
    return {BACKING: measured[MIXTURE], **measured}


def sum_of(stems: Mapping[str, np.ndarray]) -> np.ndarray:
    """The mixture of stems that have none: their sum, float32, in their order."""
    first, *others = stems.values()
    if not others:
        return first.astype(np.float32)
    total = np.add(first, others[0], dtype=np.float32)  # np.sum of a list copies it into one array first
    for audio in others[1:]:
        total += audio
    return total


def with_backing(stems: Mapping[str, np.ndarray], mixture: np.ndarray) -> dict[str, np.ndarray]:
    """The sounds that are measured: the stems, the mixture without the vocals, and the mixture."""
    return {**stems, BACKING: mixture - stems[VOCALS] if VOCALS in stems else mixture, MIXTURE: mixture}

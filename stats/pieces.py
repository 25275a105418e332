"""A song measured piece by piece, so that memory does not grow with its length: the numbers of `StemSet`."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numba
import numpy as np

from mixprior.stats.frames import stacked
from mixprior.stats.hop_energies import FrameEnergies, HopEnergies
from mixprior.stats.kept_memory import KeptMemory
from mixprior.stats.long_term_spectra import FRAME, HOP, LongTermSpectra, SongSpectra, floors_of
from mixprior.stats.measures.dynamics import OnsetPeaks, crest_factor_of_sums_db
from mixprior.stats.measures.panning import FRAME as PANNING_FRAME
from mixprior.stats.measures.panning import SpsFrames
from mixprior.stats.measures.tempo import TempoFrames
from mixprior.stats.measures.true_peak import PeakSearch
from mixprior.stats.reverb.blind.estimate import Reverberation, SungStretches
from mixprior.stats.song_levels import SongEnergies, SongLevels
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, SONG, VOCALS
from mixprior.stats.stem import Stem, StemSet, sums_of, with_backing

Piece = Mapping[str, np.ndarray]
"""What follows in each stem, float32, shape (2, samples), 44.1 kHz, by name; "mixture" where it is not their sum."""

Source = Callable[[], Iterator[Piece]]
"""Begins with the first piece each time it is called; the pieces have the same names and are not empty."""

HELD_BYTES = 1 << 28
"""What is held of a song for its second pass: 256 MiB, 2.5 minutes of five sounds."""
_AT_ONCE = 1 << 18
"""Most samples that are measured at once: six sounds take 12 MB then. A quarter of it costs a tenth more time, in calls
and in pages of memory: numpy asks for large ones from 4 MB on."""
_SUMMED_AT_ONCE = 2048
_MEMORY = KeptMemory(HELD_BYTES + (HELD_BYTES >> 3))
"""Of pieces: of those that are held, and a few more."""


def measured(
    pieces: Source,
    repeatable: bool = True,
    second_pass: Callable[[float], object] = lambda length_s: None,
    is_estimated: bool = False,
) -> StemSet:
    """Measure all that statistics ask of a song which comes in pieces.

    Onset peaks depend on the song's peak, panning similarity on its loudest frame, reverberation on where there is most
    singing: they are measured in a second pass. A song that is held in memory by then gives the pieces of the first; a
    longer one is asked for its pieces again. Where that would cost too much, the second pass follows the first at the
    distance of what is held, and takes the peak, the loudest frame and the singing for known from what has come.

    Args:
        pieces: of the song.
        repeatable: whether a long song may be asked twice.
        second_pass: called with the length in seconds when the first pass is over.
        is_estimated: whether a separator made the stems.

    Raises:
        ValueError: if there are no pieces.
    """
    song, held, bytes_held, again = None, deque[Piece](), 0, False
    for piece in _stacked(pieces()):
        song = _SongSums(piece) if song is None else song
        song.add(piece)
        if again:
            continue
        held.append(piece)
        bytes_held += _bytes(piece)
        while bytes_held > HELD_BYTES and held:
            again = repeatable
            bytes_held -= _bytes(held[0])
            first = held.popleft()
            if not again:
                song.add_again(first, complete=False)
        if again:
            held.clear()
    if song is None:
        raise ValueError("a song needs at least one piece")
    song.fill_up()
    second_pass(song.samples / SAMPLE_RATE_HZ)
    for piece in _stacked(pieces()) if again else _drained(held):
        song.add_again(piece, complete=True)
    return MeasuredSong(song, is_estimated)


def joined(pieces: Iterable[Piece], is_estimated: bool = False) -> StemSet:
    """Put the pieces of a song together, for statistics that need the whole."""
    parts: dict[str, list[np.ndarray]] = {}
    for piece in pieces:
        for name, audio in piece.items():
            parts.setdefault(name, []).append(audio)
    stems = {name: np.concatenate(parts.pop(name), axis=1) for name in list(parts)}
    mixture = stems.pop(MIXTURE, None)
    return StemSet(stems, mixture, is_estimated)


def _stacked(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Short pieces, the sounds of each in one array: what takes them together reads them without a copy."""
    for piece in pieces:
        samples = next(iter(piece.values())).shape[1]
        for start in range(0, samples, _AT_ONCE):
            parts = [audio[:, start : start + _AT_ONCE] for audio in piece.values()]
            channels, length = sum(map(len, parts)), parts[0].shape[1]
            whole = _MEMORY.array(channels * _AT_ONCE)[: channels * length].reshape(channels, length)
            np.concatenate(parts, out=whole)
            yield {name: whole[2 * k : 2 * k + 2] for k, name in enumerate(piece)}


def _bytes(piece: Piece) -> int:
    return sum(audio.nbytes for audio in piece.values())


def _drained(held: deque[Piece]) -> Iterator[Piece]:
    while held:
        yield held.popleft()


class _SoundSums:
    """One sound, as it comes; what is measured of it, once all has come."""

    def __init__(self) -> None:
        self.samples = 0
        self._true_peak, self._energies, self._onsets = PeakSearch(), HopEnergies(), OnsetPeaks(2)
        self._frames, self._frame_energies = FrameEnergies(FRAME, HOP), np.zeros(0)

    def add(self, audio: np.ndarray) -> np.ndarray:
        """Return what `HopEnergies.add` does."""
        self.samples += audio.shape[1]
        self._true_peak.add(audio)
        return self.add_energies(audio)

    def add_energies(self, audio: np.ndarray) -> np.ndarray:
        hops = self._energies.add(audio)
        self._frame_energies = np.concatenate((self._frame_energies, self._frames.of_hops(hops)))
        return hops

    @property
    def peak(self) -> float:
        return self._energies.peak

    @property
    def floors(self) -> np.ndarray:
        return floors_of(self._frame_energies)

    def add_again(self, audio: np.ndarray) -> None:
        self._onsets.add(audio, self.peak)

    @cached_property
    def true_peak_dbtp(self) -> float | None:
        return self._true_peak.result()

    @cached_property
    def energies(self) -> tuple[float, float, float]:
        return self._energies.sums()

    @cached_property
    def onset_peaks_db(self) -> tuple[float, float] | None:
        return self._onsets.result(self.peak)


class _SongSums:
    """The sounds of a song, as they come."""

    def __init__(self, piece: Piece) -> None:
        self.separated = tuple(name for name in piece if name != MIXTURE)
        self.sounds = {name: _SoundSums() for name in dict.fromkeys((*self.separated, BACKING, MIXTURE))}
        if VOCALS not in self.separated:
            self.sounds[BACKING] = self.sounds[MIXTURE]
        self.levels = SongEnergies(self.separated, MIXTURE not in piece)
        self.tempo, self.singing = TempoFrames(), SungStretches()
        sums = {} if MIXTURE in piece else sums_of(self.separated)
        self._spectra = SongSpectra(self._measured, sums)
        self._sps = SpsFrames(self._measured, sums)

    @property
    def samples(self) -> int:
        return self.sounds[MIXTURE].samples

    def add(self, piece: Piece) -> None:
        sounds = self._sounds_of(piece)
        self._sps.add(sounds, {name: self.sounds[name].add(sounds[name]) for name in self._measured})
        self.levels.add(piece)
        left, right = sounds[BACKING]
        self.tempo.add((left + right) * np.float32(0.5))
        if VOCALS in sounds:
            self.singing.add(sounds[VOCALS])

    def fill_up(self) -> None:
        """Let silence follow the energies of sounds shorter than a frame, once all has come."""
        if self.samples >= FRAME:
            return
        silence = np.zeros((2, FRAME - self.samples), np.float32)
        hops = {name: self.sounds[name].add_energies(silence) for name in self._measured}
        if self.samples < PANNING_FRAME:
            self._sps.add(dict.fromkeys(self._measured, silence[:, : PANNING_FRAME - self.samples]), hops)

    def add_again(self, piece: Piece, complete: bool) -> None:
        sounds = self._sounds_of(piece)
        for name in self._measured:
            self.sounds[name].add_again(sounds[name])
        self._add_spectra(sounds)
        if VOCALS in sounds:
            self.singing.add_again(sounds[VOCALS], sounds[BACKING], complete)

    @cached_property
    def spectra(self) -> dict[str, LongTermSpectra]:
        """Long-term spectra of the sounds, once all has come twice."""
        if self.samples < FRAME:
            self._add_spectra(dict.fromkeys(self._measured, np.zeros((2, FRAME - self.samples), np.float32)))
        measured = self._spectra.result()
        return {BACKING: measured[MIXTURE], **measured}

    @cached_property
    def sps_rms(self) -> dict[str, dict[str, float | None]]:
        """Distance from the middle by band, once all has come."""
        measured = self._sps.result()
        return {BACKING: measured[MIXTURE], **measured}

    def _add_spectra(self, sounds: Mapping[str, np.ndarray]) -> None:
        self._spectra.add(sounds, {name: self.sounds[name].floors for name in self._measured})

    def _sounds_of(self, piece: Piece) -> dict[str, np.ndarray]:
        stems = {name: piece[name] for name in self.separated}
        if MIXTURE in piece:
            return with_backing(stems, piece[MIXTURE])
        stack = stacked([*stems.values()])
        vocals = self.separated.index(VOCALS) if VOCALS in stems else -1
        backing, mixture = np.empty((2, 2, stack.shape[1]), np.float32)
        _sum(stack.reshape(len(stems), -1), vocals, backing.reshape(-1), mixture.reshape(-1))
        return {**stems, BACKING: backing if VOCALS in stems else mixture, MIXTURE: mixture}

    @cached_property
    def _measured(self) -> list[str]:
        """Names of the sounds, without a backing that is the mixture."""
        return [name for name in self.sounds if name != BACKING or VOCALS in self.sounds]


@numba.njit(cache=True, nogil=True)
def _sum(stems: np.ndarray, vocals: int, backing: np.ndarray, mixture: np.ndarray) -> None:
    """Write `sum_of` stems and what it is without one of them, as `with_backing` has it, in one pass."""
    for first in range(0, mixture.size, _SUMMED_AT_ONCE):
        part = slice(first, min(first + _SUMMED_AT_ONCE, mixture.size))
        total, one = mixture[part], stems[0, part]
        for n in range(total.size):
            total[n] = one[n]
        for k in range(1, len(stems)):
            other = stems[k, part]
            for n in range(total.size):
                total[n] += other[n]
        if vocals >= 0:
            rest, voice = backing[part], stems[vocals, part]
            for n in range(total.size):
                rest[n] = total[n] - voice[n]


class MeasuredSong(StemSet):
    """A song of which the samples are gone."""

    def __init__(self, sums: _SongSums, is_estimated: bool) -> None:
        self.separated, self.is_estimated, self._song = sums.separated, is_estimated, sums
        self._given = {}
        self._sounds = {name: MeasuredStem(_GONE, SAMPLE_RATE_HZ, name, self, sums) for name in sums.sounds}

    @cached_property
    def levels(self) -> SongLevels:
        """Energies of every 100 ms of all its sounds."""
        return self._song.levels.result()

    @property
    def spectra(self) -> dict[str, LongTermSpectra]:  # type: ignore[override]
        """Long-term spectra of all its sounds, by name."""
        return self._song.spectra

    @property
    def sps_rms(self) -> dict[str, dict[str, float | None]]:  # type: ignore[override]
        """Distance from the middle by band, of all its sounds, by name."""
        return self._song.sps_rms

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self._song.samples / SAMPLE_RATE_HZ

    def rows(self) -> Iterator[Stem]:
        """The stems, the backing and the mixture, then "song": one for each row of the song's table."""
        yield from self._sounds.values()
        yield MeasuredStem(_GONE, SAMPLE_RATE_HZ, SONG, self, self._song)


_GONE = np.zeros((2, 0), np.float32)


@dataclass(frozen=True, eq=False)
class MeasuredStem(Stem):
    """One sound of such a song: what `Stem` measures is known, `audio` is gone.

    Attributes:
        sums: of the song.
    """

    sums: _SongSums = field(repr=False)

    def __post_init__(self) -> None:
        """Check nothing: there are no samples."""

    def __getattribute__(self, name: str) -> Any:
        """Refuse the samples: a statistic that took none for a silent sound would be null without a word.

        Raises:
            ValueError: if it is asked for them.
        """
        if name == "audio":
            raise ValueError("a statistic reads samples of a song that came in pieces: register it with whole=True")
        return super().__getattribute__(name)

    @property
    def channels(self) -> int:
        """Number of channels."""
        return 2

    @property
    def _own(self) -> _SoundSums:
        return self.sums.sounds[MIXTURE if self.name == SONG else self.name]

    @property
    def samples(self) -> int:
        """Samples of each channel."""
        return self._own.samples

    @property
    def true_peak_dbtp(self) -> float | None:  # type: ignore[override]
        """True peak over all channels; None for digital silence."""
        return self._own.true_peak_dbtp

    @property
    def peak(self) -> float:  # type: ignore[override]
        """Largest sample over all channels."""
        return self._own.peak

    @property
    def crest_factor_db(self) -> float | None:  # type: ignore[override]
        """Peak over root mean square, both over all channels; None for digital silence."""
        left, right, _ = self.energies
        return crest_factor_of_sums_db(self.peak, left + right, 2 * self.samples) if self.peak > 0 else None

    @property
    def onset_peaks_db(self) -> tuple[float, float] | None:  # type: ignore[override]
        """Mean and standard deviation of the loudest onset peaks; None where it is silent, or has no onset."""
        return None if self.silent else self._own.onset_peaks_db

    @property
    def energies(self) -> tuple[float, float, float]:  # type: ignore[override]
        """Sums of L^2, R^2 and L R."""
        return self._own.energies

    @cached_property
    def tempo_bpm(self) -> float | None:
        """Tempo of the backing; None where it is silent."""
        return None if self.silent else self.sums.tempo.result()

    @cached_property
    def reverberation(self) -> Reverberation | None:
        """What the vocals are in, as estimated in front of the backing."""
        return self.sums.singing.result()

"""One sound: its samples and their rate together, and what is measured of it, each once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
import soxr

from mixprior.stats import long_term_spectra, loudness_blocks
from mixprior.stats.errors import InputError
from mixprior.stats.measures import dynamics, loudness, loudness_range, panning, true_peak
from mixprior.stats.statistic import SAMPLE_RATE_HZ

RATES_HZ = (8_000, 192_000)
"""Lowest and highest sample rate of a sound."""


@dataclass(frozen=True, eq=False)
class Sound:
    """Samples and their rate. What is measured is kept: asking again costs nothing, so the samples must not change.

    `blocks`, `spectra`, `true_peak_dbtp`, `peak`, `energies`, `sps_rms` and what follows from them can also be
    measured in pieces, with the same numbers: `loudness_blocks.BlockEnergies`, `long_term_spectra.SongSpectra`,
    `true_peak.PeakSearch`, `hop_energies.HopEnergies`, `panning.SpsFrames`, `dynamics.OnsetPeaks`.

    Attributes:
        audio: float32, shape (channels, samples), one or two channels, full scale 1.0.
        rate_hz: sample rate, 8 to 192 kHz.

    Raises:
        InputError: if shape, type or rate are others. Whether samples are finite is checked by `Sound.of` alone.

    >>> tone = 0.1 * np.sin(2 * np.pi * 1000 * np.arange(48_000) / 48_000)
    >>> sound = Sound.of(np.stack([tone, tone]), 48_000)
    >>> round(sound.integrated_lufs, 2), round(sound.true_peak_dbtp, 2), sound.duration_s
    (-19.99, -19.99, 1.0)
    >>> sound.at(44_100).audio.shape
    (2, 44100)
    """

    audio: np.ndarray
    rate_hz: int

    def __post_init__(self) -> None:
        if (fault := _fault(self.audio, self.rate_hz)) is not None:
            raise InputError(f"the sound {fault}")

    @classmethod
    def of(cls, audio: np.ndarray, rate_hz: int, name: str = "the sound") -> Sound:
        """Take an array that comes from outside: checked in full, and converted where that is safe.

        Args:
            audio: of any floating type, shape (channels, samples), or (samples,) for mono; one or two channels.
            rate_hz: sample rate.
            name: what messages call it.

        Raises:
            InputError: if the shape is another, such as (samples, channels); if the samples are integers, or not all
                finite; or if the rate is not one of 8 to 192 kHz.

        >>> Sound.of(np.zeros((100, 2)), 48_000, "vocals")
        Traceback (most recent call last):
            ...
        mixprior.stats.errors.InputError: vocals has shape (100, 2): give (channels, samples), the array's transpose .T
        """
        audio = np.asarray(audio)
        if audio.ndim == 1:
            audio = audio[np.newaxis]
        if np.issubdtype(audio.dtype, np.floating):
            audio = np.ascontiguousarray(audio, np.float32)
        if (fault := _fault(audio, rate_hz)) is not None:
            raise InputError(f"{name} {fault}")
        if not np.isfinite(audio).all():
            raise InputError(f"{name} holds samples that are not numbers (NaN or infinite)")
        return cls(audio, int(rate_hz))

    @classmethod
    def sum(cls, sounds: Iterable[Sound]) -> Sound:
        """Sum sounds that start together; silence follows the shorter ones.

        Raises:
            ValueError: if there is none, or if their rates or channels differ.

        >>> one, two = (Sound(np.ones((1, n), np.float32), 8000) for n in (2, 3))
        >>> Sound.sum([one, two]).audio.tolist()
        [[2.0, 2.0, 1.0]]
        """
        sounds = list(sounds)
        if len({(sound.rate_hz, sound.channels) for sound in sounds}) != 1:
            raise ValueError("give sounds of one rate and with equally many channels")
        first = max(sounds, key=lambda sound: sound.samples)
        total = np.zeros_like(first.audio)
        for sound in sounds:
            total[:, : sound.samples] += sound.audio
        return cls(total, first.rate_hz)

    @property
    def channels(self) -> int:
        """Number of channels, 1 or 2."""
        return len(self.audio)

    @property
    def samples(self) -> int:
        """Samples of each channel."""
        return self.audio.shape[1]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples / self.rate_hz

    @cached_property
    def blocks(self) -> loudness_blocks.Blocks:
        """Energies of every 100 ms, K-weighted and plain: what all measures of level are made of."""
        return loudness_blocks.measure(self.audio, self.rate_hz)

    @cached_property
    def spectra(self) -> long_term_spectra.LongTermSpectra:
        """Long-term spectra at 44.1 kHz, as priors have them; a mono sound is taken as equal in both channels."""
        return long_term_spectra.measure(self.at(SAMPLE_RATE_HZ).stereo.audio)

    @cached_property
    def integrated_lufs(self) -> float | None:
        """Integrated loudness (BS.1770-5); None where nothing passes -70 LUFS, or under 400 ms."""
        return loudness.integrated_lufs(self.blocks.weighted)

    @property
    def silent(self) -> bool:
        """Whether it has no integrated loudness."""
        return self.integrated_lufs is None

    @cached_property
    def momentary_lufs(self) -> np.ndarray:
        """Loudness of every 400 ms at steps of 100 ms (EBU Tech 3341, "M"): see `loudness.momentary_lufs`."""
        return loudness.momentary_lufs(self.blocks.weighted)

    @cached_property
    def short_term_lufs(self) -> np.ndarray:
        """Loudness of every 3 s at steps of 100 ms (EBU Tech 3341, "S"): see `loudness.short_term_lufs`."""
        return loudness.short_term_lufs(self.blocks.weighted)

    @cached_property
    def loudness_range_lu(self) -> float | None:
        """Loudness range (EBU Tech 3342): see `loudness_range.loudness_range_lu`."""
        return loudness_range.loudness_range_lu(self.blocks.weighted)

    @cached_property
    def loudness_range_100ms_lu(self) -> float | None:
        """The same rule on 100 ms: see `loudness_range.loudness_range_100ms_lu`."""
        return loudness_range.loudness_range_100ms_lu(self.blocks.weighted)

    @cached_property
    def true_peak_dbtp(self) -> float | None:
        """True peak over all channels (BS.1770-5, annex 2); None for digital silence."""
        return true_peak.true_peak_dbtp(self.audio)

    @cached_property
    def peak(self) -> float:
        """Largest sample over all channels, 0 for none."""
        return max(float(self.audio.max(initial=0.0)), -float(self.audio.min(initial=0.0)))

    @cached_property
    def crest_factor_db(self) -> float | None:
        """Peak over root mean square, both over all channels; None for digital silence."""
        return dynamics.crest_factor_db(self.audio) if self.peak > 0 else None

    @cached_property
    def onset_peaks_db(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the loudest onset peaks at 44.1 kHz: see `dynamics.onset_peaks_db`.

        None where the sound is silent, or has no onset.
        """
        return None if self.silent else dynamics.onset_peaks_db(self.at(SAMPLE_RATE_HZ).audio)

    @cached_property
    def energies(self) -> tuple[float, float, float]:
        """Sums of L^2, R^2 and L R; a mono sound is taken as equal in both channels."""
        return panning.energies(self.stereo.audio)

    @cached_property
    def sps_rms(self) -> dict[str, float | None]:
        """Distance from the middle by band, at 44.1 kHz: see `panning.sps_rms`."""
        return panning.sps_rms(self.at(SAMPLE_RATE_HZ).stereo.audio)

    @cached_property
    def stereo(self) -> Sound:
        """The sound in two channels: a mono one is in both as it is, which reads 3 LU louder."""
        return self if self.channels == 2 else Sound(np.repeat(self.audio, 2, axis=0), self.rate_hz)

    def at(self, rate_hz: int, quality: Literal["HQ", "VHQ"] = "HQ") -> Sound:
        """Resample it by soxr, once for each rate; itself where that is its rate.

        Args:
            rate_hz: the rate wanted.
            quality: soxr's recipe: "HQ", by which songs are mined, to measure; "VHQ" for a sound that is written.
        """
        if rate_hz == self.rate_hz:
            return self
        known = self._resampled.get((rate_hz, quality))
        if known is None:
            audio = self.audio
            if self.samples:
                audio = np.ascontiguousarray(soxr.resample(audio.T, self.rate_hz, rate_hz, quality).T)
            known = self._resampled[rate_hz, quality] = Sound(audio, rate_hz)
        return known

    def gained(self, gain_db: float) -> Sound:
        """Amplify it; itself for 0 dB."""
        return self if gain_db == 0 else Sound(self.audio * np.float32(10 ** (gain_db / 20)), self.rate_hz)

    @cached_property
    def _resampled(self) -> dict[tuple[int, str], Sound]:
        return {}


def _fault(audio: np.ndarray, rate_hz: int) -> str | None:
    """What is wrong with samples and rate, as a clause; None if nothing is."""
    low, high = RATES_HZ
    if audio.ndim != 2 or len(audio) not in (1, 2):
        remedy = ", the array's transpose .T" if audio.ndim == 2 and audio.shape[1] in (1, 2) else ""
        return f"has shape {audio.shape}: give (channels, samples){remedy or ', with one or two channels'}"
    if audio.dtype != np.float32:
        return f"has samples of type {audio.dtype}: give float32, full scale 1.0"
    if not low <= rate_hz <= high:
        return f"has a sample rate of {rate_hz} Hz: give one of {low} to {high} Hz"
    return None

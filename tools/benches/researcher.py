"""The script that one would write to get a song's figures from the libraries there are.

Each stem is read once, each sound has one STFT a channel, and each library is called once for what it offers:
pyloudnorm for loudness and range, librosa for spectra, onsets and tempo, scipy for filters and true peaks. No library
estimates the reverberation of a voice in a mix, and the script does not.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import pyloudnorm
import soundfile
from scipy.signal import lfilter, resample_poly

FRAME, HOP = 2048, 1024
BANDS_HZ = {"full": (0, 22_050), "low": (0, 250), "mid": (250, 2500), "high": (2500, 22_050)}
THIRD_OCTAVES_HZ = 1000.0 * 10.0 ** (np.arange(-16, 14) / 10)


def figures(folder: Path) -> dict[str, dict[str, Any]]:
    """Figures of every sound of a song whose stems are the WAV files of a folder; "song" holds those of the whole."""
    sounds = {}
    for path in sorted(folder.glob("*.wav")):
        audio, rate_hz = soundfile.read(path, dtype="float32")
        sounds[path.stem] = audio
    mixture = sum(sounds.values())
    sounds = {**sounds, "backing": mixture - sounds["vocals"], "mixture": mixture}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pyloudnorm, about clipping
        found = {name: sound_figures(audio, rate_hz) for name, audio in sounds.items()}
        found["song"] = song_figures(sounds, found, rate_hz)
    return found


def sound_figures(audio: np.ndarray, rate_hz: int) -> dict[str, Any]:
    """Figures of one sound, shape (samples, 2)."""
    meter = pyloudnorm.Meter(rate_hz, filter_class="DeMan")
    integrated_lufs = meter.integrated_loudness(audio)
    blocks = energies(audio, meter, rate_hz)
    return {
        "integrated_lufs": integrated_lufs,
        "loudness_range_lu": meter.loudness_range(audio),
        "max_momentary_lufs": loudness_lufs(blocks, 20).max(),
        "max_short_term_lufs": loudness_lufs(blocks, 150).max(),
        "bleed_floor_lufs": np.percentile(loudness_lufs(blocks, 20), 10),
        "blocks": blocks,
        "true_peak_dbtp": 20 * np.log10(np.abs(resample_poly(audio, 4, 1, axis=0)).max()),
        **spectral_figures(audio, rate_hz, integrated_lufs),
        **panning(audio),
    }


def energies(audio: np.ndarray, meter: pyloudnorm.Meter, rate_hz: int) -> np.ndarray:
    """K-weighted energy in blocks of 20 ms."""
    weighted = audio
    for stage in meter._filters.values():
        weighted = lfilter(stage.b, stage.a, weighted, axis=0)
    step = rate_hz // 50
    whole = weighted[: len(weighted) // step * step]
    return np.asarray(np.square(whole).reshape(-1, step, 2).mean(axis=1).sum(axis=1))


def loudness_lufs(blocks: np.ndarray, count: int) -> np.ndarray:
    """Loudness of windows of so many blocks."""
    means = np.convolve(blocks, np.full(count, 1 / count), "valid")
    return -0.691 + 10 * np.log10(np.maximum(means, 1e-12))


def spectral_figures(audio: np.ndarray, rate_hz: int, integrated_lufs: float) -> dict[str, Any]:
    """What the STFT shows: spectrum, panning similarity, onsets and tempo."""
    left, right = (np.abs(librosa.stft(channel, n_fft=FRAME, hop_length=HOP)) for channel in audio.T)
    frequencies_hz = librosa.fft_frequencies(sr=rate_hz, n_fft=FRAME)
    magnitude = (left.mean(axis=1) + right.mean(axis=1)) / 2
    power = (left**2 + right**2).mean(axis=1)
    edges_hz = np.append(THIRD_OCTAVES_HZ / 10**0.05, THIRD_OCTAVES_HZ[-1] * 10**0.05)
    bands = np.histogram(frequencies_hz, edges_hz, weights=power / power.sum())[0]
    bands_db = 10 * np.log10(np.maximum(bands, 1e-12))
    widths_hz = np.diff(edges_hz)
    tilt = np.polyfit(np.log2(THIRD_OCTAVES_HZ[6:27]), bands_db[6:27] - 10 * np.log10(widths_hz[6:27]), 1)[0]
    phi = 2 * left * right / np.maximum(left**2 + right**2, 1e-12)
    sps = {}
    for name, (low, high) in BANDS_HZ.items():
        inside = (frequencies_hz >= low) & (frequencies_hz <= high)
        sps[f"sps_rms_{name}"] = np.sqrt(((1 - phi[inside]) ** 2).mean(axis=0)).mean()
    mono = librosa.power_to_db(librosa.feature.melspectrogram(S=((left + right) / 2) ** 2, sr=rate_hz))
    strength = librosa.onset.onset_strength(S=mono, sr=rate_hz, hop_length=HOP)
    onsets = librosa.onset.onset_detect(onset_envelope=strength, sr=rate_hz, hop_length=HOP, units="samples")
    return {
        "magnitude_spectrum_db": 20 * np.log10(np.maximum(magnitude, 1e-12)) - 30 - integrated_lufs,
        "third_octave_db": bands_db,
        "centroid_hz": np.average(frequencies_hz, weights=power),
        "tilt_db_per_octave": tilt,
        "sps_phi": phi.mean(axis=1),
        **sps,
        **hits(audio, onsets),
        "tempo_bpm": librosa.feature.tempo(onset_envelope=strength, sr=rate_hz, hop_length=HOP)[0],
    }


def hits(audio: np.ndarray, onsets: np.ndarray) -> dict[str, float]:
    """Mean and spread of the loudest peaks from onset to onset, and the crest factor."""
    peak = np.abs(audio).max()
    starts = onsets[onsets < len(audio)]
    peaks = np.maximum.reduceat(np.abs(audio), starts, axis=0).max(axis=1) if len(starts) else np.array([peak])
    peaks_db = 20 * np.log10(peaks / peak + 1e-12) - 10
    loudest = peaks_db[peaks_db >= np.percentile(peaks_db, 75)]
    crest_db = 20 * np.log10(peak / np.sqrt(np.mean(audio**2)))
    return {"onset_peak_mean_db": loudest.mean(), "onset_peak_sd_db": loudest.std(), "crest_factor_db": crest_db}


def panning(audio: np.ndarray) -> dict[str, float]:
    """Position, and share of energy in the middle."""
    left, right = np.sqrt(np.mean(audio**2, axis=0))
    middle, side = np.sum((audio[:, 0] + audio[:, 1]) ** 2), np.sum((audio[:, 0] - audio[:, 1]) ** 2)
    return {"pan_position": right / (left + right), "mid_energy_fraction": middle / (middle + side)}


def song_figures(sounds: dict[str, np.ndarray], found: dict[str, Any], rate_hz: int) -> dict[str, float]:
    """Vocals against backing, by four definitions."""
    meter = pyloudnorm.Meter(rate_hz, filter_class="DeMan")
    vocals, backing = sounds["vocals"], sounds["backing"]
    voice_lufs = loudness_lufs(found["vocals"]["blocks"], 20)
    mixture_lufs = loudness_lufs(found["mixture"]["blocks"], 20)
    active = (voice_lufs > found["vocals"]["integrated_lufs"] - 20) & (voice_lufs > mixture_lufs - 20)
    sung = np.convolve(active, np.ones(20)) > 0
    step = rate_hz // 50
    levels = [np.square(audio[: len(sung) * step]).reshape(-1, step, 2).sum(axis=(1, 2)) for audio in (vocals, backing)]
    mono = [meter.integrated_loudness(audio.mean(axis=1)) for audio in (vocals, backing)]
    return {
        "vocal_active_ratio": active.mean(),
        "vocal_to_backing_lu": found["vocals"]["integrated_lufs"] - found["backing"]["integrated_lufs"],
        "vocal_to_backing_mono_lu": mono[0] - mono[1],
        "vocal_to_backing_rms_db": 10 * np.log10(levels[0].sum() / levels[1].sum()),
        "vocal_to_backing_active_rms_db": 10 * np.log10(levels[0][sung].sum() / levels[1][sung].sum()),
        "duration_s": len(vocals) / rate_hz,
    }

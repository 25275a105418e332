"""Spectrum and tempo of four minutes of stereo, beside librosa."""

from __future__ import annotations

import numpy as np

from tools.benches.comparison import Comparison, Peer, difference
from tools.benches.sounds import MINUTES, RATE_HZ, bursts, song


def spectra(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean magnitude in dB, and phi."""
    from mixprior.stats import long_term_spectra

    measured = long_term_spectra.measure(audio)
    return 20 * np.log10(measured.magnitude), measured.phi


def spectra_by_librosa(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The same as a script would get them; both channels' spectra are held in memory."""
    import librosa

    from mixprior.stats.long_term_spectra import FRAME, HOP

    window = np.sqrt(np.hanning(FRAME + 1)[:-1])
    left, right = (
        np.abs(librosa.stft(channel, n_fft=FRAME, hop_length=HOP, window=window, center=False)) for channel in audio
    )
    magnitude = (left.mean(axis=1) + right.mean(axis=1)) / 2
    return 20 * np.log10(magnitude), (2 * left * right / (left**2 + right**2)).mean(axis=1)


def tempo(audio: np.ndarray) -> float:
    from mixprior.stats.measures import tempo

    return float(tempo.tempo_bpm(audio.mean(axis=0)) or 0.0)


def tempo_by_librosa(audio: np.ndarray) -> float:
    import librosa

    strength = librosa.onset.onset_strength(y=audio.mean(axis=0), sr=RATE_HZ, hop_length=1024)
    return float(librosa.feature.tempo(onset_envelope=strength, sr=RATE_HZ, hop_length=1024)[0])


ROWS = (
    Comparison(
        "spectra",
        f"mean spectrum and panning by frequency, {MINUTES} minutes of stereo",
        spectra,
        Peer("librosa.stft", spectra_by_librosa),
        bursts,
        off=difference,
        unit="dB or 1",
    ),
    Comparison(
        "tempo",
        f"tempo, {MINUTES} minutes",
        tempo,
        Peer("librosa.feature.tempo", tempo_by_librosa),
        song,
        off=difference,
        unit="BPM",
    ),
)

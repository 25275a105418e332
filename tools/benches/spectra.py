"""CPU seconds of the spectrum, panning, dynamics and tempo statistics of a 4-minute stereo sound.

Run it with `python -m tools.benches.spectra`. It holds the shared pass of long FFTs against the same figures by
`librosa.stft`, and prints the largest difference between the two.
"""

from __future__ import annotations

from dataclasses import fields

import librosa
import numpy as np

from mixprior.stats import long_term_spectra
from mixprior.stats.long_term_spectra import FRAME, HOP
from mixprior.stats.measures import dynamics, panning, spectrum, tempo
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import Stem, StemSet
from tools.benches.cpu_time import cpu_s

MINUTES = 4
WINDOW = np.sqrt(np.hanning(FRAME + 1)[:-1])


def band(minutes: float) -> np.ndarray:
    """Coloured noise in bursts, a little wide: shape (2, samples)."""
    rng = np.random.default_rng(0)
    samples = round(minutes * 60 * SAMPLE_RATE_HZ)
    middle, side = rng.standard_normal((2, samples), dtype=np.float32)
    pulse = np.exp(-(np.arange(samples) % (SAMPLE_RATE_HZ // 2)) / (0.1 * SAMPLE_RATE_HZ)).astype(np.float32)
    return 0.05 * pulse * np.stack([middle + 0.3 * side, middle - 0.3 * side])


def with_librosa(audio: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Mean magnitude and phi as a script would get them; both channels' spectra are held in memory."""
    left, right = (
        np.abs(librosa.stft(channel, n_fft=FRAME, hop_length=HOP, window=WINDOW, center=False)) for channel in audio
    )
    magnitude = (left.mean(axis=1) + right.mean(axis=1)) / 2
    return magnitude, (2 * left * right / (left**2 + right**2)).mean(axis=1)


def main() -> None:
    """Print the table."""
    audio = band(MINUTES)
    silence = np.zeros_like(audio)

    def stem() -> Stem:
        return StemSet({"vocals": silence, "other": audio}, audio)["other"]

    measured = stem()
    blocks = measured.blocks
    measured.spectra  # noqa: B018 -- keeps them
    kept = {field.name for field in fields(measured)} | {"blocks", "spectra"}

    def known() -> Stem:
        """The stem, of which blocks and spectra alone are measured."""
        for name in set(measured.__dict__) - kept:
            del measured.__dict__[name]
        return measured

    rows = [
        ("spectrum and phi, librosa.stft", lambda: with_librosa(audio)),
        ("spectrum and phi, ours", lambda: long_term_spectra.measure(audio)),
        ("panning RMS, 2,048-sample frames", lambda: panning.sps_rms(audio)),
        ("onset peaks and crest factor", lambda: dynamics.STATISTIC.measure(known())),
        ("spectrum statistics, spectra known", lambda: spectrum.STATISTIC.measure(known())),
        ("panning statistics, spectra known", lambda: panning.STATISTIC.measure(known())),
        ("tempo (once a song)", lambda: tempo.tempo_bpm(audio[0])),
    ]
    print(f"{MINUTES} minutes of stereo, CPU seconds (least of 3 runs)")
    for name, work in rows:
        print(f"{name:40s}{cpu_s(work):8.3f}")

    def everything() -> None:
        fresh = stem()
        fresh.__dict__["blocks"] = blocks  # loudness has its own bench
        for statistic in (spectrum.STATISTIC, panning.STATISTIC, dynamics.STATISTIC):
            statistic.measure(fresh)

    print(f"{'all of a stem, without loudness':40s}{cpu_s(everything):8.3f}")
    magnitude, phi = with_librosa(audio)
    ours = long_term_spectra.measure(audio)
    print(f"largest relative difference: spectrum {np.abs(ours.magnitude / magnitude - 1).max():.1e}, ", end="")
    print(f"phi {np.abs(ours.phi / phi - 1).max():.1e}")


if __name__ == "__main__":
    main()

"""CPU seconds of loudness, range and true peak on four minutes of stereo: `python -m tools.benches.loudness`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pyloudnorm
from scipy.signal import lfilter, resample_poly, sosfilt

from mixprior.pipeline.audio.decode import decode
from mixprior.stats.loudness_blocks import k_weighting, measure
from mixprior.stats.measures.loudness import integrated_lufs, max_momentary_lufs, max_short_term_lufs
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu, loudness_range_lu
from mixprior.stats.measures.true_peak import true_peak_dbtp
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools import SHARED
from tools.benches.cpu_time import cpu_s

SONGS = SHARED / "music" / "songs"
SECONDS = 240


def song() -> tuple[str, np.ndarray]:
    """Four minutes of real music, repeated to length; swelling noise where the songs are not beside the checkout."""
    for path in sorted(SONGS.glob("*Better*")):
        return path.stem, np.resize(decode(str(path)).T, (SECONDS * SAMPLE_RATE_HZ, 2)).T.copy()
    noise = np.random.default_rng(1).standard_normal((2, SECONDS * SAMPLE_RATE_HZ))
    swell = 1 + np.sin(np.arange(noise.shape[1]) / SAMPLE_RATE_HZ)
    return "swelling noise", (0.02 * swell * lfilter([1], [1, -0.95], noise)).astype(np.float32)


def scipy_blocks(audio: np.ndarray) -> np.ndarray:
    """K-weighted mean squares of 100 ms, by scipy."""
    filtered = sosfilt(k_weighting(SAMPLE_RATE_HZ), audio.astype(np.float64), axis=-1)
    block = SAMPLE_RATE_HZ // 10
    return np.square(filtered[:, : filtered.shape[1] // block * block]).reshape(len(audio), -1, block).mean(axis=-1)


def oversampled_peak_dbtp(audio: np.ndarray) -> float:
    """True peak by oversampling everything."""
    return 20 * float(np.log10(np.abs(resample_poly(audio, 4, 1, axis=-1)).max()))


def all_of(audio: np.ndarray) -> tuple[object, ...]:
    """Every loudness measure of one sound."""
    blocks = measure(audio, SAMPLE_RATE_HZ)
    ranges = loudness_range_lu(blocks.weighted), loudness_range_100ms_lu(blocks.weighted)
    return integrated_lufs(blocks.weighted), *ranges, max_short_term_lufs(blocks), max_momentary_lufs(blocks)


def main() -> None:
    """Print the table."""
    name, audio = song()
    noise = (0.1 * np.random.default_rng(1).standard_normal(audio.shape)).astype(np.float32)
    clipped = np.clip(noise, -0.05, 0.05)
    meter = pyloudnorm.Meter(SAMPLE_RATE_HZ, filter_class="DeMan")
    rows: list[tuple[str, Callable[[], object]]] = [
        ("I: ours", lambda: integrated_lufs(measure(audio, SAMPLE_RATE_HZ).weighted)),
        ("I: scipy sosfilt and our gates", lambda: integrated_lufs(scipy_blocks(audio))),
        ("I: pyloudnorm", lambda: float(meter.integrated_loudness(audio.T))),
        ("LRA: pyloudnorm", lambda: float(meter.loudness_range(audio.T))),
        ("I, LRA, 100 ms range, max S, max M: ours", lambda: all_of(audio)),
    ]
    for sound, label in ((audio, "song"), (noise, "noise"), (clipped, "clipped noise")):
        rows += [
            (f"true peak of {label}: ours", partial(true_peak_dbtp, sound)),
            (f"true peak of {label}: resample_poly", partial(oversampled_peak_dbtp, sound)),
        ]
    print(f"{name}, {SECONDS} s stereo at {SAMPLE_RATE_HZ} Hz; least CPU time of 3 runs, compiled")
    for label, work in rows:
        numbers = np.round(np.atleast_1d(np.asarray(work(), float)), 4).tolist()
        print(f"{label:42s} {1000 * cpu_s(work):8.1f} ms   {numbers}")


if __name__ == "__main__":
    main()

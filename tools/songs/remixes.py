"""Excerpts of songs as training pairs of known truth: mixed again at levels and tilts drawn, and separated again.

`python -m tools.songs.remixes STEMS -o OUTPUT`: STEMS is a folder of stems by song, as the evaluation and
`mixprior.learning.scenes.songs` keep them (.npz of vocals, drums, bass and other). An excerpt is as long as HTDemucs
separates in one segment. Its file holds log-mel spectra of vocals and backing as they are in STEMS, then after each
separation of a remix, whose level, range and tilts were drawn without regard to the audio. What is kept is not made
again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy.signal import istft, stft

from mixprior.learning.predictor.known_truth import heard_in
from mixprior.mixing.evaluation.damage import expanded, filtered
from mixprior.mixing.learned.mel import log_mel_db
from mixprior.pipeline.store.files import replacing
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ, VOCALS

SAMPLES = 257_985
"""5.85 s: three quarters of a segment of HTDemucs, whose last quarter overlaps the next."""
REMIXES = 3
LEVEL_LU, LEVEL_SD_LU, LEVELS_LU = -2.2, 3.0, (-10.0, 6.0)
"""Vocals to backing of a remix: about what MUSDB18-HQ has (mean -2.35, standard deviation 2.7)."""
MOST_EXPANSION = 0.4
TILT_SD_DB_PER_OCTAVE = 2.0
"""Of each sound: so that what the law is of differs between the remixes of a song, and not by song alone."""
LEAST_LU = -12.0
"""Excerpts whose vocals are further below their backing are left out: there are none to be heard."""
TRIES = 3
"""Starts tried for each excerpt that is wanted."""
_WINDOW, _HOP = 4096, 3072
_EMPTY = 1000
"""Bytes of a file that says that nobody sings, at most."""

Pair = tuple[np.ndarray, np.ndarray]
"""Vocals and backing: float32, (2, samples), 44.1 kHz."""


def by_mask(vocals: np.ndarray, backing: np.ndarray) -> Pair:
    """Separate a sum as one who knows its parts: by the ratio of their magnitudes in each bin of a spectrogram.

    What the two share stays in both, and more of it in the softer one, as with a trained separator.
    """
    mix = vocals + backing
    spectra = [stft(x, nperseg=_WINDOW, noverlap=_HOP)[2] for x in (vocals, backing)]
    mask = np.abs(spectra[0]) / (np.abs(spectra[0]) + np.abs(spectra[1]) + 1e-9)
    _, heard = istft(mask * (spectra[0] + spectra[1]), nperseg=_WINDOW, noverlap=_HOP)
    heard = heard[:, : mix.shape[1]].astype(np.float32)
    return heard, mix - heard


def by_htdemucs() -> Callable[[np.ndarray, np.ndarray], Pair]:
    """Return what separates a sum by the project's own separation."""
    from mixprior.pipeline.separation.separator import SeparationSettings, load  # torch and the model

    separator = load(SeparationSettings())

    def separated(vocals: np.ndarray, backing: np.ndarray) -> Pair:
        mix = np.ascontiguousarray(vocals + backing, np.float32)
        heard = separator.separate(mix)[VOCALS]
        return heard, mix - heard

    return separated


def made(
    separated: Callable[[np.ndarray, np.ndarray], Pair], first: Pair, seed: Sequence[int], remixes: int = REMIXES
) -> dict[str, np.ndarray] | None:
    """Make the pairs of an excerpt; None where nobody sings.

    Args:
        separated: separates the sum of two sounds.
        first: vocals and backing as they are at hand.
        seed: of levels and ranges: a remix has the same, whatever separates it.
        remixes: how many.

    Returns:
        `mel_db` (1 + remixes, 2, bands, frames) in float16, of vocals and backing; `lufs` (1 + remixes, 2) of both;
        `level_lu`, `range_lu` (1 + remixes) and `heard` (1 + remixes, 2) as they were before the separation.
    """
    rng = np.random.default_rng(seed)
    level_lu = _level_lu(first)
    if level_lu is None or level_lu < LEAST_LU:
        return None
    pairs, levels, ranges, heard = [first], [level_lu], [_range_lu(first[0])], [heard_in(*map(log_mel_db, first))]
    for _ in range(remixes):
        wanted_lu = float(np.clip(rng.normal(LEVEL_LU, LEVEL_SD_LU), *LEVELS_LU))
        vocals, backing = (
            filtered(each, float(rng.normal(0, TILT_SD_DB_PER_OCTAVE))).astype(np.float32) for each in first
        )
        vocals = expanded(vocals, float(rng.uniform(-MOST_EXPANSION, MOST_EXPANSION))).astype(np.float32)
        known_lu = _level_lu((vocals, backing))
        if known_lu is None:
            return None
        vocals = vocals * np.float32(10 ** ((wanted_lu - known_lu) / 20))
        again = separated(vocals, backing)
        if _level_lu(again) is None:
            return None
        pairs.append(again)
        levels.append(wanted_lu)
        ranges.append(_range_lu(vocals))
        heard.append(heard_in(log_mel_db(vocals), log_mel_db(backing)))
    return {
        "mel_db": np.stack([[log_mel_db(each) for each in pair] for pair in pairs]).astype(np.float16),
        "lufs": np.array([[_sound(each).integrated_lufs for each in pair] for pair in pairs]),
        "level_lu": np.array(levels),
        "range_lu": np.array(ranges, float),
        "heard": np.stack(heard),
    }


def _level_lu(pair: Pair) -> float | None:
    vocals, backing = (_sound(each).integrated_lufs for each in pair)
    return None if vocals is None or backing is None else vocals - backing


def _range_lu(audio: np.ndarray) -> float | None:
    return _sound(audio).loudness_range_100ms_lu


def _sound(audio: np.ndarray) -> Sound:
    return Sound(audio, SAMPLE_RATE_HZ)


def main(argv: Sequence[str]) -> int:
    """`python -m tools.songs.remixes`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stems", type=Path, metavar="STEMS")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    parser.add_argument("--by", choices=("mask", "htdemucs"), default="mask", help="what separates the remixes")
    parser.add_argument("--excerpts", type=int, default=6, metavar="N", help="of each song")
    parser.add_argument("--remixes", type=int, default=REMIXES, metavar="N", help="of each excerpt")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    separated = by_mask if args.by == "mask" else by_htdemucs()
    for path in sorted(args.stems.glob("*.npz")):
        _keep(partial(made, separated, remixes=args.remixes), path, args.output, args.excerpts)
    return 0


def _keep(
    make: Callable[[Pair, Sequence[int]], dict[str, np.ndarray] | None], path: Path, output: Path, wanted: int
) -> None:
    """Make excerpts of a song until there are as many as wanted, or starts are used up."""
    kept = sum(file.stat().st_size > _EMPTY for file in output.glob(f"{path.stem}--*.npz"))
    numbers = [n for n in range(wanted * TRIES) if not (output / f"{path.stem}--{n:02}.npz").exists()]
    if kept >= wanted or not numbers:
        return
    with np.load(path) as stems:
        sounds = {name: stems[name] for name in stems.files}
    for number in numbers:
        seed = [*path.stem.encode(), number]
        start = int(np.random.default_rng(seed).integers(0, sounds[VOCALS].shape[1] - SAMPLES))
        cut = {name: x[:, start : start + SAMPLES].astype(np.float32) for name, x in sounds.items()}
        vocals = cut.pop(VOCALS)
        backing = np.asarray(np.sum(list(cut.values()), axis=0), np.float32)
        arrays = make((vocals, backing), [*seed, 1])
        with replacing(output / f"{path.stem}--{number:02}.npz") as unfinished, unfinished.open("wb") as out:
            np.savez(out, **dict[str, Any](arrays or {}))
        kept += arrays is not None
        if kept >= wanted:
            return


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

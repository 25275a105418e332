"""Excerpts of songs as training pairs of known truth: separated, mixed again at levels drawn, separated again.

`python -m tools.songs.remixes FOLDER... -o OUTPUT`: the sung songs of role `prior` that are in the folders. An excerpt
is as long as HTDemucs separates in one segment. It is kept as one file: log-mel spectra of vocals and backing after the
first separation, then after each separation of a remix, whose level and range were drawn without regard to the audio.
What is kept is not made again, so that a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.mixing.evaluation.damage import expanded
from mixprior.mixing.evaluation.separated import VOICES
from mixprior.mixing.learned.mel import log_mel_db
from mixprior.pipeline.audio.decode import decode
from mixprior.pipeline.catalogs import roles
from mixprior.pipeline.catalogs.roles import Recording
from mixprior.pipeline.separation.separator import SeparationSettings, Separator, load
from mixprior.pipeline.store.files import replacing
from mixprior.pipeline.store.records import SongError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tools import ROLES

ROLE = "prior"
SAMPLES = 257_985
"""5.85 s: three quarters of a segment of HTDemucs, whose last quarter overlaps the next."""
REMIXES = 3
LEVEL_LU, LEVEL_SD_LU, LEVELS_LU = -2.2, 3.0, (-10.0, 6.0)
"""Vocals to backing of a remix: about what MUSDB18-HQ has (mean -2.35, standard deviation 2.7)."""
MOST_EXPANSION = 0.4
LEAST_LU = -15.0
"""Excerpts whose vocals are further below their backing are left out: there are none to be heard."""
TRIES = 3
"""Starts tried for each excerpt that is wanted."""
IN_A_ROW = 2
"""Excerpts of a song before the next song: stopped early, there are some of each."""

_EMPTY = 1000
"""Bytes of a file that says that nobody sings, at most."""

Pair = tuple[np.ndarray, np.ndarray]


def made(separator: Separator, first: Pair, seed: Sequence[int]) -> dict[str, np.ndarray] | None:
    """Make the pairs of an excerpt; None where nobody sings.

    Args:
        separator: of four stems.
        first: vocals and backing of the excerpt, as they were separated: float32, (2, samples), 44.1 kHz.
        seed: of levels and ranges.

    Returns:
        `mel_db` (1 + remixes, 2, bands, frames) in float16, of vocals and backing; `lufs` (1 + remixes, 2) of both;
        `level_lu` and `range_lu` (1 + remixes) as they were before the separation; of the first, as they came out.
    """
    rng = np.random.default_rng(seed)
    level_lu = _level_lu(first)
    if level_lu is None or level_lu < LEAST_LU:
        return None
    pairs, levels, ranges = [first], [level_lu], [_range_lu(first[0])]
    for _ in range(REMIXES):
        wanted_lu = float(np.clip(rng.normal(LEVEL_LU, LEVEL_SD_LU), *LEVELS_LU))
        vocals = expanded(first[0], float(rng.uniform(-MOST_EXPANSION, MOST_EXPANSION))).astype(np.float32)
        known_lu = _level_lu((vocals, first[1]))
        if known_lu is None:
            return None
        vocals = vocals * np.float32(10 ** ((wanted_lu - known_lu) / 20))
        again = _separated(separator, vocals + first[1])
        if _level_lu(again) is None:
            return None
        pairs.append(again)
        levels.append(wanted_lu)
        ranges.append(_range_lu(vocals))
    return {
        "mel_db": np.stack([[log_mel_db(each) for each in pair] for pair in pairs]).astype(np.float16),
        "lufs": np.array([[_sound(each).integrated_lufs for each in pair] for pair in pairs]),
        "level_lu": np.array(levels),
        "range_lu": np.array(ranges, float),
    }


def _separated(separator: Separator, mix: np.ndarray) -> Pair:
    vocals = separator.separate(np.ascontiguousarray(mix, np.float32))["vocals"]
    return vocals, mix - vocals


def _level_lu(pair: Pair) -> float | None:
    vocals, backing = (_sound(each).integrated_lufs for each in pair)
    return None if vocals is None or backing is None else vocals - backing


def _range_lu(audio: np.ndarray) -> float | None:
    return _sound(audio).loudness_range_100ms_lu


def _sound(audio: np.ndarray) -> Sound:
    return Sound(audio, SAMPLE_RATE_HZ)


def songs(folders: Sequence[Path]) -> Iterator[tuple[Recording, Path]]:
    """The sung songs of the role that are in some folders."""
    wanted = [each for each in roles.read(ROLES, ROLE) if each.sung == "yes" and each.collection != VOICES]
    yield from sorted(roles.found_in(folders, wanted).items(), key=lambda item: item[0].song_id)


def main(argv: Sequence[str]) -> int:
    """`python -m tools.songs.remixes`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER")
    parser.add_argument("-o", dest="output", type=Path, required=True)
    parser.add_argument("--excerpts", type=int, default=6, metavar="N", help="of each song")
    args = parser.parse_args(argv)
    args.output.mkdir(parents=True, exist_ok=True)
    separator = load(SeparationSettings())
    for done in range(0, args.excerpts, IN_A_ROW):
        for recording, path in songs(args.folders):
            _keep(separator, recording, path, args.output, min(done + IN_A_ROW, args.excerpts))
    return 0


def _keep(separator: Separator, recording: Recording, path: Path, output: Path, wanted: int) -> None:
    """Make excerpts of a song until there are as many as wanted, or starts are used up."""

    def missing() -> list[int]:
        numbers = [number for number in range(wanted * TRIES) if not _file(output, recording, number).exists()]
        kept = sum(file.stat().st_size > _EMPTY for file in output.glob(f"{recording.song_id}-*.npz"))
        return numbers if kept < wanted else []

    if not missing():
        return
    audio = decode(str(path))
    try:
        vocals, backing = _separated(separator, audio)
    except SongError as error:
        print(f"{path.name}: {error}", file=sys.stderr)
        return
    while numbers := missing():
        seed = [int(recording.song_id, 16), numbers[0]]
        start = int(np.random.default_rng(seed).integers(0, audio.shape[1] - SAMPLES))
        first = vocals[:, start : start + SAMPLES], backing[:, start : start + SAMPLES]
        arrays = made(separator, first, [*seed, 1])
        with replacing(_file(output, recording, numbers[0])) as unfinished, unfinished.open("wb") as out:
            np.savez(out, **dict[str, Any](arrays or {}))
        print(f"{path.name} {start / SAMPLE_RATE_HZ:.1f} s: {'kept' if arrays else 'nobody sings'}", flush=True)


def _file(output: Path, recording: Recording, number: int) -> Path:
    return output / f"{recording.song_id}-{number:02}.npz"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How far each precision and path is from demucs in fp32: `python -m tools.benches.separation_accuracy`.

Separates six whole songs by demucs' `apply_model` and by each path (half an hour of CPU time), writes the table of
docs/performance.md, and returns 1 where an audible stem misses a bar. Stems of demucs and readings are kept in `--kept`
as they come: a run that was stopped goes on where it was, readings of an engine of other sources are made anew.
`--seconds 60` takes the middle of each song and prints the table; `--paths` takes some paths and prints theirs.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np

from mixprior.pipeline.separation.native import kinds
from tools import ROOT
from tools.benches import document, processor
from tools.benches.separation import STEMS, apply_model
from tools.benches.sounds import RATE_HZ, SONGS

if TYPE_CHECKING:
    from mixprior.pipeline.separation.separator import Separator

WHOLE = ("Drum-bass", "Vibe_Ace", "Twit_JournalisT", "Mr_Fancy_Pants", "Not_About_You", "Lets_Go_Fishin")
"""The shortest of the shared songs: 8 minutes."""
SILENCE = "two thirds silence"
AUDIBLE_LU = -30.0
MOST_DRIFT_LU, LEAST_SDR_DB = 0.02, 37.5
SEGMENT_S = 7.8


def _ways() -> dict[str, tuple[str, kinds.Kind | None]]:
    """By the name of a path that this machine can take: its precision, and the kind of the native engine."""
    native = [kind for precision in ("fp32", "bf16") for kind in kinds.chosen(precision, *kinds.machine())]
    built = {f"native {kind.name}": (kind.precision, kind) for kind in native if kinds.library(kind)}
    return {"PyTorch fp32": ("fp32", None), **built}


PATHS = _ways()


@dataclass(frozen=True)
class Reading:
    """One stem by one path, beside the reference.

    Attributes:
        song: its name.
        path: which one, see `PATHS`.
        stem: its name.
        level_lu: integrated loudness of the reference against that of the song; None for silence.
        sdr_db: energy of the reference over that of the difference.
        drift_lu: integrated loudness by the path minus that of the reference; None for silence.
        same_blocks_lu: the same of the blocks that the gates pass in the reference.
    """

    song: str
    path: str
    stem: str
    level_lu: float | None
    sdr_db: float
    drift_lu: float | None
    same_blocks_lu: float | None

    @property
    def audible(self) -> bool:
        """Whether it is heard beside the others."""
        return self.level_lu is not None and self.level_lu >= AUDIBLE_LU

    @property
    def holds(self) -> bool:
        """Whether it keeps the bars, which are those of audible stems of songs."""
        if self.song == SILENCE or not self.audible:
            return True
        return self.sdr_db >= LEAST_SDR_DB and self.drift_lu is not None and abs(self.drift_lu) <= MOST_DRIFT_LU


def songs(seconds: float | None) -> Iterator[tuple[str, np.ndarray]]:
    """The songs, or the middle of each, and the segment that is mostly silent."""
    from mixprior.pipeline.audio.decode import decode

    for name in WHOLE:
        [path] = SONGS.glob(f"*{name}*")
        audio = decode(str(path))
        if seconds:
            first = max(0, (audio.shape[1] - round(seconds * RATE_HZ)) // 2)
            audio = audio[:, first : first + round(seconds * RATE_HZ)]
        yield path.stem.partition(".")[0].replace("_", " "), audio
    [path] = SONGS.glob("*Better*")
    samples = round(SEGMENT_S * RATE_HZ)
    segment = decode(str(path))[:, 60 * RATE_HZ : 60 * RATE_HZ + samples].copy()
    segment[:, : 2 * samples // 3] = 0.0
    yield SILENCE, segment


def separated(audio: np.ndarray, path: str | None) -> np.ndarray:
    """Stems, shape (4, 2, samples), by one of `PATHS`, or by demucs in fp32."""
    import torch

    torch.set_num_threads(1)
    if path is None:
        return apply_model(audio)
    separator = _separator(path)
    found = separator.separate(audio)
    return np.stack([found[name] for name in STEMS])


@lru_cache(maxsize=1)
def _separator(path: str) -> Separator:
    """What separates by a path, whichever this machine would choose."""
    from mixprior.pipeline.separation import separator

    precision, kind = PATHS[path]
    separator._warm.cache_clear()
    with patch.object(kinds, "here", lambda _precision: kind):
        return separator.load(separator.SeparationSettings(device="cpu", precision=precision, threads=1))


def readings(song: str, audio: np.ndarray, paths: list[str], kept: Path) -> list[Reading]:
    """Every stem of a song by each path, those that are kept read back."""
    found = []
    for path in paths:
        file = kept / f"{_digest(song, path, audio)}.json"
        if not file.exists():
            of_path = _read(song, audio, path, _reference(audio, kept))
            _replace(file, json.dumps([asdict(reading) for reading in of_path]).encode())
        found += [Reading(**fields) for fields in json.loads(file.read_text(encoding="utf-8"))]
        print(f"{song}, {path}", file=sys.stderr, flush=True)
    return found


def _digest(song: str, path: str, audio: np.ndarray) -> str:
    """Of all that a reading depends on."""
    digest = hashlib.sha256(f"{song} {path} {processor.description()}".encode())
    digest.update(audio.tobytes())
    folder = ROOT / "pipeline" / "separation"
    engine = [p for p in (folder / "native").iterdir() if p.suffix in (".c", ".h", ".py")]
    for source in sorted([folder / "overlap_add.py", *(engine if PATHS[path][1] else [folder / "eager.py"])]):
        digest.update(source.read_bytes())
    return digest.hexdigest()


def _reference(audio: np.ndarray, kept: Path) -> np.ndarray:
    """Stems by demucs in fp32, kept."""
    file = kept / f"{hashlib.sha256(audio.tobytes()).hexdigest()}.npy"
    if not file.exists():
        stems = separated(audio, None).astype(np.float32)
        with file.with_suffix(f".{os.getpid()}").open("wb") as writing:
            np.save(writing, stems)
        Path(writing.name).replace(file)
    return np.asarray(np.load(file))


def _replace(file: Path, content: bytes) -> None:
    """Write a file that is whole or not there."""
    new = file.with_suffix(f".{os.getpid()}")
    new.write_bytes(content)
    new.replace(file)


def _read(song: str, audio: np.ndarray, path: str, reference: np.ndarray) -> list[Reading]:
    mixture_lufs = _lufs(audio)
    found = []
    for stem, ours, theirs in zip(STEMS, separated(audio, path), reference, strict=True):
        ours_lufs, theirs_lufs = _lufs(ours), _lufs(theirs)
        same_blocks_lu = None if theirs_lufs is None else _same_blocks_lu(ours, theirs)
        error = np.square(ours.astype(np.float64) - theirs).sum()
        sdr_db = 10 * np.log10(np.square(theirs.astype(np.float64)).sum() / (error + 1e-20))
        level_lu = None if theirs_lufs is None or mixture_lufs is None else theirs_lufs - mixture_lufs
        drift_lu = None if ours_lufs is None or theirs_lufs is None else ours_lufs - theirs_lufs
        found.append(Reading(song, path, stem, level_lu, float(sdr_db), drift_lu, same_blocks_lu))
    return found


def _same_blocks_lu(ours: np.ndarray, theirs: np.ndarray) -> float:
    """How much louder ours is where theirs passes the gates of BS.1770."""
    from mixprior.stats.loudness_blocks import measure
    from mixprior.stats.measures import loudness

    energies = [
        loudness.window_means(
            measure(np.ascontiguousarray(audio, np.float32), RATE_HZ).weighted, loudness.MOMENTARY_BLOCKS
        )
        for audio in (ours, theirs)
    ]
    passes = loudness.lufs(energies[1]) > loudness.ABSOLUTE_GATE_LUFS
    passes &= energies[1] > energies[1][passes].mean() * 10 ** (loudness.RELATIVE_GATE_LU / 10)
    return float(10 * np.log10(energies[0][passes].mean() / energies[1][passes].mean()))


def _lufs(audio: np.ndarray) -> float | None:
    from mixprior.stats.loudness_blocks import measure
    from mixprior.stats.measures.loudness import integrated_lufs

    return integrated_lufs(measure(np.ascontiguousarray(audio, np.float32), RATE_HZ).weighted)


def table(found: list[Reading]) -> str:
    """A line a song and path, a cell a stem: SDR, drift, and its level where it is not audible; then the worst."""
    lines = [f"| song | path | {' | '.join(STEMS)} |", f"|---|---|{'---|' * len(STEMS)}"]
    for song in dict.fromkeys(reading.song for reading in found):
        for path in _paths(found):
            cells = [_cell(reading) for reading in found if (reading.song, reading.path) == (song, path)]
            lines.append(f"| {song} | {path} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", *_worst(found), "", f"Machine: {processor.description()}."])


def _paths(found: list[Reading]) -> list[str]:
    return list(dict.fromkeys(reading.path for reading in found))


def _cell(reading: Reading) -> str:
    drift = "silent" if reading.drift_lu is None else f"{reading.drift_lu:+.3f} LU"
    if reading.same_blocks_lu is not None and abs(reading.same_blocks_lu - (reading.drift_lu or 0.0)) > 0.005:
        drift += f" ({reading.same_blocks_lu:+.3f} in the same blocks)"
    level = "" if reading.audible or reading.level_lu is None else f" (at {reading.level_lu:.0f} LU)"
    return f"{reading.sdr_db:.1f} dB, {drift}{level}{'' if reading.holds else ' **missed**'}"


def _worst(found: list[Reading]) -> Iterator[str]:
    for path in _paths(found):
        heard = [each for each in found if each.path == path and each.audible and each.song != SILENCE]
        drift = max(heard, key=lambda each: abs(each.drift_lu or 0.0))
        least = min(heard, key=lambda each: each.sdr_db)
        yield (
            f"- {path}, worst audible stem: drift {drift.drift_lu:+.4f} LU ({drift.stem} of *{drift.song}*), "
            f"SDR {least.sdr_db:.1f} dB ({least.stem} of *{least.song}*)."
        )


def main() -> int:
    """Write the table; return 1 where a bar is missed, 0 without the songs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, help="take so much of each song, print the table, write nothing")
    parser.add_argument("--paths", nargs="+", choices=PATHS, default=list(PATHS))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--kept", type=Path, default=ROOT / "outputs" / "separation_accuracy")
    args = parser.parse_args()
    if not Path(SONGS).is_dir():
        print(f"left out: no songs in {SONGS}")
        return 0
    with ProcessPoolExecutor(args.workers, get_context("spawn")) as pool:
        args.kept.mkdir(parents=True, exist_ok=True)
        work = partial(readings, paths=args.paths, kept=args.kept)
        found = [reading for each in pool.map(work, *zip(*songs(args.seconds), strict=True)) for reading in each]
    print(table(found))
    if args.seconds is None and list(args.paths) == list(PATHS):
        document.replace("accuracy", table(found))
    return int(not all(reading.holds for reading in found))


if __name__ == "__main__":
    sys.exit(main())

"""Rows of features and truths of clips, to train and to evaluate the estimator."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import BinaryIO

import numpy as np

from mixprior.learning.reverb_training import masking, wet_vocals
from mixprior.pipeline.store import files
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.decay_features import OCTAVES_HZ

LEAST_WET_DB = -35.0
"""Below this wet level vocals are dry: lower levels cannot be distinguished."""


@dataclass(frozen=True)
class Rows:
    """Segments of vocals whose reverberation is known.

    Attributes:
        features: float32, (rows, features).
        log_rt: float64, (rows, 6): ln of the reverberation time in s, broadband and in five octaves; NaN unknown.
        wet_db: float64, (rows, 6): wet-to-dry energy in dB, likewise, at least `LEAST_WET_DB`.
        wet: float64, (rows,): the share w of `(1 - w) dry + w wet`, the wet response having unit energy.
        separated: bool, (rows,): whether HTDemucs, or `masking`, separated the vocals from a mixture.
        singer, response: text, (rows,): name of the singer, and kind of the response.
        clip: int64, (rows,): number of the clip, the same for all its rows: a clip of a singer in one reverb may be
            several stretches, and each is a row.
    """

    features: np.ndarray
    log_rt: np.ndarray
    wet_db: np.ndarray
    wet: np.ndarray
    separated: np.ndarray
    singer: np.ndarray
    response: np.ndarray
    clip: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Rows]) -> Rows:
        """All rows, one part after another; clips of different parts stay apart."""
        offset, moved = 0, []
        for part in parts:
            moved.append(part.clip + offset)
            offset += int(part.clip.max(initial=-1)) + 1
        fields = {n: np.concatenate([getattr(p, n) for p in parts]) for n in cls.__dataclass_fields__ if n != "clip"}
        return cls(**fields, clip=np.concatenate(moved))

    def pooled(self, most: int) -> Rows:
        """Every set of up to so many stretches of a clip, of one kind, as a row: mean features, ln of their number."""
        sets = [
            list(which)
            for kind in (False, True)
            for clip in np.unique(self.clip)
            for count in range(1, most + 1)
            for which in combinations(np.flatnonzero((self.clip == clip) & (self.separated == kind)), count)
        ]
        features = [np.append(_known_mean(self.features[which]), np.log(len(which))) for which in sets]
        first = self[np.array([which[0] for which in sets], np.intp)]
        return replace(first, features=np.array(features, np.float32))

    def __getitem__(self, which: np.ndarray) -> Rows:
        return Rows(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})

    def save(self, path: Path | BinaryIO) -> None:
        """Write them as npz."""
        np.savez_compressed(path, **vars(self))

    @classmethod
    def load(cls, path: Path) -> Rows:
        """Read what `save` wrote."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(**{name: arrays[name] for name in cls.__dataclass_fields__})


def _known_mean(rows: np.ndarray) -> np.ndarray:
    known = np.isfinite(rows)
    return np.where(known.any(0), np.where(known, rows, 0).sum(0) / np.maximum(known.sum(0), 1), np.nan)


def describe(voice: np.ndarray, rest: np.ndarray | None, speed: float = 1.0) -> np.ndarray:
    """Features of one clip, played `speed` times as fast: float32, (features,); see `blind.describe`."""
    if speed != 1:
        voice, rest = wet_vocals.sped(voice, speed), None if rest is None else wet_vocals.sped(rest, speed)
    return blind.describe(voice, rest)


def truths(facts: dict, speed: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """(ln RT, wet-to-dry dB) of a clip, each broadband and in five octaves, when it is played `speed` times as fast."""
    octaves = np.array([np.nan if rt is None else rt for rt in facts["rt60_octaves_s"]])
    at = np.log(OCTAVES_HZ)
    log_rt = np.interp(at - np.log(speed), at, np.log(octaves)) - np.log(speed)
    gain_db = np.interp(at - np.log(speed), at, facts["gain_octaves_db"])
    wet_db = 20 * np.log10(max(facts["wet"], 1e-4) / (1 - facts["wet"]))
    return (
        np.concatenate([[np.log(facts["rt60_s"]) - np.log(speed)], log_rt]),
        np.maximum(np.concatenate([[wet_db], wet_db + gain_db]), LEAST_WET_DB),
    )


def of_clips(paths: Iterable[Path], speeds: Sequence[float] = (1.0,)) -> Rows:
    """Rows of clips that `wet_vocals` wrote: for each stretch, its true vocals and the separated ones."""
    columns: dict[str, list] = {name: [] for name in Rows.__dataclass_fields__}
    for number, path in enumerate(paths):
        with np.load(path, allow_pickle=False) as file:
            facts = json.loads(str(file["facts"]))
            sounds = [file[name].astype(np.float32) / 32768 for name in ("vocals", "estimate", "rest")]
        for vocals, estimate, rest in zip(*map(wet_vocals.stretches_of, sounds), strict=True):
            for speed in speeds:
                if estimate.any():
                    _add(columns, describe(estimate, rest, speed), facts, speed, True, number)
                # A true stem with and without the rest: catalogs have both.
                backing = estimate + rest - vocals if number % 2 and len(speeds) > 1 else None
                _add(columns, describe(vocals, backing, speed), facts, speed, False, number)
    return Rows(**{name: np.array(values) for name, values in columns.items()})


def drawn(
    clips: Iterable[tuple[np.ndarray, np.ndarray, dict]],
    separate: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Rows:
    """Rows of clips of `wet_vocals.clip`, which are not kept: each stretch as it is, and separated from its mixture.

    Args:
        clips: (vocals, backing, facts) of each.
        separate: gives the vocals by those of a clip and its backing.
    """
    columns: dict[str, list] = {name: [] for name in Rows.__dataclass_fields__}
    for number, (vocals, backing, facts) in enumerate(clips):
        estimate = separate(vocals, backing)
        rest = vocals + backing - estimate
        sounds = map(wet_vocals.stretches_of, (vocals, backing, estimate, rest))
        for true, beside, found, other in zip(*sounds, strict=True):
            _add(columns, describe(true, beside if number % 3 == 0 else None), facts, 1.0, False, number)
            _add(columns, describe(found, other), facts, 1.0, True, number)
    return Rows(**{name: np.array(values) for name, values in columns.items()})


def _add(columns: dict[str, list], features: np.ndarray, facts: dict, speed: float, separated: bool, clip: int) -> None:
    log_rt, wet_db = truths(facts, speed)
    row = {
        "features": features,
        "log_rt": log_rt,
        "wet_db": wet_db,
        "wet": facts["wet"],
        "separated": separated,
        "singer": facts["singer"],
        "response": facts["response_kind"],
        "clip": clip,
    }
    for name, value in row.items():
        columns[name].append(value)


def main(argv: Sequence[str]) -> int:
    """`python -m mixprior.learning.reverb_training.rows`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=Path, help="folder of clips from wet_vocals; without: clips are drawn")
    parser.add_argument("--speeds", nargs="+", type=float, default=[1.0])
    parser.add_argument("--draw", type=int, default=0, metavar="N", help="how many to draw, with the arguments below")
    parser.add_argument("--htdemucs", action="store_true", help="separate them by HTDemucs instead of `masking`")
    parser.add_argument("--levels", nargs=3, type=float, metavar="DB", help="least, most likely and most wet level")
    parser.add_argument("--each", type=int, metavar="N", help="a file of N clips each in the folder -o; it goes on")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    wet_vocals.add_material_arguments(parser)
    parser.add_argument("-o", dest="rows", type=Path, required=True)
    args = parser.parse_args(argv)
    if args.clips is not None:
        of_clips(sorted(args.clips.glob("[0-9]*[0-9].npz")), args.speeds).save(args.rows)
        return 0
    material, separate = wet_vocals.material(args), _separator(args)
    levels_db = None if args.levels is None else tuple(args.levels)
    for first in range(args.first, args.first + args.draw, args.each or args.draw):
        path = args.rows / f"{first:06}.npz" if args.each else args.rows
        if args.each and path.exists():
            continue
        numbers = range(first, min(first + (args.each or args.draw), args.first + args.draw))
        clips = (wet_vocals.clip(args.seed, k, *material, args.stretches, levels_db) for k in numbers)
        found = drawn(clips, separate)
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.replacing(path) as temporary, temporary.open("wb") as file:
            found.save(file)
    return 0


def _separator(args: argparse.Namespace) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    if args.htdemucs:
        model = wet_vocals.load_separator()
        return lambda vocals, backing: wet_vocals.vocals_of(model, vocals + backing)
    rng = np.random.default_rng([args.seed, args.first, 1])
    return lambda vocals, backing: masking.separate(rng, vocals, backing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

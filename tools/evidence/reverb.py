"""How far the reverberation estimated from vocals errs, by level, on singers that the model was not trained on.

`python -m tools.evidence.reverb --calibrate ROWS ... --judge ROWS ...` writes what it reads, from files of
`reverb_training.rows`; with `--add` after what is there.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.learning.reverb_training.rows import Rows
from mixprior.learning.reverb_training.spread import recalibrated
from mixprior.learning.reverb_training.voices import SOURCES, sources
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.perceptron import Perceptrons
from mixprior.stats.reverb.columns import LEAST_WET_FOR_TIMES_DB

ROWS = Path(__file__).parent / "rows" / "reverb.parquet"
SONGS = Path(__file__).parent / "rows" / "reverb_songs.csv"
BARS_DB = ((-9.0, 0.0), (-13.0, -9.0), (-17.0, -13.0), (-21.0, -17.0), (-31.0, -21.0))
WET_DB = -17.0
ROUND_DB = (-17.0, -11.0)
_LEVEL = 6
_DRAWS = 2000
FACTORS = (1.0, 1.2, 1.4, 1.6, 1.8, 2.0)


@dataclass(frozen=True)
class Judged:
    """Estimates beside truths: logarithms of the time and half width of its interval, levels in dB.

    One a stretch, or one a clip; `clip` is the number of the clip.
    """

    singer: np.ndarray
    clip: np.ndarray
    separated: np.ndarray
    true: np.ndarray
    found: np.ndarray
    wet_db: np.ndarray
    found_wet_db: np.ndarray
    half_width: np.ndarray

    def __getitem__(self, which: np.ndarray) -> Judged:
        return Judged(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})

    @property
    def sung(self) -> np.ndarray:
        """Which are of singers, not of speech turned into singing."""
        return np.isin(self.singer, [source.singer for source in sources(SOURCES) if source.kind == "sung"])

    @property
    def answered(self) -> np.ndarray:
        """Which have a time at all."""
        return np.asarray(self.found_wet_db >= LEAST_WET_FOR_TIMES_DB)


def rows(path: Path = ROWS) -> tuple[Rows, np.ndarray]:
    """The rows kept, and the role of each."""
    table = pq.read_table(path).to_pydict()
    role = np.array(table.pop("role"))
    held = {name: np.array(values) for name, values in table.items()}
    return Rows(**{**held, "features": held["features"].astype(np.float32)}), role


def keep(calibrate: Sequence[Path], judge: Sequence[Path], add: bool = False) -> None:
    """Write rows of both roles, or add them to those that are kept; features in half precision."""
    before = [rows()] if add else []
    found = [(Rows.load(path), role) for role, paths in (("calibrate", calibrate), ("judge", judge)) for path in paths]
    both = Rows.joined([part for part, _ in (*before, *found)])
    role = np.concatenate([*(role for _, role in before), *(np.repeat(role, len(part.wet)) for part, role in found)])
    columns = {name: pa.array(getattr(both, name).tolist()) for name in Rows.__dataclass_fields__ if name != "features"}
    halves = [pa.array(row, pa.float16()) for row in both.features.astype(np.float16)]
    columns["features"] = pa.array([half.to_numpy() for half in halves], pa.list_(pa.float16()))
    columns["role"] = pa.array(role.tolist())
    pq.write_table(pa.table(columns), ROWS, compression="zstd", compression_level=19)


def judged(kept: Rows, role: np.ndarray, whole: bool = False) -> Judged:
    """Each stretch estimated, or each clip of several as `blind.joint` estimates a song.

    Where the singer is among those that set the expected error and the interval, both are set without the singer.
    """
    shipped = blind.model()
    of_role = kept[role == "calibrate"]
    values, spread = shipped.predict(kept.features)
    laws: dict[str, Perceptrons] = {}
    for singer in np.unique(kept.singer):
        inside = bool((role[kept.singer == singer] == "calibrate").any())
        laws[singer] = recalibrated(shipped, of_role[of_role.singer != singer]) if inside else shipped
    rows = []
    for which in _together(kept) if whole else [np.array([k]) for k in range(len(kept.wet))]:
        weight = spread[which, 0] ** -2.0 / np.sum(spread[which, 0] ** -2.0)
        found, first = weight @ values[which], which[0]
        law, kind = laws[kept.singer[first]], kept.separated[first]
        half_width = law.interval(law.expected_error(weight @ spread[which, 0], found[_LEVEL], kind), kind)
        level, log_time = kept.wet_db[first, 0], law.log_times(found[:1], kind)[0]
        rows.append((first, kept.log_rt[first, 0], log_time, level, found[_LEVEL], float(half_width)))
    first, *numbers = (np.array(column) for column in zip(*rows, strict=True))
    return Judged(kept.singer[first], kept.clip[first], kept.separated[first], *numbers)[np.isfinite(numbers[0])]


def _together(kept: Rows) -> list[np.ndarray]:
    """The rows of each clip of several stretches, of one kind."""
    sets = [
        np.flatnonzero((kept.clip == clip) & (kept.separated == kind))
        for clip in np.unique(kept.clip)
        for kind in (False, True)
    ]
    return [which for which in sets if which.size > 1]


def error(of: Judged) -> float:
    """Median error of the time in percent."""
    return 100 * float(np.median(np.abs(np.expm1(of.found - of.true)))) if of.true.size else np.nan


def of_mean(of: Judged) -> float:
    """The same of a guess: the geometric mean of the other singers' true times."""
    guess = [of.true[of.singer != s].mean() if (of.singer != s).any() else of.true.mean() for s in of.singer]
    return 100 * float(np.median(np.abs(np.expm1(np.array(guess) - of.true)))) if of.true.size else np.nan


def slope(of: Judged) -> float:
    """Slope of the logarithm estimated on the true one."""
    return float(np.polyfit(of.true, of.found, 1)[0]) if np.ptp(of.true) > 0 else np.nan


def covered(of: Judged) -> float:
    """Share of the true times, in percent, that the stated 90 % interval covers."""
    return 100 * float(np.mean(np.abs(of.found - of.true) <= of.half_width)) if of.true.size else np.nan


def answers(of: Judged) -> float:
    """Share that has a time, in percent."""
    return 100 * float(of.answered.mean()) if of.true.size else np.nan


def interval(of: Judged, figure: Callable[[Judged], float]) -> tuple[float, float]:
    """95 % interval of a figure by drawing singers, and then clips of each, with replacement."""
    rng, singers = np.random.default_rng(1), np.unique(of.singer)
    clips = [
        [np.flatnonzero((of.singer == singer) & (of.clip == clip)) for clip in np.unique(of.clip[of.singer == singer])]
        for singer in singers
    ]
    drawn = []
    for _ in range(_DRAWS):
        chosen = [clips[k] for k in rng.integers(0, len(clips), len(clips))]
        places = [own[k] for own in chosen for k in rng.integers(0, len(own), len(own))]
        drawn.append(figure(of[np.concatenate(places)]))
    low, high = np.nanpercentile(drawn, (2.5, 97.5))
    return float(low), float(high)


def _with_interval(of: Judged, figure: Callable[[Judged], float], digits: int = 0) -> str:
    low, high = interval(of, figure)
    return f"{figure(of):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def summary(of: Judged) -> list[str]:
    """Cells of the row of one kind of vocals."""
    wet = of[of.wet_db > WET_DB]
    near = of[(of.wet_db > ROUND_DB[0]) & (of.wet_db < ROUND_DB[1])]
    return [
        str(wet.true.size),
        _with_interval(wet, answers),
        _with_interval(wet[wet.answered], error),
        _with_interval(of, error),
        _with_interval(of, of_mean),
        _with_interval(near, slope, 2),
        _with_interval(of[of.answered], covered),
        f"{np.exp(np.median(of[of.answered].half_width)):.1f}",
    ]


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def table() -> str:
    """The tables as Markdown, and a line about songs."""
    kept, role = rows()
    stretches, clips = judged(kept, role), judged(kept, role, whole=True)
    parts = {"separated by HTDemucs": True, "true stems": False}
    lines = [_MATERIAL, ""]
    lines += [
        _line(
            "vocals",
            "wetter than -17 dB",
            "answered %",
            "median error of these %",
            "of all, dry ones included %",
            "guessing the mean %",
            "slope, log on log, at -14 dB",
            "stated 90 % interval covers %",
            "it ends at the estimate times and over",
        ),
        _line("---", *["--:"] * 8),
    ]
    for name, kind in parts.items():
        for length, pair_length, of in (("7.8 s", "7.8 s", stretches), ("23 s", "16 s", clips)):
            some = of[of.separated == kind]
            lines.append(_line(f"{name}, {length}", *summary(some[some.sung])))
            lines.append(_line(f"{name}, {length}, `alex` alone", *summary(some[some.singer == "alex"])))
            lines.append(_line(f"{name}, {pair_length}, nine speakers", *summary(some[~some.sung])))
    lines += ["", "Reliability by level, separated vocals of 7.8 s: it decides from where on times are stored.", ""]
    stretches, clips = stretches[stretches.separated], clips[clips.separated]
    lines += _by_level(stretches[stretches.sung])
    lines += ["", _UNSHRUNK, "", *_by_factor(stretches, clips)]
    return "\n".join([*lines, "", songs()])


_MATERIAL = (
    "Vocals with a known reverb, over music: stretches of 7.8 s, and clips of three of them (23 s), estimated together "
    "as songs are. Six singers, none of them in training: `alex` (who judges) and the leads of five multitracks (role "
    "calibrate). The multitracks are of one artist, and their leads carry some reverb of their own. Beside them nine "
    "speakers, none of them in training, whose speech was turned into singing: clips of two stretches (16 s). Levels "
    "are about -14 dB; responses are drawn anew, real ones besides; music is of packages that no training clip is of, "
    "and a quarter of the vocals is doubled, which is beyond the middle and no reverb (half of the speakers' clips are "
    "older: training music, none doubled). The nine chose networks and factor. They and the five leads set the "
    "expected error and the interval, each singer counting the same; each of the fourteen is judged by what the other "
    "thirteen set, `alex` by that which is shipped. These clips of `alex` were read once, after all was set; earlier "
    "attempts had read others. In brackets: 95 % intervals, drawn by singer and clip; of one singer alone, by clip."
)
_UNSHRUNK = (
    "An estimate with little to go by stays near the mean, as the least error demands: the slope of the estimate on "
    "the truth is below 1. Times of separated vocals are therefore moved away from the mean of the training by a "
    "factor; those of true stems are not. The nine speakers chose it: the least with a slope of .7 over clips of two "
    "stretches. The six singers chose nothing."
)


def _by_level(separated: Judged) -> list[str]:
    lines = [
        _line("wet to dry, true, dB", "stretches", "answered %", "median error %", "guess %", "slope"),
        _line(*["--:"] * 6),
    ]
    for low, high in BARS_DB:
        some = separated[(separated.wet_db > low) & (separated.wet_db <= high)]
        figures = (answers(some), error(some), of_mean(some))
        lines.append(
            _line(f"{low:g} to {high:g}", some.true.size, *(f"{x:.0f}" for x in figures), f"{slope(some):.2f}")
        )
    return lines


def with_factor(of: Judged, factor: float) -> Judged:
    """The same as a model with another factor estimates it; the interval stays as it is."""
    shipped = blind.model()
    other = replace(shipped, separated_factor=factor / shipped.separated_factor)
    return replace(of, found=other.log_times(of.found[:, None], of.separated)[:, 0])


def _by_factor(stretches: Judged, clips: Judged) -> list[str]:
    lines = [
        _line(
            "vocals",
            "factor",
            *(f"{what}, {length}" for length in ("7.8 s", "23 or 16 s") for what in ("median error %", "slope")),
        ),
        _line("---", *["--:"] * 5),
    ]
    for name, sung in (("nine speakers", False), ("six singers", True)):
        for factor in FACTORS:
            cells = []
            for of in (stretches, clips):
                moved = with_factor(of[of.sung == sung], factor)
                wet = moved[(moved.wet_db > WET_DB) & moved.answered]
                near = moved[(moved.wet_db > ROUND_DB[0]) & (moved.wet_db < ROUND_DB[1])]
                cells += [_with_interval(wet, error), _with_interval(near, slope, 2)]
            lines.append(_line(name, f"{factor:g}", *cells))
    return lines


def songs(path: Path = SONGS) -> str:
    """What the estimates of separated stems are worth on songs with true stems: beside the mean of the others."""
    with path.open(encoding="utf-8", newline="") as file:
        found = [{name: float(row[name]) for name in ("true_s", "separated_s")} for row in csv.DictReader(file)]
    true, separated = (np.log([row[name] for row in found]) for name in ("true_s", "separated_s"))
    others = (true.sum() - true) / (true.size - 1)
    off, guess = np.abs(np.expm1(separated - true)), np.abs(np.expm1(others - true))
    rng = np.random.default_rng(1)
    draws = rng.integers(0, true.size, (_DRAWS, true.size))
    low, high = np.percentile(np.median(off[draws], axis=1) - np.median(guess[draws], axis=1), (2.5, 97.5))
    return (
        f"Songs with true stems, time of the separated stem against that of the true one: n = {true.size}, median "
        f"distance {100 * np.median(off):.0f} %; the mean of the other songs instead: {100 * np.median(guess):.0f} %; "
        f"difference {100 * (np.median(off) - np.median(guess)):.0f} points, 95 % interval {100 * low:.0f} to "
        f"{100 * high:.0f}."
    )


def main(argv: Sequence[str]) -> int:
    """`python -m tools.evidence.reverb`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--calibrate", nargs="+", type=Path, default=[], metavar="ROWS")
    parser.add_argument("--judge", nargs="+", type=Path, default=[], metavar="ROWS")
    parser.add_argument("--add", action="store_true", help="keep the rows that are there, too")
    args = parser.parse_args(argv)
    keep(args.calibrate, args.judge, args.add)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How far the reverberation estimated from vocals errs, by level, on singers that the model was not trained on.

`python -m tools.evidence.reverb CALIBRATE.npz JUDGE.npz` writes what it reads, from files of `reverb_training.rows`.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.reverb_training.rows import Rows
from mixprior.pipeline.reverb_training.spread import recalibrated
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


@dataclass(frozen=True)
class Judged:
    """Estimates beside truths, one a clip: logarithms of the time and half width of its interval, levels in dB."""

    singer: np.ndarray
    true: np.ndarray
    found: np.ndarray
    wet_db: np.ndarray
    found_wet_db: np.ndarray
    half_width: np.ndarray

    def __getitem__(self, which: np.ndarray) -> Judged:
        return Judged(**{name: getattr(self, name)[which] for name in self.__dataclass_fields__})

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


def keep(calibrate: Path, judge: Path) -> None:
    """Write rows of both roles, features in half precision."""
    parts = [Rows.load(calibrate), Rows.load(judge)]
    both = Rows.joined(parts)
    columns = {name: pa.array(getattr(both, name).tolist()) for name in Rows.__dataclass_fields__ if name != "features"}
    halves = [pa.array(row, pa.float16()) for row in both.features.astype(np.float16)]
    columns["features"] = pa.array([half.to_numpy() for half in halves], pa.list_(pa.float16()))
    columns["role"] = pa.array(np.repeat(["calibrate", "judge"], [len(part.wet) for part in parts]).tolist())
    pq.write_table(pa.table(columns), ROWS, compression="zstd", compression_level=19)


def judged(kept: Rows, role: np.ndarray) -> Judged:
    """Each clip estimated; clips that set the spread by a spread that was fitted without their singer."""
    shipped = blind.model()
    of_role = kept[role == "calibrate"]
    values, spread = shipped.predict(kept.features)
    half_width = np.empty(len(kept.wet))
    for singer in np.unique(kept.singer):
        which = kept.singer == singer
        inside = bool((role[which] == "calibrate").any())
        law: Perceptrons = recalibrated(shipped, of_role[of_role.singer != singer]) if inside else shipped
        expected = law.expected_error(spread[which, 0], values[which, _LEVEL], kept.separated[which])
        half_width[which] = law.interval(expected, kept.separated[which])
    known = np.isfinite(kept.log_rt[:, 0])
    level = kept.wet_db[:, 0]
    return Judged(kept.singer, kept.log_rt[:, 0], values[:, 0], level, values[:, _LEVEL], half_width)[known]


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
    places = [np.flatnonzero(of.singer == singer) for singer in singers]
    drawn = []
    for _ in range(_DRAWS):
        chosen = [places[k] for k in rng.integers(0, len(places), len(places))]
        drawn.append(figure(of[np.concatenate([rng.choice(place, place.size) for place in chosen])]))
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
    ]


def _line(*cells: object) -> str:
    return f"| {' | '.join(map(str, cells))} |"


def table() -> str:
    """Both tables as Markdown, and a line about songs."""
    kept, role = rows()
    lines = [
        f"Clips of 7.8 s with a known reverb, over music: {len(set(kept.singer))} singers, none of them in training: "
        "`alex` (who judges) and the leads of five multitracks, which set the spread (each is judged by a spread that "
        "was set without it). The multitracks are of one artist, and their leads carry some reverb of their own: "
        "errors of true stems at low levels are larger for that. In brackets: 95 % intervals, drawn by singer; of one "
        "singer alone, by clip. The form of the interval was settled with the coverage of `alex` in view: that column "
        "is no blind test.",
        "",
        _line(
            "vocals",
            "clips wetter than -17 dB",
            "answered %",
            "median error of these %",
            "of all, dry ones included %",
            "guessing the mean %",
            "slope, log on log, at -14 dB",
            "stated 90 % interval covers %",
        ),
        _line("---", *["--:"] * 7),
    ]
    parts = {name: kept.separated == flag for name, flag in (("separated by HTDemucs", True), ("true stems", False))}
    for name, which in parts.items():
        lines.append(_line(name, *summary(judged(kept[which], role[which]))))
        alone = which & (role == "judge")
        lines.append(_line(f"{name}, `alex` alone", *summary(judged(kept[alone], role[alone]))))
    lines += ["", "Reliability by level, separated vocals: it decides from where on times are stored.", ""]
    lines += [
        _line("wet to dry, true, dB", "clips", "answered %", "median error %", "guess %", "slope"),
        _line(*["--:"] * 6),
    ]
    separated = judged(kept[parts["separated by HTDemucs"]], role[parts["separated by HTDemucs"]])
    for low, high in BARS_DB:
        some = separated[(separated.wet_db > low) & (separated.wet_db <= high)]
        figures = (answers(some), error(some), of_mean(some))
        lines.append(
            _line(f"{low:g} to {high:g}", some.true.size, *(f"{x:.0f}" for x in figures), f"{slope(some):.2f}")
        )
    return "\n".join([*lines, "", songs()])


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


if __name__ == "__main__":
    keep(*map(Path, sys.argv[1:]))

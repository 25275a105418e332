"""How well the gates of `mixprior.stats.measures.presence` tell separated stems from what separation leaves."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa

from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.measures.presence import SEPARATED, Gate
from mixprior.stats.priors.interval import share_interval
from tools import ROOT
from tools.evidence import activity

ROWS = ROOT / "tools" / "evidence" / "rows" / "presence.csv"
SILENT_LU = -100.0
"""Stands for the level of a stem without loudness."""
MARGIN_LU = 10.0
"""Mixes of people differ more than these mixtures do: thresholds keep this distance from present stems."""
CURVE_LU = (-60, -50, -45, -40, -35, -30, -25, -20, -15, -10)


@dataclass(frozen=True)
class Row:
    """A separated stem of a mixture of which it is known whether the source is in it.

    Attributes:
        source: who made the recording, or sang it; thresholds are chosen without it where it judges.
        recording: which of theirs.
        stem: name of the stem.
        is_there: whether the source is in the mixture.
        level_lu: integrated loudness of the stem against the mixture, `SILENT_LU` where it has none.
        active_ratio: share of the frames in which it is active.
    """

    source: str
    recording: str
    stem: str
    is_there: bool
    level_lu: float
    active_ratio: float


def read() -> list[Row]:
    """Read the rows that `tools.songs.presence_rows` wrote, and vocals of whole songs (`tools.evidence.activity`)."""
    return [*_of_mixtures(), *(_of_song(name, rows) for name, rows in activity.songs().items())]


def _of_song(name: str, rows: pa.Table) -> Row:
    vocals, mixture = (integrated_lufs(activity.energies(rows[column])) for column in ("vocals", "mixture"))
    level_lu = SILENT_LU if vocals is None or mixture is None else vocals - mixture
    return Row(name, name, "vocals", True, level_lu, activity.read(rows).active_ratio)


def _of_mixtures() -> list[Row]:
    with open(ROWS, newline="", encoding="utf-8") as file:
        return [
            Row(
                row["source"],
                row["recording"],
                row["stem"],
                row["is_there"] == "1",
                float(row["level_lu"] or SILENT_LU),
                float(row["active_ratio"]),
            )
            for row in csv.DictReader(file)
        ]


def passes(row: Row, gate: Gate) -> bool:
    """Whether the gate takes the stem for present."""
    return row.level_lu >= max(gate.against_mixture_lu, SILENT_LU + 1) and row.active_ratio >= gate.active_ratio


def threshold_lu(rows: Iterable[Row]) -> float:
    """The level `MARGIN_LU` under the 5th percentile of present stems."""
    return float(np.percentile([row.level_lu for row in rows if row.is_there], 5)) - MARGIN_LU


def area(rows: Sequence[Row]) -> float:
    """Area under the receiver-operating curve of the level: how often a present stem is louder than an absent one."""
    absent, present = (np.array([row.level_lu for row in rows if row.is_there == there]) for there in (False, True))
    above = present[:, np.newaxis] - absent
    return float(((above > 0) + 0.5 * (above == 0)).mean())


def left_out(rows: Sequence[Row], gate: Gate) -> tuple[float, float, float, float]:
    """Choose the level of a gate without each source in turn, and judge that source.

    Returns:
        Lowest and highest threshold in LU; share of present stems called absent; share of absent ones called absent.
    """
    thresholds, wrong, right = [], [], []
    for source in sorted({row.source for row in rows}):
        others = [row for row in rows if row.source != source]
        thresholds.append(threshold_lu(others))
        judged = [row for row in rows if row.source == source]
        called = [(row.is_there, not passes(row, replace(gate, against_mixture_lu=thresholds[-1]))) for row in judged]
        wrong += [absent for there, absent in called if there]
        right += [absent for there, absent in called if not there]
    return min(thresholds), max(thresholds), float(np.mean(wrong)), float(np.mean(right))


def table() -> str:
    """The tables, in Markdown."""
    rows = read()
    by_stem = {stem: [row for row in rows if row.stem == stem] for stem in SEPARATED}
    return "\n\n".join([_gates(by_stem), _left_out(by_stem), _curve(by_stem), _missed(rows)])


def _gates(by_stem: Mapping[str, Sequence[Row]]) -> str:
    lines = [
        "| stem | gate: level, active | present: mixtures, recordings, sources | called absent "
        "| absent: mixtures, recordings, sources | called absent | area under the curve |",
        "|---|---|---|--:|---|--:|--:|",
    ]
    for stem, rows in by_stem.items():
        gate = SEPARATED[stem]
        cells = [f"{gate.against_mixture_lu:g} LU, {gate.active_ratio:.0%}"]
        for there in (True, False):
            some = [row for row in rows if row.is_there == there]
            cells += [_counted(some), _rate([not passes(row, gate) for row in some])]
        lines.append(f"| {stem} | {' | '.join(cells)} | {area(rows):.3f} |")
    return "\n".join(lines)


def _left_out(by_stem: Mapping[str, Sequence[Row]]) -> str:
    lines = [
        "The level chosen without the source that is judged "
        f"({MARGIN_LU:g} LU under the 5th percentile of present stems):",
        "",
        "| stem | thresholds | present called absent | absent called absent |",
        "|---|---|--:|--:|",
    ]
    for stem, rows in by_stem.items():
        low, high, wrong, right = left_out(rows, SEPARATED[stem])
        lines.append(f"| {stem} | {low:.1f} to {high:.1f} LU | {wrong:.1%} | {right:.1%} |")
    return "\n".join(lines)


def _curve(by_stem: Mapping[str, Sequence[Row]]) -> str:
    lines = [
        "Receiver-operating curve of the level alone: present called absent / absent called absent, below a level of:",
        "",
        f"| stem | {' | '.join(f'{level} LU' for level in CURVE_LU)} |",
        f"|---|{'--:|' * len(CURVE_LU)}",
    ]
    for stem, rows in by_stem.items():
        present, absent = (np.array([row.level_lu for row in rows if row.is_there == there]) for there in (True, False))
        cells = [f"{np.mean(present < level):.0%} / {np.mean(absent < level):.0%}" for level in CURVE_LU]
        lines.append(f"| {stem} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _missed(rows: Sequence[Row]) -> str:
    """Absent stems that are called present, by recording."""
    missed = sorted({f"{row.stem} of {row.recording}" for row in rows if not row.is_there and _called(row)})
    return f"Called present though absent: {', '.join(missed) or 'none'}."


def _called(row: Row) -> bool:
    return passes(row, SEPARATED[row.stem])


def _counted(rows: Sequence[Row]) -> str:
    recordings, sources = {row.recording for row in rows}, {row.source for row in rows}
    return f"{len(rows)}, {len(recordings)}, {len(sources)}"


def _rate(called: Sequence[bool]) -> str:
    """Share, with the interval of a share (mixtures of one recording are taken for independent)."""
    low, high = share_interval(np.array([sum(called)]), np.array([len(called)]))
    return f"{np.mean(called):.1%} ({low[0]:.0%} to {high[0]:.0%})"

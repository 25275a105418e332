"""Settings recovered from random mixes of free multitracks: errors, and how often intervals hold the truth."""

from __future__ import annotations

import csv
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from tools import ROOT
from tools.songs.reverse_rows import KINDS, ROWS, SECONDS

DOCUMENT = ROOT / "docs" / "reverse.md"
NEAR_DB = -30.0
BARS = {"gain_db": 0.1, "pan": 0.01, "eq": 0.5, "send_db": 1.0}
LOSSY = 3.0
"""Bars of lossy mixes over those of others."""
DIRECT = ("linear", ".mp3", ".m4a", ".opus")
"""Kinds of mixes of direct paths alone."""
CHOSE = "Rubidium"
"""The song on which the least widths of intervals of compressors were chosen."""
_OF_COMPRESSORS = {"threshold_dbfs": 1.0, "ratio": 1.0, "attack_s": 1000.0, "release_s": 1000.0, "reduction_db": 1.0}
NAMES = {"gain_db": "gain, dB", "pan": "pan", "eq": "EQ, dB", "send_db": "send, dB"}


@dataclass(frozen=True)
class Judged:
    """A figure of a track, found or not.

    Attributes:
        song: of the multitracks.
        kind: of the mix.
        figure: "gain_db", "pan" or "eq".
        near: whether the track is within 30 dB of the mix.
        error: estimate less truth; None where it was not found.
        half_width: of the interval; None likewise.
    """

    song: str
    kind: str
    figure: str
    near: bool
    error: float | None
    half_width: float | None


def read() -> list[Judged]:
    """The rows kept."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        return [_judged(row) for row in csv.DictReader(file)]


def _judged(row: dict[str, str]) -> Judged:
    figure = "eq" if row["figure"].startswith("eq") else row["figure"]
    near = bool(row["level_db"]) and float(row["level_db"]) >= NEAR_DB
    if not row["found"]:
        return Judged(row["song"], row["kind"], figure, near, None, None)
    error = float(row["found"]) - float(row["truth"])
    return Judged(row["song"], row["kind"], figure, near, error, float(row["half_width"]))


def bar(kind: str, figure: str) -> float:
    """Largest error that is asked for."""
    return BARS[figure] * (LOSSY if "." in kind else 1.0)


def within(of: Sequence[Judged]) -> float:
    """Share of the figures found that err by no more than the bar."""
    errors = [abs(each.error) <= bar(each.kind, each.figure) for each in of if each.error is not None]
    return float(np.mean(errors)) if errors else np.nan


def covered(of: Sequence[Judged]) -> float:
    """Share of the figures found whose interval holds the truth."""
    held = [abs(e.error) <= e.half_width for e in of if e.error is not None and e.half_width is not None]
    return float(np.mean(held)) if held else np.nan


def gains_held(of: Sequence[Judged]) -> dict[str, tuple[float, int]]:
    """By song: share of gains held, and how many were found."""
    found = {}
    for song in sorted({each.song for each in of}):
        own = [each for each in of if (each.song, each.figure) == (song, "gain_db") and each.error is not None]
        found[song] = covered(own), len(own)
    return found


def cost(kinds: Collection[str]) -> tuple[float, int, int]:
    """Processor seconds for a minute of song, in the mean, number of mixes, and of songs."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        spent = {
            (row["song"], row["kind"]): float(row["cpu_s"]) for row in csv.DictReader(file) if row["kind"] in kinds
        }
    return float(np.mean(list(spent.values())) * 60 / SECONDS), len(spent), len({song for song, _ in spent})


def table() -> str:
    """Errors and coverage by kind of mix and figure; then compressors."""
    kept = read()
    seconds, mixes, songs = cost(DIRECT)
    lines = [
        f"{mixes} mixes of {SECONDS:g} s of {songs} free multitracks (9 to 28 tracks, 5 to 10 of which sound), random "
        "gains, pans and up to four equaliser bands a track; lossy mixes as `mixprior mix` writes them. All tracks "
        "within 30 dB of the mix, and EQ at thirds of octaves within 40 dB of the track's loudest, where it was said. "
        f"Errors are those of the figures found. {seconds:.0f} CPU s for a minute of song. Sends and compressors are "
        "looked for in their own mixes alone.",
        "",
        "| mix | figure | found / of | median error | 90th percentile | largest | bar | within the bar | "
        "interval holds the truth | the same, all tracks |",
        "|---|---|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for kind in KINDS:
        for figure in BARS:
            whole = [each for each in kept if (each.kind, each.figure) == (kind, figure)]
            near = [each for each in whole if each.near]
            errors = [abs(each.error) for each in near if each.error is not None]
            if not errors:
                continue
            sizes = [np.median(errors), np.quantile(errors, 0.9), max(errors)]
            digits = 4 if figure == "pan" else 3
            cells = [
                kind,
                NAMES[figure],
                f"{len(errors)} / {len(near)}",
                *(f"{size:.{digits}f}" for size in sizes),
                f"{bar(kind, figure):g}",
                *(f"{100 * share:.0f} %" for share in (within(near), covered(near), covered(whole))),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    direct = [each for each in kept if each.kind in DIRECT]
    held = ", ".join(f"{song} {100 * share:.0f} % of {count}" for song, (share, count) in gains_held(direct).items())
    lines += ["", f"Gains held by song, of linear and lossy mixes, all tracks: {held}.", "", *compressors()]
    return "\n".join(lines)


def compressors() -> list[str]:
    """A line a compressor that acts, or that was found where none does."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["kind"].startswith("compressed")]
    lines = [
        "| song, track | level, dB | threshold, dBFS | ratio | attack, ms | release, ms | lower by, dB | "
        "residual, dB: direct paths / with compressors |",
        "|---|--:|--:|--:|--:|--:|--:|--:|",
    ]
    named = [(row, (row["song"], row["kind"], row["track"])) for row in rows]
    for place in dict.fromkeys(place for row, place in named if row["figure"] == "reduction_db"):
        own = {row["figure"]: row for row, its in named if its == place}
        first = own["reduction_db"]
        cells = [_pair(own.get(name), factor) for name, factor in _OF_COMPRESSORS.items()]
        left = f"{first['direct_db']} / {first['residual_db']}"
        lines.append(f"| {', '.join((place[0], place[2]))} | {first['level_db']} | {' | '.join(cells)} | {left} |")
    return [*lines, "", compressors_held(rows)]


def compressors_held(rows: Sequence[dict[str, str]]) -> str:
    """How often intervals of compressors hold the truth, on the song that chose their least widths and on others."""
    parts = []
    for where, chose in ((f"of {CHOSE}, which chose their least widths", True), ("of the other songs", False)):
        own = [
            _judged(row)
            for row in rows
            if row["figure"] in (*_OF_COMPRESSORS, "knee_db") and row["found"] and (row["song"] == CHOSE) == chose
        ]
        if own:
            parts.append(f"{100 * covered(own):.0f} % of {len(own)} figures {where}")
    return f"Intervals of compressors hold the truth in {' and '.join(parts)}."


def _pair(row: dict[str, str] | None, factor: float) -> str:
    """Truth and what was found with its half width."""
    if row is None:
        return "none"
    truth = f"{factor * float(row['truth']):.1f}"
    if not row["found"]:
        return f"{truth}: null"
    return f"{truth}: {factor * float(row['found']):.1f} +-{factor * float(row['half_width']):.2g}"

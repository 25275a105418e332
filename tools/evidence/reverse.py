"""Settings recovered from random mixes of free multitracks: errors, and how often intervals hold the truth."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tools import ROOT
from tools.songs.reverse_rows import KINDS, ROWS, SECONDS

DOCUMENT = ROOT / "docs" / "reverse.md"
NEAR_DB = -30.0
BARS = {"gain_db": 0.1, "pan": 0.01, "eq": 0.5, "send_db": 1.0}
LOSSY = 3.0
"""Bars of lossy mixes over those of others."""
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
    return BARS[figure] * (LOSSY if kind.startswith(".") else 1.0)


def within(of: Sequence[Judged]) -> float:
    """Share of the figures found that err by no more than the bar."""
    errors = [abs(each.error) <= bar(each.kind, each.figure) for each in of if each.error is not None]
    return float(np.mean(errors)) if errors else np.nan


def covered(of: Sequence[Judged]) -> float:
    """Share of the figures found whose interval holds the truth."""
    held = [abs(e.error) <= e.half_width for e in of if e.error is not None and e.half_width is not None]
    return float(np.mean(held)) if held else np.nan


def left_out(of: Sequence[Judged]) -> dict[str, tuple[float, float]]:
    """By song: what added in quadrature holds 90 % of the gains of the others, in dB; share held of its own."""
    known = [each for each in of if each.figure == "gain_db"]
    gains = [(e.song, e.error**2, e.half_width**2) for e in known if e.error is not None and e.half_width is not None]
    found = {}
    for song in sorted({song for song, _, _ in gains}):
        lacking = [max(error - half, 0.0) for other, error, half in gains if other != song]
        more = float(np.quantile(lacking, 0.9, method="higher"))
        found[song] = more**0.5, float(np.mean([error <= half + more for own, error, half in gains if own == song]))
    return found


def cost() -> tuple[float, int]:
    """Processor seconds for a minute of song, in the mean, and number of mixes."""
    with ROWS.open(newline="", encoding="utf-8") as file:
        spent = {(row["song"], row["kind"]): float(row["cpu_s"]) for row in csv.DictReader(file)}
    return float(np.mean(list(spent.values())) * 60 / SECONDS), len(spent)


def table() -> str:
    """Errors and coverage by kind of mix and figure."""
    kept = read()
    seconds, mixes = cost()
    lines = [
        f"{mixes} mixes of {SECONDS:g} s of three free multitracks (9, 12, 19 tracks, 5 or 6 of which sound), random "
        "gains, pans and up to four equaliser bands a track; lossy mixes as `mixprior mix` writes them. All tracks "
        "within 30 dB of the mix, and EQ at thirds of octaves within 40 dB of the track's loudest, where it was said. "
        f"Errors are those of the figures found. {seconds:.0f} CPU s for a minute of song.",
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
    tried = [f"{song} {100 * share:.0f} % ({more:.3f} dB)" for song, (more, share) in left_out(kept).items()]
    lines += [
        "",
        f"Gains held, with a constant in quadrature that holds 90 % of the two other songs: {', '.join(tried)}.",
    ]
    return "\n".join(lines)

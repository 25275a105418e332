"""What learners find of laws that were chosen, by rows of `tools.songs.known_truth`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from tabulate import tabulate

from tools import ROOT
from tools.songs.known_truth import LEAK, ROWS

DOCUMENT = ROOT / "docs" / "learned.md"
NAMES = {
    "mean": "mean",
    "boosting": "gradient boosting on features",
    "ridge": "ridge regression on features",
    "li": "Li's CNN, re-made",
    "ours": "ours",
}
SEPARATED = {"mask": "ideal ratio mask", "htdemucs": "HTDemucs"}
TARGETS = {"level_lu": "level", "range_lu": "range"}


def table() -> str:
    """A row a separation, learner and target: shares of the law's R2 found, and false finds at R2 0."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return f"{_found(rows)}\n\n{_leaks(rows)}"


def _found(rows: Sequence[dict[str, str]]) -> str:
    groups: dict[tuple[str, str, str], dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["law_r2"] != LEAK:
            groups[row["remixes"], row["learner"], row["target"]][row["law_r2"]].append(row)
    heads = (
        "separated by",
        "learner",
        "target",
        "found of R2 .5",
        "of R2 .2",
        "better than the mean at R2 0",
        "excerpts",
    )
    lines = [
        [SEPARATED[by], NAMES[learner], TARGETS[target], *(_share(laws[r2], float(r2)) for r2 in ("0.5", "0.2")),
         _false(laws["0"]), _excerpts(laws)]
        for (by, learner, target), laws in groups.items()
    ]  # fmt: skip
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)


def _share(rows: Sequence[dict[str, str]], r2: float) -> str:
    if not rows:
        return ""
    shares = [float(row["r2"]) / r2 for row in rows]
    return f"{np.mean(shares):.0%} ({len(shares)} run{'s' * (len(shares) > 1)})"


def _false(rows: Sequence[dict[str, str]]) -> str:
    return f"{sum(int(row['better']) for row in rows)} of {len(rows)}" if rows else ""


def _excerpts(laws: dict[str, list[dict[str, str]]]) -> str:
    counts = sorted({int(row["excerpts"]) for rows in laws.values() for row in rows})
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"


def _leaks(rows: Sequence[dict[str, str]]) -> str:
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for row in rows:
        if row["law_r2"] == LEAK:
            found[row["remixes"], row["learner"]][row["target"]] = float(row["r2"])
    lines = []
    for (by, learner), each in found.items():
        first, again = (each[f"level of {which} separation"] for which in ("this", "another"))
        lines.append([SEPARATED[by], NAMES[learner], f"{first:+.3f}", f"{again:+.3f}", f"{first - again:+.3f}"])
    heads = ("separated by", "learner", "R2, level of this separation", "of another separation", "leak")
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)

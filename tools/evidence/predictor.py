"""What learners find of laws that were chosen, and of real songs: rows of `tools.songs` and `mixprior train`."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tabulate import tabulate

from mixprior.learning.predictor import errors
from mixprior.learning.predictor.intervals import interval
from tools import ROOT
from tools.songs import equaliser_rule, learning_curve
from tools.songs.known_truth import FIRST, LEAK, LEFT, LEVELS, ROWS

DOCUMENT = ROOT / "docs" / "learned.md"
NAMES = {
    LEFT: "what the separation leaves",
    "mean": "mean",
    "boosting": "gradient boosting on features",
    "ridge": "ridge regression on features",
    "li": "Li's CNN, re-made",
    "ours": "ours",
}
SEPARATED = {
    "htdemucs": "HTDemucs",
    "htdemucs-half": "HTDemucs, half of the excerpts",
    "htdemucs-few": "HTDemucs, a quarter",
    "mask-htdemucs": "HTDemucs; trained on the mask",
    "mask-few": "ideal ratio mask, the same",
    "mask": "ideal ratio mask",
}
LEAKS = {
    LEAK: "a separation was made at: of it, of another separation",
    FIRST: "an excerpt has in its song: by the first separation, by a second",
}
ERRORS = ROWS.with_name("predictor_errors.csv")
CURVES = {"remixes": "a law of R2 .5, HTDemucs", "real": "real songs"}
LAWS = ("0.5", "0.2")
TARGETS = {"level_lu": "level", "range_lu": "range"}


def table() -> str:
    """Shares of a law that are found, and false finds; leaks; learning curves; his rule; his table on real songs."""
    rows = _read(ROWS)
    parts = [_found(rows), _leaks(rows), _curves(_read(learning_curve.ROWS)), _rule(_read(equaliser_rule.ROWS))]
    if ERRORS.exists():
        parts.append(errors.table(errors.read(ERRORS.read_text(encoding="utf-8"))))
    return "\n\n".join(parts)


def _read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _found(rows: Sequence[dict[str, str]]) -> str:
    groups: dict[tuple[str, str, str], dict[str, list[dict[str, str]]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["law_r2"] not in LEVELS:
            groups[row["remixes"], row["learner"], row["target"]][row["law_r2"]].append(row)
    heads = (
        "separated by",
        "learner",
        "target",
        "found of R2 .5",
        "of R2 .2",
        "better than the mean at R2 0",
        "songs, excerpts",
    )
    lines = [
        [SEPARATED[by], NAMES[learner], TARGETS[target], *(_share(laws[r2], float(r2), learner) for r2 in LAWS),
         _false(laws["0"]), _excerpts(laws)]
        for (by, learner, target), laws in sorted(groups.items(), key=lambda group: _place(*group[0]))
    ]  # fmt: skip
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)


def _place(by: str, learner: str, target: str = "") -> tuple[int, int, str]:
    return list(SEPARATED).index(by), list(NAMES).index(learner), target


def _share(rows: Sequence[dict[str, str]], r2: float, learner: str) -> str:
    if not rows:
        return ""
    shares = [float(row["r2"]) / r2 for row in rows]
    if learner == LEFT:
        return f"{np.mean(shares):.0%}"
    return f"{np.mean(shares):.0%} ({len(shares)} run{'s' * (len(shares) > 1)})"


def _false(rows: Sequence[dict[str, str]]) -> str:
    return f"{sum(int(row['better']) for row in rows)} of {len(rows)}" if rows else ""


def _excerpts(laws: dict[str, list[dict[str, str]]]) -> str:
    counts = sorted({(int(row["songs"]), int(row["excerpts"])) for rows in laws.values() for row in rows})
    return "; ".join(f"{songs}, {excerpts}" for songs, excerpts in counts)


def _leaks(rows: Sequence[dict[str, str]]) -> str:
    """R2 of levels, means over seeds, and what the second of a pair lacks."""
    found: dict[tuple[str, str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row["law_r2"] in LEVELS:
            found[row["law_r2"], row["remixes"], row["learner"]][row["target"]].append(float(row["r2"]))
    lines = []
    for (law, by, learner), each in sorted(
        found.items(), key=lambda group: (group[0][0] == FIRST, *_place(*group[0][1:]))
    ):
        runs = [each[name] for name in LEVELS[law][1]]
        first, again = (np.mean(shares) for shares in runs)
        lost = f"{first - again:+.3f}"
        lines.append(
            [LEAKS[law], SEPARATED[by], NAMES[learner], f"{first:+.3f}", f"{again:+.3f}", lost, str(len(runs[0]))]
        )
    heads = ("R2 of the level that", "separated by", "learner", "first", "second", "leak", "runs")
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)


def _curves(rows: Sequence[dict[str, str]]) -> str:
    """Errors over those of the mean of the same songs; mean over seeds, and the least and most."""
    groups: dict[tuple[str, str, str], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        key = row["songs_of"], row["learner"], row["target"]
        groups[key][int(row["songs"])].append(float(row["mae"]) / float(row["mae_of_mean"]))
    counts = sorted({count for each in groups.values() for count in each})
    words = {**TARGETS, "vocal_to_backing_lu": "level", "loudness_range_100ms_lu": "range"}
    lines = [
        [CURVES[material], NAMES[learner], words[target], *(_spread(by_count.get(count, [])) for count in counts)]
        for (material, learner, target), by_count in groups.items()
    ]
    heads = ("trained and tested on", "learner", "target", *(f"{k} song{'s' * (k > 1)}" for k in counts))
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)


def _spread(ratios: Sequence[float]) -> str:
    return f"{np.mean(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})" if ratios else ""


def _rule(rows: Sequence[dict[str, str]]) -> str:
    words = (
        ("off_db", "tilted vocals to those before, dB"),
        ("after_db", "after his rule's cuts, dB"),
        ("follows", "tilt of the rule over that of the vocals (-1 undoes it)"),
    )
    lines = []
    for name, word in words:
        values = [float(row[name]) for row in rows]
        low, high = interval(values)
        lines.append([word, f"{np.mean(values):.2f}", f"{low:.2f} to {high:.2f}", str(len(values))])
    heads = ("his rule for the equaliser, on remixes", "mean of songs", "95 % interval", "songs")
    return tabulate(lines, heads, tablefmt="github", disable_numparse=True)

"""Whether a console mixer finds a law on songs of another collection: rows of `tools.songs.mixer_law`."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence

import numpy as np
from tabulate import tabulate

from tools import ROOT
from tools.songs.mixer_law import LAW_ITSELF, MEAN, NOISE_DB, ROWS, UNTRAINED

DOCUMENT = ROOT / "docs" / "learned.md"
Rows = Sequence[dict[str, str]]


def read() -> list[dict[str, str]]:
    """The rows, as they are kept."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def off(rows: Rows, system: str) -> float:
    """Root mean square over tracks and songs, in units of the noise; of single networks all of them together."""
    own = [row for row in rows if row["system"] == system or (system == "" and row["system"].startswith("network"))]
    tracks = np.array([float(row["tracks"]) for row in own])
    squares = np.square([float(row["off_db"]) for row in own])
    return float(np.sqrt(np.average(squares, weights=tracks)) / NOISE_DB)


def by_seed(rows: Rows, system: str) -> list[float]:
    """The same of each seed."""
    return [off([row for row in rows if row["seed"] == seed], system) for seed in sorted({r["seed"] for r in rows})]


def table() -> str:
    """How far gains are off by the number of songs, and of all songs by who is judged."""
    rows = read()
    counts = sorted({int(row["songs"]) for row in rows})
    of = {count: [row for row in rows if int(row["songs"]) == count] for count in counts}
    lines = [
        [str(count), _ends(row["artists"] for row in of[count]), _ends(row["examples"] for row in of[count]),
         *(_said(by_seed(of[count], system)) for system in ("", MEAN, UNTRAINED, LAW_ITSELF))]
        for count in counts
    ]  # fmt: skip
    heads = (
        "songs",
        "artists",
        "examples",
        "one network, seeds 0, 1, 2",
        "mean of three networks",
        "untrained",
        "the noise as it was drawn",
    )
    most = of[counts[-1]]
    artists = sorted({row["artist"] for row in most})
    own = [[each for each in most if each["artist"] == artist] for artist in artists]
    judged = [
        [artist, str(len({row["song"] for row in each})), _said(by_seed(each, "")), _said(by_seed(each, MEAN))]
        for artist, each in zip(artists, own, strict=True)
    ]
    heads_judged = (f"judged, {counts[-1]} songs trained and chose", "songs", *heads[3:5])
    return "\n\n".join(
        tabulate(found, head, tablefmt="github", disable_numparse=True)
        for found, head in ((lines, heads), (judged, heads_judged))
    )


def _said(values: Sequence[float]) -> str:
    return ", ".join(f"{value:.2f}" for value in values)


def _ends(values: Iterable[str]) -> str:
    found = sorted({int(value) for value in values})
    return str(found[0]) if len(found) == 1 else f"{found[0]} to {found[-1]}"

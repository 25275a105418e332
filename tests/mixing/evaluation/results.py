"""Rows of an evaluation: made scene by scene in processes of their own, kept as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from tests.mixing.evaluation.verdict import Row

CASE = ("scene", "kind", "damage", "system")


def write(
    path: Path,
    metrics: Sequence[str],
    of_scene: Callable[[str, int], Sequence[Row]],
    names: Sequence[str],
    scrambles: int,
    workers: int,
) -> None:
    """Write the rows of all scenes, each scene's when it is done.

    Args:
        path: of the file.
        metrics: columns after those of `CASE`.
        of_scene: makes the rows of a scene from its name and the number of damages; at the top of its module.
        names: of the scenes.
        scrambles: damages drawn for each.
        workers: processes.
    """
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*CASE, *metrics])
        writer.writeheader()
        with ProcessPoolExecutor(workers) as pool:
            for name, rows in zip(names, pool.map(of_scene, names, [scrambles] * len(names)), strict=True):
                writer.writerows(rows)
                file.flush()
                print(f"{name}: {len(rows)} mixes", flush=True)


def read(path: Path, metrics: Sequence[str]) -> Iterator[Row]:
    """Read what `write` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: (float(text) if text else None) if name in metrics else text for name, text in row.items()}

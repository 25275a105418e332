"""Rows of an evaluation: made scene by scene in processes of their own, kept as CSV."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from mixprior.mixing.evaluation.verdict import Row
from mixprior.stats.visible import csv_cell

CASE = ("scene", "artist", "kind", "planner", "task", "scale", "seed", "system")


def write(
    path: Path,
    metrics: Sequence[str],
    of_scene: Callable[[str], Sequence[Row]],
    names: Sequence[str],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the rows of all scenes, each scene's when it is done.

    Args:
        path: of the file.
        metrics: columns after those of `CASE`.
        of_scene: makes the rows of a scene from its name; it must be picklable.
        names: of the scenes.
        workers: processes.
        progress: called with the scenes done and all scenes.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*CASE, *metrics])
        writer.writeheader()
        with ProcessPoolExecutor(workers) as pool:
            for done, rows in enumerate(pool.map(of_scene, names), 1):
                writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
                file.flush()
                if progress is not None:
                    progress(done, len(names))


def read(path: Path, metrics: Sequence[str]) -> Iterator[Row]:
    """Read what `write` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: (float(text) if text else None) if name in metrics else text for name, text in row.items()}

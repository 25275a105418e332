"""Rows of an evaluation: made scene by scene, in processes of their own, and kept as CSV."""

from __future__ import annotations

import csv
import multiprocessing
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from mixprior.mixing.evaluation.verdict import Row
from mixprior.stats.visible import csv_cell

Part = TypeVar("Part")
CASE = ("scene", "artist", "kind", "planner", "task", "scale", "seed", "system")


def write(
    path: Path,
    metrics: Sequence[str],
    of_part: Callable[[Part], Sequence[Row]],
    parts: Sequence[Part],
    workers: int,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Write the rows of all parts: the file of before stands until they are all made.

    Args:
        path: of the file.
        metrics: columns after those of `CASE`.
        of_part: makes the rows of a part; it must be picklable.
        parts: what is evaluated.
        workers: processes; 1 is this one.
        progress: called with the parts done and all of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    with unfinished.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*CASE, *metrics])
        writer.writeheader()
        for done, rows in enumerate(_each(of_part, parts, workers), 1):
            writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
            if progress is not None:
                progress(done, len(parts))
    unfinished.replace(path)


def _each(of_part: Callable[[Part], Sequence[Row]], parts: Sequence[Part], workers: int) -> Iterator[Sequence[Row]]:
    if workers == 1:
        yield from map(of_part, parts)
        return
    # Spawned: a fork of a process in which torch has separated songs may wait for ever for a thread that it lacks.
    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        yield from pool.map(of_part, parts)


def read(path: Path, metrics: Sequence[str]) -> Iterator[Row]:
    """Read what `write` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: (float(text) if text else None) if name in metrics else text for name, text in row.items()}

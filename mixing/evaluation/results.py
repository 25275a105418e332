"""Rows of an evaluation: made scene by scene in processes of their own, kept as CSV."""

from __future__ import annotations

import csv
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
    """Write the rows of all parts, each part's when it is done.

    Args:
        path: of the file.
        metrics: columns after those of `CASE`.
        of_part: makes the rows of a part; it must be picklable.
        parts: what is evaluated.
        workers: processes.
        progress: called with the parts done and all of them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, [*CASE, *metrics])
        writer.writeheader()
        with ProcessPoolExecutor(workers) as pool:
            for done, rows in enumerate(pool.map(of_part, parts), 1):
                writer.writerows({name: csv_cell(value) for name, value in row.items()} for row in rows)
                file.flush()
                if progress is not None:
                    progress(done, len(parts))


def read(path: Path, metrics: Sequence[str]) -> Iterator[Row]:
    """Read what `write` wrote."""
    with open(path, newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            yield {name: (float(text) if text else None) if name in metrics else text for name, text in row.items()}

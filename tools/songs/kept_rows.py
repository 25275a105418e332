"""Rows of evidence in a CSV file that grows: what was measured is not measured again."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path


def kept(path: Path, columns: Sequence[str]) -> list[list[str]]:
    """Return the rows of a file, which is begun with these columns where there is none."""
    if not path.exists():
        path.write_text(",".join(columns) + "\n", encoding="utf-8")
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))[1:]


def add(path: Path, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Append rows to it."""
    kept(path, columns)
    with path.open("a", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)

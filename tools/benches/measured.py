"""What was measured, kept from run to run: one record a row and machine."""

from __future__ import annotations

import json
import os
import statistics
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from tools import ROOT
from tools.benches import processor
from tools.benches.comparison import Comparison
from tools.benches.timing import Times, ratio

RECORDS = ROOT / "docs" / "measured" / "performance.json"


@dataclass(frozen=True)
class Record:
    """A row as it was measured: times are medians, pairs are (ours, theirs).

    Attributes:
        row: name of the row.
        machine: what it was measured on, see `processor.description`.
        measured_on: ISO date.
        runs: how often either was timed.
        cpu_s: CPU seconds.
        wall_s: seconds of the clock.
        cpu_ratio: median of their CPU time over ours.
        wall_ratio: the same of the clock's.
        part_s: seconds of the clock of the part that the row names; None where it names none.
        part_ratio: the same of these.
        peak_mb: greatest memory.
        off: how far the results are apart, in the row's unit; None where they cannot be compared.
        load: load average of its last minute, one or two of which is its own; the rest is what shared the machine.
    """

    row: str
    machine: str
    measured_on: str
    runs: int
    cpu_s: tuple[float, float]
    wall_s: tuple[float, float]
    cpu_ratio: float
    wall_ratio: float
    peak_mb: tuple[float, float]
    off: float | None
    load: float | None = None
    part_s: tuple[float, float] | None = None
    part_ratio: float | None = None


def record(comparison: Comparison, ours: Times, theirs: Times) -> Record:
    """What the table needs to know of the times of both."""
    both = (ours, theirs)
    return Record(
        comparison.row,
        processor.description(cuda=comparison.on == "cuda"),
        date.today().isoformat(),
        comparison.runs,
        (_median(ours.cpu_s), _median(theirs.cpu_s)),
        (_median(ours.wall_s), _median(theirs.wall_s)),
        _ratio(ours.cpu_s, theirs.cpu_s),
        _ratio(ours.wall_s, theirs.wall_s),
        (round(both[0].peak_mb), round(both[1].peak_mb)),
        float(f"{comparison.off(ours.result, theirs.result):.3g}") if comparison.off else None,
        round(os.getloadavg()[0], 1),
        (_median(ours.part_s), _median(theirs.part_s)) if ours.part_s else None,
        _ratio(ours.part_s, theirs.part_s) if ours.part_s else None,
    )


def read(path: Path = RECORDS) -> list[Record]:
    """All records; none where nothing was measured yet."""
    return [Record(**entry) for entry in json.loads(path.read_text())] if path.exists() else []


def keep(found: Record, path: Path = RECORDS) -> None:
    """Put a record in the place of the one of the same row and machine."""
    others = [each for each in read(path) if (each.row, each.machine) != (found.row, found.machine)]
    lines = [json.dumps(asdict(each)) for each in sorted([*others, found], key=lambda each: (each.row, each.machine))]
    path.write_text("[\n" + ",\n".join(lines) + "\n]\n")


def _ratio(ours: list[float], theirs: list[float]) -> float:
    return float(f"{ratio(ours, theirs):.4g}")


def _median(values: list[float]) -> float:
    return float(f"{statistics.median(values):.4g}")

"""What `mixprior plan` says of a run, held against the run: `python -m tools.engines.planned`, two to ten minutes.

Constants are measured, then sixty short songs with stems are mined by one worker and by two, here and on Dask. CPU
time depends little on what else runs; the time of the clock is what was planned as long as others take as much of the
machine as while the constants were measured.
"""

from __future__ import annotations

import csv
import os
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields
from datetime import date
from pathlib import Path

import mixprior
from mixprior.pipeline.plan import command, constants
from mixprior.pipeline.plan.measure import ENGINES, measure
from tools import ROOT
from tools.engines.runs import Run, write_songs
from tools.evidence.__main__ import main as write

ROWS = ROOT / "tools" / "evidence" / "rows" / "planned.csv"
SONGS = 60
WORKERS = (1, 2)


@dataclass(frozen=True)
class Held:
    """A plan and its run.

    Attributes:
        engine: "local" or "dask".
        workers: processes that mine.
        songs: of the catalog.
        planned_wall_s: from the command's start to its end.
        wall_s: the same, as it was.
        planned_cpu_s: of all cores.
        cpu_s: the same, as it was.
        load: load average at the end.
        measured: date, ISO 8601.
    """

    engine: str
    workers: int
    songs: int
    planned_wall_s: float
    wall_s: float
    planned_cpu_s: float
    cpu_s: float
    load: float
    measured: str


def held(folder: Path, songs: int = SONGS) -> Iterator[Held]:
    """Measure the constants of this machine, plan runs, and run them.

    Args:
        folder: to work in.
        songs: how many.
    """
    settings = command._settings(None, 20.0)
    constants.keep(measure(settings, separates=False), settings)
    catalog = write_songs(folder / "songs", songs)
    for engine, options in ENGINES.items():
        for workers in WORKERS:
            planned = mixprior.plan(catalog, workers=workers, engine=engine, one_machine=True)
            before, began_s = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
            ended = Run(catalog, folder / f"{engine}-{workers}", "-j", workers, *options).end()
            wall_s, after = time.monotonic() - began_s, resource.getrusage(resource.RUSAGE_CHILDREN)
            assert ended.code == 0, ended
            cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
            yield Held(
                engine=engine,
                workers=workers,
                songs=songs,
                planned_wall_s=round(planned.wall_s, 1),
                wall_s=round(wall_s, 1),
                planned_cpu_s=round(3600 * planned.cpu_hours, 1),
                cpu_s=round(cpu_s, 1),
                load=round(os.getloadavg()[0], 1),
                measured=date.today().isoformat(),
            )


def kept() -> list[Held]:
    """Return the rows that were kept."""
    with ROWS.open(newline="") as file:
        types = {field.name: {"str": str, "int": int, "float": float}[str(field.type)] for field in fields(Held)}
        return [Held(**{name: types[name](text) for name, text in row.items()}) for row in csv.DictReader(file)]


def main() -> int:
    """Hold plans against runs, keep the rows, and write the table of docs/running.md."""
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for row in held(Path(folder)):
            sys.stderr.write(f"{row}\n")
            found.append(row)
    with ROWS.open("w", newline="") as file:
        writer = csv.DictWriter(file, [field.name for field in fields(Held)], lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(asdict, found))
    return write(["planned"])


if __name__ == "__main__":
    sys.exit(main())

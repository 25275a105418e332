"""What ten thousand songs take on each engine: `mixprior plan` by the constants that it comes with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mixprior.pipeline.plan.command import with_gpu
from mixprior.pipeline.plan.forecast import Fleet, Forecast, duration, forecast, size
from mixprior.pipeline.plan.reference import REFERENCE
from mixprior.pipeline.plan.simulation import Troubles
from mixprior.pipeline.plan.work import like
from tools import ROOT

DOCUMENT = ROOT / "docs" / "running.md"
SONGS, MINUTES, KBIT_PER_S = 10_000, 4.0, 256.0
GPU = 60.0
"""Times as fast as the music plays that a GPU is taken to separate: an assumption."""

CLUSTER = Troubles(0.05, 2.0, 0.005, start_s=300.0)
SPOT = replace(CLUSTER, preemptions_per_day=1.0)


@dataclass(frozen=True)
class Place:
    """Where songs are mined.

    Attributes:
        name: of the engine, and what it runs on.
        fleet: its workers.
        troubles: that are simulated.
        option: of `mixprior plan`, besides `--songs` and `--workers`.
        gpu: whether a worker has one.
    """

    name: str
    fleet: Fleet
    troubles: Troubles
    option: str
    gpu: bool = False

    def plan(self, songs: int = SONGS) -> Forecast:
        """Return what so many songs take there."""
        constants = with_gpu(REFERENCE, GPU) if self.gpu else REFERENCE
        return forecast(like(songs, MINUTES, KBIT_PER_S, with_stems=False), self.fleet, constants, self.troubles)


PLACES = (
    Place("one machine, 16 cores", Fleet("local", 16), Troubles(), "--engine local"),
    Place(
        "one machine, 4 GPUs, 32 cores", Fleet("dask", 4, 8), Troubles(), f"--gpu {GPU:g} --cores 8 --one-machine", True
    ),
    Place("Slurm + Dask, 20 jobs of 8 cores", Fleet("dask", 160), CLUSTER, "--engine dask"),
    Place(
        "Kubernetes + Dask, 10 pods of 8 cores, preemptible", Fleet("dask", 80), SPOT, "--engine dask --preemptions 1"
    ),
    Place("Dataflow, 100 workers of a core", Fleet("dask", 100), CLUSTER, "--engine dask"),
    Place("Dataflow, 10 workers with a GPU", Fleet("dask", 10, 8), CLUSTER, f"--gpu {GPU:g} --cores 8", True),
)


def table() -> str:
    """The table, in Markdown."""
    lines = [
        "| where | `mixprior plan --songs 10000 --minutes 4` | time | CPU hours | GPU hours | worker hours | read "
        "| kept |",
        "|---|---|--:|--:|--:|--:|--:|--:|",
    ]
    for place in PLACES:
        found = place.plan()
        option = f"`--workers {place.fleet.workers} {place.option}`"
        hours = f"{found.cpu_hours:,.0f} | {found.gpu_hours:,.1f} | {found.paid_hours:,.1f}"
        sizes = f"{size(found.read_bytes)} | {size(found.kept_bytes)}"
        lines.append(f"| {place.name} | {option} | {duration(found.wall_days[1])} | {hours} | {sizes} |")
    return "\n".join([*lines, "", f"Constants: {REFERENCE.machine}, {REFERENCE.measured}, load {REFERENCE.load:.1f}."])

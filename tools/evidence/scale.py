"""From a hundred songs to a hundred million: `mixprior plan` by its own constants, and what is stored."""

from __future__ import annotations

from mixprior.pipeline.plan.forecast import BUNDLES_A_WORKER, Fleet, duration, forecast, size
from mixprior.pipeline.plan.reference import REFERENCE
from mixprior.pipeline.plan.simulation import Troubles
from mixprior.pipeline.plan.work import like
from mixprior.pipeline.store.archive import MANY
from mixprior.pipeline.store.layout import PREFIXES
from mixprior.pipeline.store.packing import PART_SONGS, WORTH, songs_a_part
from mixprior.pipeline.store.songs import shards_for
from tools import ROOT
from tools.evidence.costs import CLUSTER, KBIT_PER_S, MINUTES

DOCUMENT = ROOT / "docs" / "scale.md"
WORKERS = {100: 2, 1_000: 16, 10_000: 64, 100_000: 250, 1_000_000: 1_000, 10_000_000: 4_000, 100_000_000: 16_000}
"""By the songs: so many that it takes hours or days."""

_TABLE_BYTES, _INDEX_BYTES, _LIST_BYTES = 165, 32, 178
"""Of a song in memory: in the table of songs; in the index of the archive; in the list of the catalog. Measured."""


def parts_of(songs: int, processes: int) -> int:
    """Parts of a run: of each process while songs are mined, and of what these leave, where it is much.

    >>> parts_of(4000, 1), parts_of(4096, 1), parts_of(10_000, 64), parts_of(1_000_000, 1000)
    (0, 1, 3, 3245)
    """
    part = songs_a_part(songs, processes == 1)
    packed = processes * (songs // processes // part) if part else 0
    rest = songs - packed * part
    if rest < MANY:
        return packed + bool(processes == 1 and part and rest >= WORTH)
    shares = min(len(PREFIXES), -(-songs // PART_SONGS))
    return packed + shares * -(-rest // (shares * PART_SONGS))


def table() -> str:
    """The table, in Markdown."""
    lines = [
        "| songs | workers | time | CPU hours | read | kept | songs a bundle | parts | shards | list | table | index |",
        "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|",
    ]
    for songs, workers in WORKERS.items():
        engine = "local" if workers <= 16 else "dask"
        troubles = Troubles() if engine == "local" else CLUSTER
        found = forecast(like(songs, MINUTES, KBIT_PER_S, False), Fleet(engine, workers), REFERENCE, troubles)
        bundle = songs // (BUNDLES_A_WORKER[engine] * workers) if engine != "local" else 1
        parts = parts_of(songs, 1 if engine == "local" else workers)
        took = f"{duration(found.wall_days[1])} | {found.cpu_hours:,.0f} | {size(found.read_bytes)}"
        memory = " | ".join(size(each * songs) for each in (_LIST_BYTES, _TABLE_BYTES, _INDEX_BYTES))
        stored = f"{size(found.kept_bytes)} | {bundle:,} | {parts:,} | {shards_for(songs):,}"
        lines.append(f"| {songs:,} | {workers:,} | {took} | {stored} | {memory} |")
    return "\n".join([*lines, "", f"Constants: {REFERENCE.machine}, {REFERENCE.measured}, load {REFERENCE.load:.1f}."])

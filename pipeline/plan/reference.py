"""Constants of another machine, for plans on one that was not measured: what `mixprior plan --measure` found there."""

from __future__ import annotations

from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS, Constants, Overhead, PerSong

REFERENCE = Constants(
    machine="2 cores, AMD EPYC (family 26)",
    cores=2,
    measured="2026-11-29",
    load=0.4,
    songs={
        SEPARATED: PerSong(0.574, 0.1646, 0.0, 7, 143_977, "clips, bf16"),
        WITH_STEMS: PerSong(0.0212, 0.00608, 0.0, 7, 104_672, "clips"),
    },
    # Without the shares of a core that songs got there: what else ran on that machine is not at work on another.
    engines={
        "local": (Overhead(1, 2.21, 2.87, 1.0), Overhead(2, 2.23, 3.48, 1.0)),
        "dask": (Overhead(1, 7.65, 7.87, 1.0), Overhead(2, 8.63, 13.50, 1.0)),
    },
    table_s=33e-6,
    table_bytes=11.7,
    aggregate_s=1.24e-3,
    graph_s=5.08,
    is_reference=True,
)

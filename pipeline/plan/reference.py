"""Constants of another machine, for plans on one that was not measured: what `mixprior plan --measure` found there."""

from __future__ import annotations

from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS, Constants, Overhead, PerSong

REFERENCE = Constants(
    machine="2 cores, AMD EPYC",
    cores=2,
    measured="2026-11-28",
    load=10.1,
    songs={
        SEPARATED: PerSong(1.95, 0.310, 0.0, 7, 143_977, "clips, bf16"),
        WITH_STEMS: PerSong(0.0246, 0.00887, 0.0, 7, 104_672, "clips"),
    },
    engines={
        "local": (Overhead(1, 4.0, 4.3, 1.0), Overhead(2, 4.5, 6.2, 1.11)),
        "dask": (Overhead(1, 11.5, 10.1, 1.0), Overhead(2, 15.2, 17.9, 1.11)),
    },
    table_s=44e-6,
    table_bytes=12.0,
    aggregate_s=1.17e-3,
    graph_s=9.2,
    is_reference=True,
)

"""Constants of another machine, for plans on one that was not measured: what `mixprior plan --measure` found there."""

from __future__ import annotations

from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS, Constants, Overhead, PerSong

REFERENCE = Constants(
    machine="2 cores, AMD EPYC",
    cores=2,
    measured="2026-11-28",
    load=0.0,
    songs={
        SEPARATED: PerSong(1.0, 0.41, 0.0, 7, 146_000, "clips"),
        WITH_STEMS: PerSong(0.055, 0.0095, 0.0, 7, 146_000, "clips"),
    },
    engines={
        "local": (Overhead(1, 4.0, 5.0, 1.0), Overhead(2, 4.0, 6.0, 1.1)),
        "dask": (Overhead(1, 14.0, 20.0, 1.0), Overhead(2, 18.0, 30.0, 1.1)),
    },
    table_s=1e-4,
    table_bytes=100.0,
    aggregate_s=1e-3,
    graph_s=7.0,
    is_reference=True,
)

"""`mixprior plan`: hours, bytes, days and price of mining a catalog, or so many songs, before a machine is paid for."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.pipeline.graphs import options
from mixprior.pipeline.song.cores import usable_cores
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from mixprior.pipeline.plan.constants import Constants
    from mixprior.pipeline.plan.forecast import Forecast
    from mixprior.pipeline.separation.model_store import ModelFiles
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings


ENGINES = ("local", "dask")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior plan`."""
    parser.add_argument("catalog", nargs="*", metavar="CATALOG", help="as `mixprior mine` takes it; no song is mined")
    parser.add_argument("--songs", type=int, metavar="N", help="so many songs, in place of a catalog")
    parser.add_argument("--minutes", type=float, default=4.0, help="mean length of these songs (4)")
    parser.add_argument("--kbit-per-s", type=float, default=256.0, help="of the files of these songs (256)")
    parser.add_argument("--with-stems", action="store_true", help="these songs come with stems: nothing is separated")
    parser.add_argument(
        "-j",
        "--workers",
        type=int,
        help="processes that mine, with a GPU each where one separates (all cores of this machine; one with a GPU)",
    )
    parser.add_argument(
        "--engine",
        choices=ENGINES,
        help="local: processes of one machine; dask: any cluster (local up to the cores of this machine)",
    )
    parser.add_argument(
        "--gpu",
        type=float,
        metavar="X",
        help="each worker has a GPU that separates X times as fast as the music plays (as measured with --device cuda)",
    )
    parser.add_argument("--cores", type=int, default=8, help="of a worker with a GPU (8)")
    parser.add_argument(
        "--one-machine",
        action="store_true",
        help="the workers are on one machine, as several with a GPU each: it has none of the troubles of a cluster",
    )
    parser.add_argument("--price-per-hour", type=float, metavar="P", help="of a worker, in any currency")
    parser.add_argument(
        "--bundles", type=int, metavar="N", help="of a cluster, that songs are dealt to for each worker (8)"
    )
    parser.add_argument(
        "--slow-workers",
        type=float,
        default=5.0,
        metavar="%%",
        help="of a cluster, workers that are twice as slow, in percent (5)",
    )
    parser.add_argument(
        "--again",
        type=float,
        default=0.5,
        metavar="%%",
        help="of a cluster, songs that are mined twice, in percent (0.5)",
    )
    parser.add_argument(
        "--preemptions", type=float, default=0.0, metavar="N", help="workers taken away, a worker and day (0)"
    )
    parser.add_argument(
        "--start",
        type=float,
        default=300.0,
        metavar="SECONDS",
        help="of a cluster, until workers stand, at the beginning and when one was taken away (300)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the simulation (0)")
    parser.add_argument(
        "--measure", action="store_true", help="measure the constants of this machine first, and keep them"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run `mixprior plan`; return its exit code."""
    found = plan(
        args.catalog or None,
        songs=args.songs,
        minutes=args.minutes,
        kbit_per_s=args.kbit_per_s,
        with_stems=args.with_stems,
        workers=args.workers,
        engine=args.engine,
        gpu=args.gpu,
        cores=args.cores,
        one_machine=args.one_machine,
        price_per_hour=args.price_per_hour,
        bundles=args.bundles,
        slow_workers=args.slow_workers,
        again=args.again,
        preemptions=args.preemptions,
        start=args.start,
        seed=args.seed,
        measure=args.measure,
        **options.of(args),
    )
    print(json.dumps(asdict(found)) if args.json else found.text())
    return 0


def plan(
    catalog: str | Path | Sequence[str | Path] | None = None,
    *,
    songs: int | None = None,
    minutes: float = 4.0,
    kbit_per_s: float = 256.0,
    with_stems: bool = False,
    workers: int | None = None,
    engine: str | None = None,
    gpu: float | None = None,
    cores: int = 8,
    one_machine: bool = False,
    price_per_hour: float | None = None,
    bundles: int | None = None,
    slow_workers: float = 5.0,
    again: float = 0.5,
    preemptions: float = 0.0,
    start: float = 300.0,
    seed: int = 0,
    measure: bool = False,
    separation: SeparationSettings | None = None,
    max_minutes: float = 20.0,
) -> Forecast:
    """Return what mining takes, without mining a song: hours, bytes, days and price.

    It follows from constants: those that were measured on this machine (`measure`, or the last run of `mine`), or
    those of another one that come with the program. A run is simulated several times, with the troubles of a cluster;
    a machine by itself has none.

    Args:
        catalog: as `mine` takes it; None with `songs`.
        songs: so many songs, in place of a catalog.
        minutes: mean length of these.
        kbit_per_s: of the files of these.
        with_stems: whether these come with stems.
        workers: processes that mine; None for one a core of this machine, or for one with a GPU and all cores.
        engine: "local" or "dask", which stands for any cluster; None for "local" up to the cores of this machine.
        gpu: how many times as fast as the music plays the GPU of each worker separates; None for what was measured.
        cores: of a worker with a GPU.
        one_machine: whether all workers are on one machine, on "dask", too: it has none of the troubles of a cluster.
        price_per_hour: of a worker.
        bundles: of a cluster, that songs are dealt to for each worker; None for 8.
        slow_workers: workers of a cluster that take twice as long, in percent.
        again: songs of a cluster that are mined twice, in percent.
        preemptions: how often a worker is taken away, in a day.
        start: seconds until workers of a cluster stand, at the beginning and when one was taken away.
        seed: of the simulation.
        measure: measure the constants of this machine first, which takes a minute or two, and keep them.
        separation: model and way of separating; None for the usual.
        max_minutes: longer songs fail.

    Raises:
        InputError: if neither or both of catalog and songs are given, a number is out of range, or measuring fails.

    >>> found = plan(songs=1000, minutes=4.0, with_stems=True, workers=100, engine="dask", price_per_hour=0.5)
    >>> found.songs, found.workers, found.price > 0
    (1000, 100, True)
    """
    from mixprior.pipeline.plan import forecast as forecasts
    from mixprior.pipeline.plan.simulation import Troubles
    from mixprior.pipeline.plan.work import like, of_catalog

    if (catalog is None) == (songs is None):
        raise InputError("plan takes a catalog, or --songs N: one of them")
    _refuse(
        songs=(songs, 1, 1e12),
        workers=(workers, 1, 1e6),
        cores=(cores, 1, 1e4),
        bundles=(bundles, 1, 1e6),
        seed=(seed, 0, inf),
        price_per_hour=(price_per_hour, 0, inf),
    )
    _refuse(minutes=(minutes, 0.01, 1e4), kbit_per_s=(kbit_per_s, 1, 1e5), gpu=(gpu, 0.01, 1e5))
    _refuse(slow_workers=(slow_workers, 0, 100), again=(again, 0, 100), preemptions=(preemptions, 0, 1000))
    _refuse(start=(start, 0, 86400))
    if engine not in (None, *ENGINES):
        raise InputError(f"there is no engine {engine!r} to plan for; there are {', '.join(ENGINES)}")
    settings = _settings(separation, max_minutes)
    work = of_catalog(catalog, settings) if catalog is not None else like(songs or 1, minutes, kbit_per_s, with_stems)
    known = _constants(settings, measure)
    here = usable_cores() if known.is_reference else known.cores
    if gpu is not None:
        known = with_gpu(known, gpu)
    has_gpu = any(known.songs[kind].gpu_s for kind in work.songs)
    if workers is None and has_gpu:
        workers, cores = 1, here if gpu is None else cores
    workers = workers or here
    # The local engine has one GPU, which all its processes share.
    engine = engine or ("local" if workers <= (1 if has_gpu else here) else "dask")
    if engine == "local" and has_gpu and workers > 1:
        raise InputError("--engine local has one GPU: for several, --engine dask --one-machine")
    if engine == "local" or one_machine:
        troubles = Troubles(preemptions_per_day=preemptions, restart_s=start)
    else:
        troubles = Troubles(slow_workers / 100, 2.0, again / 100, preemptions, start, start)
    fleet = forecasts.Fleet(engine, workers, cores, price_per_hour, bundles)
    return forecasts.forecast(work, fleet, known, troubles, seed)


def _settings(separation: SeparationSettings | None, max_minutes: float) -> MiningSettings:
    """How songs would be mined; a model that is not on this machine, or cannot be read, has no weights."""
    from mixprior.pipeline.separation import model_store
    from mixprior.pipeline.separation.model_digests import RememberedDigests

    def find(model: str, folder: str | None) -> ModelFiles | None:
        try:
            return model_store.find(model, folder, digests=RememberedDigests())
        except InputError:
            return None

    return options.settings(separation, max_minutes, find, is_local=True)


def _constants(settings: MiningSettings, measure: bool) -> Constants:
    """Constants of this machine where some were measured; what it lacks is that of the reference."""
    from mixprior.pipeline.plan import constants
    from mixprior.pipeline.plan.reference import REFERENCE

    if measure:
        from mixprior.pipeline.plan.measure import measure as measured

        constants.keep(measured(settings, separates=bool(settings.separation.weights_sha256)), settings)
    return constants.completed(constants.read(settings), REFERENCE, settings)


def with_gpu(constants: Constants, times: float) -> Constants:
    """Have a GPU separate so many times as fast as the music plays; the cores then do what songs with stems take."""
    from mixprior.pipeline.plan.constants import SEPARATED, WITH_STEMS

    own, rest = constants.songs[SEPARATED], constants.songs[WITH_STEMS]
    found = replace(own, song_s=rest.song_s, audio_s=rest.audio_s, gpu_s=1 / times, by=f"{own.by}, and --gpu {times:g}")
    return replace(constants, songs={**constants.songs, SEPARATED: found})


def _refuse(**given: tuple[float | None, float, float]) -> None:
    """Refuse what is out of range: by the name of the option, its value, the least and the greatest there may be."""
    for name, (value, least, most) in given.items():
        if value is not None and not least <= value <= most:
            most_words = "" if most == inf else f" to {most:g}"
            raise InputError(f"--{name.replace('_', '-')} takes a number from {least:g}{most_words}, not {value:g}")

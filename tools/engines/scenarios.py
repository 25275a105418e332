"""Engines and faults: each scenario mines a catalog on an engine, injects a fault, and says what came of it."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from tools.engines import processes
from tools.engines.programs import NotHere
from tools.engines.runs import Ended, Run, digests, statuses, write_songs

_CUT_S = 30.0
_QUICK = {"DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "12s", "DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT": "12s"}


@dataclass(frozen=True)
class Row:
    """What came of a scenario.

    Attributes:
        engine: its name.
        version: its version.
        how: how it was started.
        songs: of the catalog.
        fault: what was injected.
        outcome: what the command did, and what was stored.
        is_same: whether all that is stored is byte-equal to the default run, in the end.
    """

    engine: str
    version: str
    how: str
    songs: int
    fault: str
    outcome: str
    is_same: bool


class Bench:
    """A catalog, and what the default run stores of it.

    Args:
        folder: to work in.
        catalog: folder of songs.
        default: output of the default run over it.
    """

    def __init__(self, folder: Path, catalog: Path, default: Path) -> None:
        self.folder, self.catalog = folder, catalog
        self.songs = len(list(catalog.iterdir()))
        self.expected = digests(default)
        assert len(self.expected) > self.songs, "the default run stored too little to compare"

    @classmethod
    def of(cls, folder: Path, songs: int) -> Bench:
        """Make a catalog of so many songs, and mine it by the default run."""
        catalog, default = write_songs(folder / "songs", songs), folder / "default"
        ended = Run(catalog, default).end()
        assert ended.code == 0, ended
        return cls(folder, catalog, default)

    def place(self, name: str) -> Path:
        """Make a folder for a scenario."""
        place = self.folder / name
        place.mkdir()
        return place

    def run(self, place: Path, *options: object, before: Sequence[str] = ()) -> Run:
        """Begin to mine the catalog."""
        return Run(self.catalog, place / "out", *options, before=before)

    def row(self, place: Path, engine: str, number: str, how: str, fault: str, outcome: str, ended: Ended) -> Row:
        """Return the row of a run that ended."""
        is_same = ended.code == 0 and digests(place / "out") == self.expected
        if ended.code:
            outcome = f"exit code {ended.code}: {' / '.join(ended.errors)}"
        elif not is_same:
            outcome = f"{outcome}; {statuses(place / 'out')}"
        return Row(engine, number, how, self.songs, fault, outcome, is_same)


def dask_here(bench: Bench) -> Row:
    """`--runner dask` alone."""
    place = bench.place("dask here")
    ended = bench.run(place, "--runner", "dask", "-j", 2).end()
    return _dask(bench, place, "`--runner dask -j 2`", "none", "ends as the default run", ended)


def dask(bench: Bench) -> Row:
    """A scheduler and two workers on loopback."""
    place = bench.place("dask")
    with processes.dask_cluster(place) as (address, _):
        ended = bench.run(place, "--runner", "dask", "--dask-address", address).end()
    return _dask(bench, place, "`dask scheduler`, 2 `dask worker`", "none", "ends as the default run", ended)


def _killed(bench: Bench, place: Path, member: int) -> Ended:
    """Kill the scheduler (0) or a worker when a fourth of the songs is mined; how the command ends."""
    with processes.dask_cluster(place) as (address, members):
        run = bench.run(place, "--runner", "dask", "--dask-address", address)
        run.wait_for(bench.songs // 4)
        members[member].kill()
        return run.end()


def dask_worker_killed(bench: Bench) -> Row:
    """A worker is killed in the middle of a run."""
    place = bench.place("dask worker killed")
    ended = _killed(bench, place, 1)
    fault = f"1 worker `kill -9` at song {bench.songs // 4}"
    return _dask(bench, place, "`dask scheduler`, 2 `dask worker`", fault, "goes on with the other worker", ended)


def dask_scheduler_killed(bench: Bench) -> Row:
    """The scheduler is killed in the middle of a run; another run goes on."""
    place = bench.place("dask scheduler killed")
    first = _killed(bench, place, 0)
    kept = len(list((place / "out").glob("features/*/*/*.parquet")))
    with processes.dask_cluster(place) as (address, _):
        ended = bench.run(place, "--runner", "dask", "--dask-address", address).end()
    fault = f"scheduler `kill -9` at song {bench.songs // 4}"
    outcome = _stopped(first, kept, bench.songs)
    return _dask(bench, place, "`dask scheduler`, 2 `dask worker`", fault, outcome, ended)


def dask_two_hosts(bench: Bench) -> Row:
    """Two network namespaces with a shared folder; one is cut off, comes back, and has its worker started again."""
    need_namespaces()
    place = bench.place("dask two hosts")

    def begin(options: Sequence[object], before: Sequence[str]) -> Run:
        return bench.run(place, *options, before=before)

    with processes.two_hosts():
        ended, outcome = through_a_cut(place, bench.songs // 4, begin)
    how = "scheduler and worker in one network namespace, worker in another, one folder"
    return _dask(bench, place, how, cut_at(bench), outcome, ended)


def through_a_cut(
    place: Path, songs: int, begin: Callable[[Sequence[object], Sequence[str]], Run], **variables: str
) -> tuple[Ended, str]:
    """Mine on Dask between the two network namespaces; one is cut off, comes back, and has its worker started again.

    Args:
        place: for logs.
        songs: finished before the cut.
        begin: takes options of the command, and what its line begins with; begins a run.
        variables: of the environment of the workers.

    Returns:
        How the run ended, and what the row says of it.
    """
    port, scheduler_log = processes.free_port(), place / "scheduler.log"
    first, second = processes.NAMESPACES
    address = f"tcp://{processes.ADDRESSES[0]}:{port}"
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", processes.ADDRESSES[0]]
    scheduler = [*processes.within(first), *program, "--port", str(port), "--no-dashboard"]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--nthreads", "1", "--no-dashboard"]
    set_to = {**_QUICK, **variables}
    with (
        processes.started(scheduler, scheduler_log, **set_to),
        processes.started([*processes.within(first), *worker], place / "a.log", **set_to),
        processes.started([*processes.within(second), *worker], place / "b.log", **set_to),
    ):
        time.sleep(5.0)
        run = begin(["--runner", "dask", "--dask-address", address], processes.within(first))
        run.wait_for(songs)
        processes.cut(True)
        time.sleep(_CUT_S)
        processes.cut(False)
        with processes.started([*processes.within(second), *worker], place / "b again.log", **set_to):
            ended = run.end()
        came_back = scheduler_log.read_text().count(f"Register worker addr: tcp://{processes.ADDRESSES[1]}") > 1
    again = ", and with both once a worker is started there again" if came_back else ""
    return ended, f"goes on with the other host{again}"


def need_namespaces() -> None:
    """Raise `NotHere` if this user and machine have no network namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        raise NotHere("network namespaces need root and `ip`")


def cut_at(bench: Bench) -> str:
    """What a row calls the cut."""
    return f"one host cut off for {_CUT_S:.0f} s at song {bench.songs // 4}"


def prism(bench: Bench) -> Row:
    """Beam's own portable runner, in Go, with an external pool of workers."""
    return _portable(bench, "Prism", processes.prism)


def prism_worker_killed(bench: Bench) -> Row:
    """Its SDK worker is killed in the middle of a run; another run goes on."""
    return _portable_killed(bench, "Prism", processes.prism)


def job_service(bench: Bench) -> Row:
    """Beam's portable job service, with an external pool of workers."""
    return _portable(bench, "portable job service", processes.job_service)


def job_service_worker_killed(bench: Bench) -> Row:
    """Its SDK worker is killed in the middle of a run; another run goes on."""
    return _portable_killed(bench, "portable job service", processes.job_service)


_Service = Callable[[Path], AbstractContextManager[int]]
_HOW = "external `worker_pool_main`"


def _portable(bench: Bench, engine: str, service: _Service) -> Row:
    place = bench.place(engine)
    with _portable_options(place, service) as (options, _):
        ended = bench.run(place, *options).end()
    return bench.row(place, engine, version("apache-beam"), _HOW, "none", "ends as the default run", ended)


def _portable_killed(bench: Bench, engine: str, service: _Service) -> Row:
    place = bench.place(f"{engine} killed")
    with _portable_options(place, service) as (options, pool):
        run = bench.run(place, *options)
        run.wait_for(bench.songs // 4)
        for pid in processes.children_of(pool):
            os.kill(pid, signal.SIGKILL)
        first = run.end()
    kept = len(list((place / "out").glob("features/*/*/*.parquet")))
    with _portable_options(place, service) as (options, _):
        ended = bench.run(place, *options).end()
    fault = f"SDK worker `kill -9` at song {bench.songs // 4}"
    outcome = _stopped(first, kept, bench.songs)
    return bench.row(place, engine, version("apache-beam"), _HOW, fault, outcome, ended)


@contextmanager
def _portable_options(place: Path, service: _Service) -> Iterator[tuple[list[str], int]]:
    with service(place) as jobs, processes.worker_pool(place) as (workers, pool):
        options = ["--runner=PortableRunner", f"--job_endpoint=localhost:{jobs}"]
        yield [*options, "--environment_type=EXTERNAL", f"--environment_config=localhost:{workers}"], pool.pid


def _dask(bench: Bench, place: Path, how: str, fault: str, outcome: str, ended: Ended) -> Row:
    return bench.row(place, "Dask", version("distributed"), how, fault, outcome, ended)


def _stopped(first: Ended, kept: int, songs: int) -> str:
    lines = f"exit code {first.code}, {len(first.errors)} line(s): “{' / '.join(first.errors)}”"
    return f"{lines}; {kept} of {songs} songs are kept, the rerun mines the rest"


ALL: dict[str, Callable[[Bench], Row]] = {
    each.__name__: each
    for each in (
        *(dask_here, dask, dask_worker_killed, dask_scheduler_killed, dask_two_hosts),
        *(prism, prism_worker_killed, job_service, job_service_worker_killed),
    )
}
"""The scenarios by name."""

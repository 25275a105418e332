"""Engines as processes of this machine: Dask, Prism, Beam's portable job service, and workers for them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tools import ROOT
from tools.engines import programs

NAMESPACES = ("mixprior-a", "mixprior-b")
ADDRESSES = ("10.77.7.1", "10.77.7.2")
_START_S = 120.0


def environment() -> dict[str, str]:
    """An environment in which `python` is this interpreter and `mixprior` this checkout."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return int(probe.getsockname()[1])


@contextmanager
def started(command: Sequence[object], log: Path, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a program while the context lasts, with its output in a file."""
    with log.open("ab") as output:
        process = subprocess.Popen(
            list(map(str, command)), cwd=log.parent, env={**environment(), **variables}, stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_for_port(port: int, process: subprocess.Popen[bytes], host: str = "localhost") -> None:
    """Wait until a program listens.

    Raises:
        RuntimeError: if it ended, or takes too long.
    """
    deadline_s = time.monotonic() + _START_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with suppress(OSError), socket.create_connection((host, port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError(f"{process.args!r} does not listen on {host}:{port}")


@contextmanager
def dask_cluster(folder: Path, workers: int = 2) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """Run a scheduler and workers on loopback; give its address and their processes, the scheduler first."""
    port = free_port()
    address = f"tcp://127.0.0.1:{port}"
    program = [sys.executable, "-m", "distributed.cli.dask_scheduler"]
    scheduler = [*program, "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    with started(scheduler, folder / "scheduler.log") as first:
        wait_for_port(port, first, "127.0.0.1")
        with _dask_workers(address, folder, workers) as others:
            yield address, [first, *others]


@contextmanager
def _dask_workers(address: str, folder: Path, workers: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    if not workers:
        yield []
        return
    program = [sys.executable, "-m", "distributed.cli.dask_worker", address, "--host", "127.0.0.1"]
    options = ["--nthreads", "1", "--no-nanny", "--no-dashboard", "--local-directory", folder / f"worker {workers}"]
    with (
        started([*program, *options], folder / f"worker{workers}.log") as first,
        _dask_workers(address, folder, workers - 1) as others,
    ):
        yield [first, *others]


@contextmanager
def worker_pool(folder: Path) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """Run Beam's pool of SDK workers; give its port and process."""
    port = free_port()
    command = [sys.executable, "-m", "apache_beam.runners.worker.worker_pool_main", f"--service_port={port}"]
    with started(command, folder / "pool.log") as process:
        wait_for_port(port, process)
        yield port, process


@contextmanager
def job_service(folder: Path) -> Iterator[int]:
    """Run Beam's portable job service; give its port."""
    port = free_port()
    module = "apache_beam.runners.portability.local_job_service_main"
    with started([sys.executable, "-m", module, "-p", port], folder / "jobs.log") as process:
        wait_for_port(port, process)
        yield port


@contextmanager
def prism(folder: Path) -> Iterator[int]:
    """Run Prism; give the port of its job service."""
    port = free_port()
    command = [programs.built(programs.PRISM), "--job_port", port, "--serve_http=false", "--idle_shutdown_timeout=0"]
    with started(command, folder / "prism.log") as process:
        wait_for_port(port, process)
        yield port


def children_of(pid: int) -> list[int]:
    """Return the processes that a process started and that run."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = stat.read_text().rpartition(")")[2].split()
            if int(fields[1]) == pid and fields[0] != "Z":
                found.append(int(stat.parent.name))
    return found


@contextmanager
def two_hosts() -> Iterator[None]:
    """Have two network namespaces with a cable between them.

    Raises:
        RuntimeError: if this machine or user may make none.
    """
    first, second = NAMESPACES
    _ip("netns", "add", first)
    try:
        _ip("netns", "add", second)
        _ip(
            "link", "add", "mixprior-a0", "netns", first, "type", "veth", "peer", "name", "mixprior-b0", "netns", second
        )
        for namespace, name, address in zip(NAMESPACES, ("mixprior-a0", "mixprior-b0"), ADDRESSES, strict=True):
            _ip("-n", namespace, "addr", "add", f"{address}/24", "dev", name)
            _ip("-n", namespace, "link", "set", name, "up")
            _ip("-n", namespace, "link", "set", "lo", "up")
        yield
    finally:
        for namespace in NAMESPACES:
            with suppress(RuntimeError):
                _ip("netns", "delete", namespace)


def cut(is_cut: bool) -> None:
    """Pull the cable between the namespaces, or put it back."""
    _ip("-n", NAMESPACES[1], "link", "set", "mixprior-b0", "down" if is_cut else "up")


def within(namespace: str) -> list[str]:
    """Return what a command begins with that runs in a network namespace."""
    return ["ip", "netns", "exec", namespace]


def _ip(*arguments: str) -> None:
    try:
        done = subprocess.run(["ip", *arguments], capture_output=True, text=True)
    except OSError as error:
        raise RuntimeError(f"no `ip` here: {error}") from error
    if done.returncode:
        raise RuntimeError(f"ip {' '.join(arguments)}: {done.stderr.strip()}")

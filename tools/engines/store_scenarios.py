"""Runs into object stores, with faults of requests and a server that is killed and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import version
from pathlib import Path
from unittest import mock

from tools import ROOT
from tools.engines import processes, stores
from tools.engines.proxy import Fault, Proxy, Request, before
from tools.engines.runs import COMPARED, Ended
from tools.engines.scenarios import Bench, Row
from tools.engines.stores import Store

TROUBLE = (
    (23, Fault(status=503)),
    (31, Fault(status=500)),
    (37, Fault(reset=True)),
    (41, Fault(reset=True, passed=True)),
    (43, Fault(wait_s=1.0)),
)
"""Every so manieth request goes wrong so."""
_DOWN_S = 5.0
_LIMIT_S = 900.0
_FINISHED = re.compile(r"/failures/\w+/\w{16}\.parquet")
"""What is removed when a song is finished; requests of Google Cloud Storage that write do not name their object."""


Server = Callable[[Path], AbstractContextManager[Store]]


def s3(bench: Bench) -> Row:
    """Catalog here, output on S3: errors, resets, and the server killed and started again."""
    return _through_trouble(bench, stores.s3, "S3")


def gcs(bench: Bench) -> Row:
    """The same on Google Cloud Storage."""
    return _through_trouble(bench, stores.gcs, "Google Cloud Storage")


def dask_s3(bench: Bench) -> Row:
    """Two workers of Dask, which share an object store alone."""
    place = bench.place("dask on s3")
    with stores.s3(place) as store, before(store.port) as proxy:
        with mock.patch.dict(os.environ, store.variables(proxy.endpoint)):
            with processes.dask_cluster(place) as (address, _):
                ended = _mine(bench, store, proxy, "--runner", "dask", "--dask-address", address).end()
            found = _digests(store, proxy)
        how = f"`dask scheduler`, 2 `dask worker`, output on S3 ({store.name})"
    return _row(bench, "Dask", version("distributed"), how, "none", "ends as the default run", ended, found)


class _Run:
    """`mixprior mine` into a store."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=pipe, stderr=pipe, text=True)

    def end(self) -> Ended:
        """Wait for its end."""
        out, errors = self.process.communicate(timeout=_LIMIT_S)
        return Ended(self.process.returncode, json.loads(out) if out.startswith("{") else {}, errors.splitlines())


def _mine(bench: Bench, store: Store, proxy: Proxy, *options: object) -> _Run:
    out = f"{store.bucket}/out"
    command = [sys.executable, "-m", "mixprior", "mine", bench.catalog, "-o", out, "--json", "--quiet"]
    env = {**processes.environment(), **store.variables(proxy.endpoint)}
    return _Run(list(map(str, [*command, *options])), env)


def _through_trouble(bench: Bench, server: Server, name: str) -> Row:
    place = bench.place(name)
    with ExitStack() as first, ExitStack() as again:
        store = first.enter_context(server(place))
        proxy = again.enter_context(before(store.port))
        proxy.faults = _trouble
        run = _mine(bench, store, proxy)
        _wait_for(proxy, run, bench.songs // 4)
        store.process.send_signal(signal.SIGKILL)
        store.process.wait()
        time.sleep(_DOWN_S)
        again.enter_context(store.start())
        ended = run.end()
        proxy.faults = None
        found = _digests(store, proxy)
    fault = (
        f"of {len(proxy.requests)} requests every 23rd 503, every 31st 500, every 37th and 41st reset, every 43rd "
        f"slow; server `kill -9` at song {bench.songs // 4}, down for {_DOWN_S:.0f} s"
    )
    how = f"output on {name} ({store.name})"
    return _row(bench, "default", "run", how, fault, "goes on when the server is back", ended, found)


def _trouble(_: Request, number: int) -> Fault | None:
    return next((fault for every, fault in TROUBLE if number % every == every - 1), None)


def _wait_for(proxy: Proxy, run: _Run, songs: int) -> None:
    def finished() -> int:
        return sum(each.method == "DELETE" and bool(_FINISHED.search(each.path)) for each in proxy.requests)

    while finished() < songs:
        if run.process.poll() is not None:
            raise RuntimeError(f"ended before {songs} songs were finished: {run.process.communicate()}")
        time.sleep(0.02)


def _digests(store: Store, proxy: Proxy) -> dict[str, str]:
    """Hash what `runs.digests` does of a local run, in a process that knows the store."""
    read = (
        "import fsspec, hashlib, json, sys; fs, root = fsspec.core.url_to_fs(sys.argv[1]); "
        "hashed = {each[len(root) + 1:]: hashlib.sha256(fs.cat_file(each)).hexdigest() for each in fs.find(root)}; "
        "print(json.dumps(hashed))"
    )
    env = {**processes.environment(), **store.variables(proxy.endpoint)}
    done = subprocess.run(
        [sys.executable, "-c", read, f"{store.bucket}/out"], env=env, capture_output=True, text=True, check=True
    )
    patterns = [pattern.replace("*", "[^/]*") for pattern in COMPARED]
    return {
        name: digest
        for name, digest in json.loads(done.stdout).items()
        if any(re.fullmatch(pattern, name) for pattern in patterns)
    }


def _row(
    bench: Bench, engine: str, number: str, how: str, fault: str, outcome: str, ended: Ended, found: dict[str, str]
) -> Row:
    is_same = ended.code == 0 and found == bench.expected
    if ended.code:
        outcome = f"exit code {ended.code}: {' / '.join(ended.errors)}"
    return Row(engine, number, how, bench.songs, fault, outcome, is_same)


ALL = {each.__name__: each for each in (dask_s3, s3, gcs)}

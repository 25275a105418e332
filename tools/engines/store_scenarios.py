"""Runs into object stores, with faults of requests and a server that is killed and started again."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import version
from pathlib import Path
from unittest import mock

from tools.engines import processes, stores
from tools.engines.proxy import Fault, Proxy, Request, before
from tools.engines.runs import COMPARED, Ended, Run
from tools.engines.scenarios import Bench, Row, cut_at, need_namespaces, through_a_cut
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
            found = _digests(store, store.variables(proxy.endpoint))
        how = f"`dask scheduler`, 2 `dask worker`, output on S3 ({store.name})"
    return _row(bench, "Dask", version("distributed"), how, "none", "ends as the default run", ended, found)


def dask_two_hosts_s3(bench: Bench) -> Row:
    """Two network namespaces with an object store in the first; the other is cut off, and comes back."""
    need_namespaces()
    place = bench.place("dask two hosts on s3")
    with processes.two_hosts():
        first = processes.NAMESPACES[0]
        with stores.s3(place, host=processes.ADDRESSES[0], within=processes.within(first)) as store:
            variables = store.variables()

            def begin(options: Sequence[object], before: Sequence[str]) -> Run:
                kept_in = store.folder / stores.BUCKET / "out"
                out = f"{store.bucket}/out"
                return Run(bench.catalog, out, *options, before=before, variables=variables, kept_in=kept_in)

            ended, outcome = through_a_cut(place, bench.songs // 4, begin, **variables)
            found = _digests(store, variables, processes.within(first))
    how = f"scheduler, worker and S3 ({store.name}) in one network namespace, worker in another; output on S3"
    return _row(bench, "Dask", version("distributed"), how, cut_at(bench), outcome, ended, found)


def _mine(bench: Bench, store: Store, proxy: Proxy, *options: object) -> Run:
    return Run(bench.catalog, f"{store.bucket}/out", *options, variables=store.variables(proxy.endpoint))


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
        found = _digests(store, store.variables(proxy.endpoint))
    fault = (
        f"of {len(proxy.requests)} requests every 23rd 503, every 31st 500, every 37th and 41st reset, every 43rd "
        f"slow; server `kill -9` at song {bench.songs // 4}, down for {_DOWN_S:.0f} s"
    )
    how = f"output on {name} ({store.name})"
    return _row(bench, "default", "run", how, fault, "goes on when the server is back", ended, found)


def _trouble(_: Request, number: int) -> Fault | None:
    return next((fault for every, fault in TROUBLE if number % every == every - 1), None)


def _wait_for(proxy: Proxy, run: Run, songs: int) -> None:
    def finished() -> int:
        return sum(each.method == "DELETE" and bool(_FINISHED.search(each.path)) for each in proxy.requests)

    while finished() < songs:
        if run.process.poll() is not None:
            raise RuntimeError(f"ended before {songs} songs were finished: {run.process.communicate()}")
        time.sleep(0.02)


def _digests(store: Store, variables: dict[str, str], within: Sequence[str] = ()) -> dict[str, str]:
    """Hash what `runs.digests` does of a local run, in a process that knows the store."""
    read = (
        "import fsspec, hashlib, json, sys; fs, root = fsspec.core.url_to_fs(sys.argv[1]); "
        "hashed = {each[len(root) + 1:]: hashlib.sha256(fs.cat_file(each)).hexdigest() for each in fs.find(root)}; "
        "print(json.dumps(hashed))"
    )
    env = {**processes.environment(), **variables}
    command = [*within, sys.executable, "-c", read, f"{store.bucket}/out"]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
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


ALL = {each.__name__: each for each in (dask_s3, dask_two_hosts_s3, s3, gcs)}

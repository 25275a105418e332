"""Object stores as processes of this machine: S3 by versitygw, Google Cloud Storage by fake-gcs-server."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from tools.engines import processes
from tools.engines.programs import FAKE_GCS, VERSITYGW, NotHere, built

BUCKET = "music"
NO_ZONES = {"GCSFS_EXPERIMENTAL_ZB_HNS_SUPPORT": "false"}
"""Without it, gcsfs asks Google what kind of bucket an emulated one is. It is read when gcsfs is imported."""
KEY, SECRET = "mixprior-key", "mixprior-secret"


@dataclass(frozen=True)
class Store:
    """A server that runs.

    Attributes:
        scheme: of its URLs.
        port: of this machine.
        name: of the program, with its version.
        folder: where it keeps objects: a folder a bucket.
        start: starts it again on the same port, once it was ended.
        process: that it runs in.
        host: the address that it listens on.
    """

    scheme: str
    port: int
    name: str
    folder: Path
    start: Callable[[], AbstractContextManager[Store]]
    process: subprocess.Popen[bytes]
    host: str = "127.0.0.1"

    @property
    def bucket(self) -> str:
        """The URL of its bucket."""
        return f"{self.scheme}://{BUCKET}"

    def variables(self, endpoint: str | None = None) -> dict[str, str]:
        """Return the environment in which its URLs are read from it, or from a proxy before it."""
        endpoint = endpoint or f"http://{self.host}:{self.port}"
        if self.scheme == "gs":
            return {"STORAGE_EMULATOR_HOST": endpoint, **NO_ZONES}
        keys = {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
        return {**keys, "AWS_ENDPOINT_URL": endpoint}


@contextmanager
def s3(folder: Path, port: int | None = None, host: str = "127.0.0.1", within: Sequence[str] = ()) -> Iterator[Store]:
    """Run an S3 server while the context lasts: versitygw, or moto where that was not built.

    Args:
        folder: to work in.
        port: that it listens on; None for a free one.
        host: the address that it listens on.
        within: what its command line begins with. What runs in a network namespace is not waited for.

    Raises:
        NotHere: if there is neither.
    """
    _need("s3fs", "aws")
    port = port or processes.free_port()
    objects = folder / "s3"
    (objects / BUCKET).mkdir(parents=True, exist_ok=True)
    try:
        program = built(VERSITYGW)
    except NotHere as lacking:
        if within:
            raise
        with _moto(folder, port, lacking) as store:
            yield store
        return
    command = [*within, program, "--port", f"{host}:{port}", "posix", objects]
    keys = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    with processes.started(command, folder / "s3.log", **keys) as process:
        if not within:
            processes.wait_for_port(port, process, host)
        name = f"versitygw {VERSITYGW.version}"
        yield Store("s3", port, name, objects, lambda: s3(folder, port), process, host)


@contextmanager
def _moto(folder: Path, port: int, lacking: NotHere) -> Iterator[Store]:
    """Run moto's server. What it keeps is gone when it ends."""
    if find_spec("moto") is None:
        raise NotHere(f"{lacking}; nor moto: pip install 'moto[server]'") from lacking
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", port]
    with processes.started(command, folder / "s3.log") as process:
        processes.wait_for_port(port, process, "127.0.0.1")
        store = Store("s3", port, "moto", folder / "s3", lambda: s3(folder, port), process)
        make = f"import fsspec; fsspec.filesystem('s3').mkdir({BUCKET!r})"
        subprocess.run([sys.executable, "-c", make], env={**os.environ, **store.variables()}, check=True)
        yield store


@contextmanager
def gcs(folder: Path, port: int | None = None) -> Iterator[Store]:
    """Run a server of Google Cloud Storage while the context lasts.

    Raises:
        NotHere: if there is none.
    """
    _need("gcsfs", "gcp")
    port = port or processes.free_port()
    objects = folder / "gcs"
    (objects / BUCKET).mkdir(parents=True, exist_ok=True)
    program = built(FAKE_GCS)
    command = [program, "-scheme", "http", "-host", "127.0.0.1", "-port", port, "-backend", "filesystem"]
    with processes.started([*command, "-filesystem-root", objects], folder / "gcs.log") as process:
        processes.wait_for_port(port, process, "127.0.0.1")
        yield Store("gs", port, f"fake-gcs-server {FAKE_GCS.version}", objects, lambda: gcs(folder, port), process)


def _need(module: str, extra: str) -> None:
    if find_spec(module) is None:
        raise NotHere(f"{module}: pip install 'mixprior[{extra}]'")


STORES = {"s3": s3, "gs": gcs}
"""The servers by the scheme of their URLs."""

"""Real servers of object stores for tests, each behind a proxy that counts requests and injects faults."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import fsspec
import pytest

from mixprior.pipeline.store import object_store
from tools.engines.programs import NotHere
from tools.engines.proxy import Fault, Proxy, Request, before
from tools.engines.stores import NO_ZONES, STORES, Store


@dataclass(frozen=True)
class Served:
    """A store, and the proxy before it.

    Attributes:
        store: the server.
        proxy: what its URLs lead to, in this process.
    """

    store: Store
    proxy: Proxy

    def url(self, name: str) -> str:
        """The URL of a folder or file in its bucket."""
        return f"{self.store.bucket}/{name}"

    @property
    def fs(self) -> fsspec.AbstractFileSystem:
        """Its driver, as others have it."""
        return fsspec.filesystem(self.store.scheme, use_listings_cache=False)

    def put(self, folder: Path, name: str) -> str:
        """Copy a local folder to the store; return its URL."""
        for path in folder.rglob("*"):
            if path.is_file():
                inner = f"{self.store.bucket.partition('://')[2]}/{name}/{path.relative_to(folder)}"
                self.fs.pipe_file(inner, path.read_bytes())
        return self.url(name)

    def content(self, url: str) -> dict[str, bytes]:
        """Return all objects below a URL, by the path from there."""
        inner = url.partition("://")[2]
        return {path[len(inner) + 1 :]: self.fs.cat_file(path) for path in self.fs.find(inner)}

    @contextmanager
    def counting(self) -> Iterator[list[Request]]:
        """Give the requests that come while the context lasts, at its end."""
        found: list[Request] = []
        first = len(self.proxy.requests)
        yield found
        found += self.proxy.requests[first:]

    @contextmanager
    def failing(self, faults: list[tuple[int, Fault]]) -> Iterator[None]:
        """Have every n-th request go wrong in some way while the context lasts."""

        def fault(_: Request, number: int) -> Fault | None:
            return next((each for every, each in faults if number % every == every - 1), None)

        self.proxy.faults = fault
        try:
            yield
        finally:
            self.proxy.faults = None


@contextmanager
def served(scheme: str, folder: Path) -> Iterator[Served]:
    """Run a store; skip what needs it, in one line, where its program cannot be had."""
    try:
        running = STORES[scheme](folder)
        store = running.__enter__()
    except NotHere as lacking:
        pytest.skip(f"{lacking}")
    try:
        with (
            before(store.port) as proxy,
            mock.patch.dict("os.environ", {**NO_ZONES, **store.variables(proxy.endpoint)}),
        ):
            forget(scheme)
            yield Served(store, proxy)
    finally:
        running.__exit__(None, None, None)
        forget(scheme)


def forget(scheme: str) -> None:
    """Have a driver read the environment again, and its stores be new to this process."""
    fsspec.get_filesystem_class(scheme).clear_instance_cache()
    object_store._answering.clear()

"""A proxy before an HTTP server: counts the requests that pass, and injects what goes wrong with servers."""

from __future__ import annotations

import http.client
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import unquote

_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length"}
_TIMEOUT_S = 60.0


class Request(NamedTuple):
    """What a client asked for.

    Attributes:
        method: GET, PUT, ...
        path: with the query, unquoted.
    """

    method: str
    path: str


@dataclass(frozen=True)
class Fault:
    """What goes wrong with a request.

    Attributes:
        status: answer this in place of passing the request on; 0 to pass it on.
        reset: reset the connection: before the request is passed on, or in the middle of the answer with `passed`.
        passed: whether the server gets the request.
        wait_s: seconds before the answer.
        content: of the answer in place of the server's.
    """

    status: int = 0
    reset: bool = False
    passed: bool = False
    wait_s: float = 0.0
    content: bytes = b""


Faults = Callable[[Request, int], Fault | None]
"""Takes a request and how many there were before it."""


class Proxy(ThreadingHTTPServer):
    """Passes requests on to a server of this machine.

    Args:
        port: of the server.

    Attributes:
        requests: all that came so far.
        faults: what goes wrong; None for nothing.
    """

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.behind = port
        self.requests: list[Request] = []
        self.faults: Faults | None = None
        self._counting = threading.Lock()

    @property
    def endpoint(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_port}"

    def fault_of(self, request: Request) -> Fault | None:
        """Count a request; return what goes wrong with it."""
        with self._counting:
            before = len(self.requests)
            self.requests.append(request)
        return self.faults(request, before) if self.faults is not None else None


@contextmanager
def before(port: int) -> Iterator[Proxy]:
    """Run a proxy before a server of this machine while the context lasts."""
    proxy = Proxy(port)
    thread = threading.Thread(target=proxy.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def _pass_on(self) -> None:
        body = self._body()
        fault = self.server.fault_of(Request(self.command, unquote(self.path))) or Fault()
        time.sleep(fault.wait_s)
        if fault.status:
            self._answer(fault.status, [("Retry-After", "0")], fault.content)
            return
        if fault.reset and not fault.passed:
            self._reset()
            return
        try:
            status, headers, content = self._asked(body)
        except OSError:  # the server is down
            self._reset()
            return
        self._answer(status, headers, content, cut=fault.reset)

    def _asked(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        behind = http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=_TIMEOUT_S)
        try:
            behind.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
            for name, value in self.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    behind.putheader(name, value)
            behind.putheader("Content-Length", str(len(body)))
            behind.endheaders(body)
            answer = behind.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            behind.close()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _answer(self, status: int, headers: list[tuple[str, str]], content: bytes, cut: bool = False) -> None:
        self.send_response_only(status)
        sizes = [value for name, value in headers if name.lower() == "content-length"]
        for name, value in headers:
            if name.lower() not in _HOP_BY_HOP:
                self.send_header(name, value)
        size = sizes[0] if self.command == "HEAD" and sizes else len(content)
        if status not in (204, 304):
            self.send_header("Content-Length", str(size))
        self.end_headers()
        if cut:
            self.wfile.write(content[: len(content) // 2])
            self._reset()
        else:
            self.wfile.write(content)

    def _reset(self) -> None:
        """Close the connection by RST, not by FIN."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def finish(self) -> None:
        """Close what is still open."""
        if self.connection.fileno() >= 0:
            super().finish()

    def handle_one_request(self) -> None:
        """Answer a request; a client that is gone is no matter."""
        try:
            super().handle_one_request()
        except OSError:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = do_PATCH = _pass_on

"""The process that owns a device: it separates the segments that other processes send, those of all songs together.

A segment is a message (`mixprior.pipeline.song.messages`) on a Unix socket: its number, its model, its shape, and its
samples as little-endian float32; so are its stems. Nothing that comes is unpickled. Whoever sends faster than the
device separates is held back by the socket.
"""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.pipeline.separation import separator, tensors
from mixprior.pipeline.separation.overlap_add import Segments
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import messages, trouble
from mixprior.pipeline.store.records import InputError

if TYPE_CHECKING:
    import torch

Entering = Callable[[str, float | None], None]


def serve(path: str, settings: SeparationSettings, entering: Entering) -> tuple[dict[str, Any], bytes]:
    """Serve until the process ends: a job of a pool that never is done.

    Args:
        path: of the socket.
        settings: model and device.
        entering: called with "separate" when a segment comes or goes, with "decode" when none is left: a device that
            hangs exceeds the limit of that stage.

    Raises:
        Exception: what lost the device. This process cannot use it any more.
    """
    Path(path).unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.settimeout(None)  # Beam sets a default of a minute where it knows credentials of Google
        listener.bind(path)
        listener.listen(4096)
        refused, segments = "", None
        try:
            segments = separator.load(settings).segments
        except InputError as error:
            refused = str(error)
        watch = _Watch(entering)
        lost: list[BaseException] = []

        def lose(error: BaseException) -> None:
            lost.append(error)
            listener.shutdown(socket.SHUT_RDWR)

        while not lost:
            try:
                connection = listener.accept()[0]
                connection.settimeout(None)
            except OSError:
                break
            if segments is None:
                with suppress(OSError), connection, connection.makefile("wb") as stream:
                    messages.write(stream, {"refused": refused})
            else:
                threading.Thread(target=_Client(connection, segments, watch, lose).run, daemon=True).start()
    raise lost[0] if lost else OSError("the socket was closed")


class _Watch:
    """Says whether the device is at work."""

    def __init__(self, entering: Entering) -> None:
        self._entering, self._at_work, self._lock = entering, 0, threading.Lock()

    def count(self, more: int) -> None:
        """Note that a segment came, or went."""
        with self._lock:
            self._at_work += more
            self._entering("separate" if self._at_work else "decode", None)


class _Client:
    """One process that sends segments."""

    def __init__(self, connection: socket.socket, segments: Segments, watch: _Watch, lose: Any) -> None:
        self._connection, self._segments, self._watch, self._lose = connection, segments, watch, lose
        self._at_work: dict[int, Future[torch.Tensor]] = {}
        self._answers: queue.SimpleQueue[tuple[dict[str, Any], bytes | memoryview] | None] = queue.SimpleQueue()

    def run(self) -> None:
        """Take segments until it goes."""
        writer = threading.Thread(target=self._write, daemon=True)
        writer.start()
        self._answers.put(({"ahead": self._segments.ahead}, b""))
        with self._connection, self._connection.makefile("rb") as stream:
            # One that breaks off, or sends what is no segment, is let go.
            with suppress(messages.BrokenMessage, OSError, ValueError, KeyError, TypeError):
                while (message := messages.read(stream)) is not None:
                    self._take(*message)
            for stems in list(self._at_work.values()):
                stems.cancel()
            self._answers.put(None)
            with suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
            writer.join()

    def _take(self, facts: dict[str, Any], content: bytes) -> None:
        number, model = int(facts["number"]), int(facts["model"])
        audio = tensors.tensor(facts, content)
        self._watch.count(1)
        stems = self._segments.submit(model, audio)
        self._at_work[number] = stems
        stems.add_done_callback(lambda stems: self._answer(number, stems))

    def _answer(self, number: int, stems: Future[torch.Tensor]) -> None:
        """Called by the thread that has the device: it does not wait for the other process."""
        self._watch.count(-1)
        self._at_work.pop(number, None)
        if stems.cancelled():
            return
        error = stems.exception()
        if error is None:
            self._answers.put(tensors.message(number, stems.result()))
            return
        kind = trouble.kind_of(error)
        said = f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"
        self._answers.put(({"number": number, "failed": said, "trouble": kind}, b""))
        if kind == trouble.DEVICE_LOST:
            self._lose(error)

    def _write(self) -> None:
        with suppress(OSError), self._connection.makefile("wb") as stream:
            while (answer := self._answers.get()) is not None:
                messages.write(stream, *answer)

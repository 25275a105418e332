"""Segments sent to the process that owns the device (`mixprior.pipeline.separation.server`)."""

from __future__ import annotations

import socket
import threading
import time
from concurrent.futures import Future
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.pipeline.separation import tensors
from mixprior.pipeline.song import messages, trouble
from mixprior.pipeline.song.time_limits import USUAL
from mixprior.pipeline.store.records import InputError

if TYPE_CHECKING:
    import torch

_PAUSE_S = 0.1


class Remote:
    """Sends segments, and takes their stems as they come. Threads may share it.

    Args:
        path: of the server's socket. One that is not there yet is waited for as long as its folder is.

    Raises:
        Lost: if there is no server.
        InputError: if it has no such model or device.
    """

    def __init__(self, path: str) -> None:
        self._socket = _connected(path)
        self._out, self._in = self._socket.makefile("wb"), self._socket.makefile("rb")
        self._lock = threading.Lock()
        self._at_work: dict[int, Future[torch.Tensor]] = {}
        self._count = 0
        hello = messages.read(self._in)
        if hello is None:
            raise trouble.Lost(_GONE)
        if "refused" in hello[0]:
            raise InputError(hello[0]["refused"])
        self.ahead = int(hello[0]["ahead"])
        threading.Thread(target=self._read, name="stems", daemon=True).start()

    def submit(self, model: int, segment: torch.Tensor) -> Future[torch.Tensor]:
        """Have a segment separated; see `mixprior.pipeline.separation.batches.Batches.submit`.

        Raises:
            Lost: if the server is gone; so does the future.
        """
        stems: Future[torch.Tensor] = Future()
        with self._lock:
            self._count += 1
            number = self._count
            self._at_work[number] = stems
            try:
                messages.write(self._out, *tensors.message(number, segment, model=model))
            except (OSError, ValueError):
                raise trouble.Lost(_GONE) from None
        return stems

    def _read(self) -> None:
        with suppress(OSError, ValueError, messages.BrokenMessage):
            while (message := messages.read(self._in)) is not None:
                facts, content = message
                stems = self._at_work.pop(facts["number"])
                if not stems.set_running_or_notify_cancel():
                    continue
                if "failed" in facts:
                    stems.set_exception(_error(facts["failed"], facts["trouble"]))
                else:
                    stems.set_result(tensors.tensor(facts, content))
        self._socket.close()
        with suppress(OSError, ValueError):  # whoever sends learns it, too
            self._out.close()
        for stems in list(self._at_work.values()):
            if stems.set_running_or_notify_cancel():
                stems.set_exception(trouble.Lost(_GONE))


_GONE = "the process that owns the device is gone"


def _error(said: str, kind: str | None) -> Exception:
    if kind == trouble.DEVICE_LOST:
        return trouble.Lost(said)
    return MemoryError(said) if kind == trouble.OUT_OF_MEMORY else RuntimeError(said)


def _connected(path: str) -> socket.socket:
    give_up_s = time.monotonic() + USUAL.start_s
    while Path(path).parent.is_dir() and time.monotonic() < give_up_s:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(None)
        try:
            connection.connect(path)
        except OSError:
            connection.close()
            time.sleep(_PAUSE_S)
        else:
            return connection
    raise trouble.Lost(_GONE)

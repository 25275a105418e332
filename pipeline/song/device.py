"""The processes that own devices: one for each GPU, kept up while songs are mined, ended with this process."""

from __future__ import annotations

import math
import shutil
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import replace
from pathlib import Path

from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song.pool import Answer, Pool
from mixprior.pipeline.song.time_limits import TimeLimits

JOB = "mixprior.pipeline.separation.server:serve"
_LIMITS = TimeLimits(decode=math.inf)
"""It waits for segments for ever; those at work may take as long as those of a second of a song, at most."""


class Device:
    """A child that owns a device, started again whenever it ends.

    Args:
        settings: resolved, with one device.

    Attributes:
        settings: with the server to which a process sends its segments.
    """

    def __init__(self, settings: SeparationSettings) -> None:
        self._folder = tempfile.mkdtemp(prefix="mixprior-")
        self._path = str(Path(self._folder) / "device")
        self._own, self.settings = settings, replace(settings, server=self._path)
        self._closed = threading.Event()
        self._pool = Pool(1)
        self._start(None)

    def close(self) -> None:
        """End it."""
        self._closed.set()
        self._pool.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _start(self, _ended: Future[Answer] | None) -> None:
        if not self._closed.is_set():
            self._pool.submit(JOB, self._path, self._own, longest_s=1.0, limits=_LIMITS).add_done_callback(self._start)


class Devices:
    """The devices of this process, by settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._devices: dict[SeparationSettings, list[Device]] = {}

    def serving(self, settings: SeparationSettings) -> SeparationSettings:
        """Return the settings with which the next song is separated: on a GPU, by the process that owns it.

        "cuda" is all GPUs of this machine, in turn.

        Raises:
            InputError: if the device is not available.
        """
        settings = settings.resolved()
        if not _is_owned(settings.device):
            return settings
        with self._lock:
            if settings not in self._devices:
                self._devices[settings] = [Device(replace(settings, device=name)) for name in _each(settings.device)]
            devices = self._devices[settings]
            devices.append(devices.pop(0))
            return devices[-1].settings

    def close(self) -> None:
        """End their processes."""
        with self._lock:
            devices, self._devices = [each for some in self._devices.values() for each in some], {}
        for device in devices:
            device.close()


def _is_owned(device: str) -> bool:
    return device.startswith("cuda")


def _each(device: str) -> list[str]:
    import torch

    return [f"cuda:{k}" for k in range(torch.cuda.device_count())] if device == "cuda" else [device]

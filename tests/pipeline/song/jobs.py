"""Jobs that do to their process what songs may do."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from mixprior.pipeline.song.cores import at_hand
from mixprior.pipeline.store.records import InputError, Song, SongError

HERE = __name__


def times(path: str) -> int:
    """Note that a job began, and return how often it did so before."""
    with Path(path).open("a") as file:
        file.write("x")
    return Path(path).stat().st_size - 1


def pid(*_: Any) -> tuple[dict, bytes]:
    return {"pid": os.getpid()}, b""


def order(path: str, name: str, _entering: Any) -> tuple[dict, bytes]:
    with Path(path).open("a") as file:
        file.write(name)
    return {}, b""


def cores_until(most: int, path: str, _entering: Any) -> tuple[dict, bytes]:
    """Note that it began, and see how many cores it has until there are so many."""
    seen = [at_hand()]
    Path(path).touch()
    while seen[-1] != most:
        now = at_hand()
        if now != seen[-1]:
            seen.append(now)
    return {"seen": seen}, b""


def crash(*_: Any) -> tuple[dict, bytes]:
    ctypes.string_at(0)
    raise AssertionError


def crash_once(path: str, _entering: Any) -> tuple[dict, bytes]:
    if times(path) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"times": 2}, b""


def together(path: str, _entering: Any) -> tuple[dict, bytes]:
    """Crash at first; then note whether another job ran meanwhile."""
    if times(path) == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    before = Path(f"{path}.others").stat().st_size
    time.sleep(0.3)
    return {"others": Path(f"{path}.others").stat().st_size - before}, b""


def hang(entering: Any) -> tuple[dict, bytes]:
    entering("separate", 0.0)
    while True:
        time.sleep(1)


def trouble(path: str, kind: str, lasts: int, _entering: Any) -> tuple[dict, bytes]:
    """Be in passing trouble so many times."""
    if times(path) >= lasts:
        return {"pid": os.getpid()}, b""
    try:
        if kind == "memory":
            raise MemoryError
        if kind == "device":
            raise RuntimeError("CUDA error: an illegal memory access was encountered")
        raise OSError(errno.EIO, "Input/output error")
    except Exception as error:
        raise SongError("separate", "the model failed") from error


def refuse(*_: Any) -> tuple[dict, bytes]:
    raise InputError("there is no model")


def blunder(*_: Any) -> tuple[dict, bytes]:
    raise KeyError("nobody foresaw this")


def babble(*_: Any) -> tuple[dict, bytes]:
    """Print where messages go, as native libraries do."""
    os.write(1, b"warning: something\n")
    print("and more")
    return {"text": "\ud800 \n"}, bytes(range(256)) * 5000


def lie(*_: Any) -> tuple[dict, bytes]:
    """Write into the pipe of messages what is none, as a process may that runs a stranger's code."""
    _say(b'{"bytes": -1}\n\x80\x04K*.')
    time.sleep(60)
    return {}, b""


def say(text: str, _entering: Any) -> tuple[dict, bytes]:
    """Write a line into the pipe of messages, and answer."""
    _say(text.encode() + b"\n")
    return {"of": "the job before"}, b""


def _say(content: bytes) -> None:
    for descriptor in range(3, 64):
        with suppress(OSError):
            os.write(descriptor, content)


def cores(*_: Any) -> tuple[dict, bytes]:
    return {"cores": os.environ.get("OMP_NUM_THREADS")}, b""


def linger(song: Song, *_: Any) -> tuple[dict, bytes]:
    """Take the place of mining: note in the song's file that it began, and take a while."""
    times(song.path)
    time.sleep(0.5)
    return {}, b""


class Unloadable:
    """An argument that cannot be loaded."""

    def __reduce__(self) -> tuple:
        return os.strerror, ("no number",)


def separated(audio: Any, settings: Any, _entering: Any) -> tuple[dict, bytes]:
    from mixprior.pipeline.separation import separator

    loaded = separator.load(settings)
    has_weights = not next(loaded._model.parameters()).is_meta
    return {"has_weights": has_weights, "ahead": loaded.segments.ahead}, loaded.separate(audio)["vocals"].tobytes()


def hang_as_owner(_path: str, settings: Any, entering: Any) -> tuple[dict, bytes]:
    times(settings.model_repo)
    entering("separate", None)
    time.sleep(60)
    raise AssertionError

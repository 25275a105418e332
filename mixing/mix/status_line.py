"""How far a command is, for people: one line on a terminal, once it lasts."""

from __future__ import annotations

import sys
import threading
from types import TracebackType
from typing import TextIO

from mixprior.stats.visible import visible

AFTER_S = 2.0
"""A command that is done sooner shows nothing."""

_CLEAR = "\r\x1b[K"


class StatusLine:
    """A line on standard error that says what is done now; nothing where that is no terminal.

    Args:
        stream: where to write; standard error if None.
        after_s: seconds before which nothing is shown.

    >>> with StatusLine() as line:
    ...     line.show("reading tracks", 1, 28)
    """

    def __init__(self, stream: TextIO | None = None, after_s: float = AFTER_S) -> None:
        self._stream = stream or sys.stderr
        self._text = ""
        self._lock = threading.Lock()
        self._shown = self._left = False
        self._timer = threading.Timer(after_s, self._begin) if self._stream.isatty() else None

    def __enter__(self) -> StatusLine:
        """Begin to count the time."""
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Take the line away."""
        if self._timer is not None:
            self._timer.cancel()
        with self._lock:
            self._left = True
            if self._shown:
                self._write(_CLEAR)

    def show(self, what: str, done: int, total: int) -> None:
        """Say what is done now, how much of it is done, and of how much; of a single thing no number."""
        with self._lock:
            self._text = f"mixprior: {visible(what)}" + (f", {done} of {total}" if total > 1 else "")
            if self._shown:
                self._write(_CLEAR + self._text)

    def _begin(self) -> None:
        with self._lock:
            if not self._left:
                self._shown = True
                self._write(_CLEAR + self._text)

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()

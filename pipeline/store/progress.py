"""How far a call of `mine` is: a line a song is appended to its file, which the command reads."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Protocol, TextIO

from mixprior.pipeline.store import files, sources
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Outcome
from mixprior.pipeline.store.workload import Workload
from mixprior.stats.visible import visible

if TYPE_CHECKING:
    from tqdm import tqdm

Progress = Callable[[int, int], None]
"""Called with what is done and what there is in all."""


class Sender(Protocol):
    """Takes lines for progress files to where their command runs."""

    def send(self, path: str, line: str) -> None:
        """Send a line for a file."""

    def tick(self) -> None:
        """Do what is due; called while songs are waited for."""


_QUIET_INTERVAL_S = 30.0
_senders: ContextVar[Sender | None] = ContextVar("senders", default=None)
_followers: dict[str | None, Callable[[], None]] = {}
"""Called in this process after a song is reported, and while songs are waited for, by progress file."""


@dataclass(frozen=True)
class Note:
    """What became of one song, or that it is to be mined.

    Attributes:
        song_id: its name.
        path: where it is stored.
        status: as `Outcome` has it.
        audio_s: seconds of audio that were measured for it just now.
        took_s: seconds that this took.
        cpu_s: seconds of cores that this took.
        message: why it failed.
        size_bytes: of its files, where it is to be mined and this is known.
    """

    song_id: str
    path: str
    status: str
    audio_s: float = 0.0
    took_s: float = 0.0
    cpu_s: float = 0.0
    message: str | None = None
    size_bytes: int = 0


def path_in(folder: RunFolder) -> str | None:
    """Return the progress file of a call; None of a folder in an object store that no call works in."""
    if sources.is_remote(folder.root) and not folder.call:
        return None
    return sources.local_path(folder.progress)


def begin(folder: RunFolder) -> None:
    """Make the progress file of a call, in which nothing is done yet."""
    files.write_bytes(folder.progress, b"")


def end(folder: RunFolder) -> None:
    """Remove what the call has done so far: it is done, or given up."""
    if sources.is_remote(folder.root):
        files.remove(folder.progress)
    files.remove_folder(folder.own_call)


def report(path: str, outcome: Outcome, audio_s: float = 0.0, took_s: float = 0.0, cpu_s: float = 0.0) -> None:
    """Append what became of a song.

    Args:
        path: the progress file.
        outcome: of the song.
        audio_s: seconds of audio that were measured for it just now.
        took_s: seconds that this took.
        cpu_s: seconds of cores that this took.
    """
    message = outcome.failure.message if outcome.failure else None
    _append(path, Note(outcome.song_id, outcome.song.path, outcome.status, audio_s, took_s, cpu_s, message))
    tick(path)


def expect(path: str, outcome: Outcome, size_bytes: int) -> None:
    """Append that a song is to be mined.

    Args:
        path: the progress file.
        outcome: of the song, to mine.
        size_bytes: of its files; 0 where that is not known.
    """
    _append(path, Note(outcome.song_id, outcome.song.path, outcome.status, size_bytes=size_bytes))


def _append(path: str, note: Note) -> None:
    line = json.dumps(asdict(note))
    sender = _senders.get()
    if sender is not None:
        sender.send(path, line)
        return
    _append_line(path, line)


def _append_line(path: str, line: str) -> None:
    """Write one line at once, so that worker processes do not mix; where no command follows the file, none."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND)
    except FileNotFoundError:
        return
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def tick(path: str | None) -> None:
    """Call the function that follows a progress file in this process; let a sender do what is due."""
    sender = _senders.get()
    if sender is not None:
        sender.tick()
    if path in _followers:
        _followers[path]()


@contextmanager
def sent_by(sender: Sender) -> Iterator[None]:
    """Have what this thread reports sent to where the command runs, and not appended here, while the context lasts."""
    token = _senders.set(sender)
    try:
        yield
    finally:
        _senders.reset(token)


def receive(path: str, line: str) -> None:
    """Append a line that was sent, if the file is followed in this process."""
    if path in _followers:
        _append_line(path, line)


@contextmanager
def followed(folder: RunFolder, tick: Callable[[], None]) -> Iterator[None]:
    """Call `tick` after every song of a run that is reported in this process, while the context lasts."""
    path = path_in(folder)
    if path is None:
        yield
        return
    _followers[path] = tick
    try:
        yield
    finally:
        del _followers[path]


class Log:
    """What the progress file of a call says, read as it grows.

    Attributes:
        notes: of the songs done, by song id and path.
        audio_s: seconds of audio that were measured for them.
        cpu_s: seconds of cores that this took.
        failed: how many of them failed.
        work: what is left to be mined.
    """

    def __init__(self, folder: RunFolder) -> None:
        self.path = path_in(folder)
        self.notes: dict[tuple[str, str], Note] = {}
        self.audio_s = self.cpu_s = 0.0
        self.failed = 0
        self.work = Workload()
        self._expected: dict[tuple[str, str], Note] = {}
        self._offset = 0

    def read(self) -> list[Note]:
        """Return the notes of songs that are newly done; of a song that is reported again, none."""
        if self.path is None or not os.path.exists(self.path):
            return []
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            lines = file.read().splitlines(keepends=True)
        new = []
        for line in lines:
            if line.endswith(b"\n"):
                self._offset += len(line)
                note = Note(**json.loads(line))
                if note.status == "to mine":
                    self._expect(note)
                elif (note.song_id, note.path) not in self.notes:
                    self._finish(note)
                    new.append(note)
        return new

    def left_s(self, total: int) -> float | None:
        """Return the seconds that are left until so many songs are done; None where that is not known."""
        return self.work.left_s(total - len(self.notes) - len(self._expected), time.monotonic())

    def _expect(self, note: Note) -> None:
        key = note.song_id, note.path
        if key not in self._expected and key not in self.notes:
            self._expected[key] = note
            self.work.expect(note.path, note.size_bytes, time.monotonic())

    def _finish(self, note: Note) -> None:
        key = note.song_id, note.path
        self.notes[key] = note
        self.audio_s += note.audio_s
        self.cpu_s += note.cpu_s
        self.failed += note.status == "failed"
        expected = self._expected.pop(key, None)
        if expected is None:
            self.work.skip()
        else:
            self.work.finish(note.path, expected.size_bytes, note.audio_s, time.monotonic(), note.took_s)

    def report(self, total: int, progress: Progress | None) -> None:
        """Read what is new, and call `progress`, if any, with the songs done and in all."""
        new = self.read()
        if isinstance(progress, Display):
            progress.tell(self, new)
        if progress is not None:
            progress(len(self.notes), total)


class Display:
    """A `Progress` for people: songs done and failed, songs a second, times real time and time left, bar or lines.

    Args:
        quiet: print nothing but failures.
        stream: where to write; standard error if None.

    Attributes:
        log: of what it shows; None before there is anything to show.
    """

    def __init__(self, quiet: bool, stream: TextIO | None = None) -> None:
        self.quiet, self.stream = quiet, stream or sys.stderr
        self.log: Log | None = None
        self.started_s = time.monotonic()
        self._last_line_s = self.started_s
        self._bar: tqdm | None = None

    def __call__(self, done: int, total: int) -> None:
        """Show how far the run is."""
        if self._bar is None and not self.quiet and self.stream.isatty():
            from tqdm import tqdm

            # Its own rate and time left count songs, of which some are kept and some long.
            self._bar = tqdm(
                total=total, file=self.stream, bar_format="{l_bar}{bar}| {n_fmt}/{total_fmt} [{elapsed}{postfix}]"
            )
        elapsed_s = time.monotonic() - self.started_s
        if self._bar is not None:
            self._bar.set_postfix_str(
                f"{self._left(total)}, {self._failed} failed, {self._audio_s / elapsed_s:.2f}x real time"
            )
            self._bar.update(done - self._bar.n)
        elif not self.quiet and time.monotonic() - self._last_line_s >= _QUIET_INTERVAL_S:
            self._last_line_s = time.monotonic()
            self._print(self._line(done, total, elapsed_s))

    def tell(self, log: Log, new: list[Note]) -> None:
        """Show which songs failed.

        Args:
            log: of all that is done.
            new: what is new in it.
        """
        self.log = log
        for note in new:
            if note.message is not None:
                self._print(f"failed: {visible(note.path)}: {visible(note.message)}")

    def close(self) -> None:
        """Leave the line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    @property
    def _failed(self) -> int:
        return self.log.failed if self.log else 0

    @property
    def _audio_s(self) -> float:
        return self.log.audio_s if self.log else 0.0

    def _print(self, text: str) -> None:
        """Write a line, above the bar where there is one."""
        if self._bar is not None:
            self._bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def _line(self, done: int, total: int, elapsed_s: float) -> str:
        return (
            f"{done}/{total} songs, {self._failed} failed, {done / elapsed_s:.3f} songs/s, "
            f"{self._audio_s / elapsed_s:.2f}x real time, {self._left(total)}"
        )

    def _left(self, total: int) -> str:
        left_s = self.log.left_s(total) if self.log else None
        if left_s is None:
            return "time left unknown"
        return f"{left_s / 60:.1f} min left" if left_s < 5400 else f"{left_s / 3600:.1f} h left"

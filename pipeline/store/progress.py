"""How far a run is: workers append a line a song to a file, the command reads it and tells."""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass
from typing import TextIO

from fsspec.implementations.local import LocalFileSystem
from tqdm import tqdm

from mixprior.pipeline.store import sources
from mixprior.pipeline.store.records import Outcome

_QUIET_INTERVAL_S = 30.0


@dataclass(frozen=True)
class Note:
    """One song done: its name, what became of it, and the seconds of audio measured for it in this run."""

    song_id: str
    path: str
    status: str
    audio_s: float
    message: str | None


def path_in(root: str) -> str | None:
    """Return the progress file of a run; None where several processes cannot append to one (object stores)."""
    fs, path = sources.file_system(root)
    return f"{path}/progress.jsonl" if isinstance(fs, LocalFileSystem) else None


def report(path: str, outcome: Outcome) -> None:
    """Append what became of a song. One write of one line, so that worker processes do not mix."""
    note = Note(
        song_id=outcome.song_id,
        path=outcome.song.path,
        status=outcome.status,
        audio_s=outcome.duration_s or 0.0 if outcome.status == "mined" else 0.0,
        message=outcome.failure.message if outcome.failure else None,
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(asdict(note)) + "\n").encode())
    finally:
        os.close(descriptor)


class Display:
    """Songs done and failed, songs a second, times real time and time left, on a terminal or line by line.

    Args:
        path: the progress file, or None where there is none.
        total: songs in the catalog.
        quiet: say nothing but failures.
        stream: where to write; standard error if None.
    """

    def __init__(self, path: str | None, total: int, quiet: bool, stream: TextIO | None = None) -> None:
        stream = stream or sys.stderr
        self.path, self.total, self.quiet, self.stream = path, total, quiet, stream
        self.notes: dict[tuple[str, str], Note] = {}
        self.started_s = time.monotonic()
        self._offset = 0
        self._last_line_s = self.started_s
        self._bar = None if quiet or not stream.isatty() else tqdm(total=total, unit="song", file=stream)

    @property
    def audio_s(self) -> float:
        """Seconds of audio measured in this run."""
        return sum(note.audio_s for note in self.notes.values())

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.started_s

    def refresh(self) -> None:
        """Read what is new and show it."""
        if self.path is None or not os.path.exists(self.path):
            return
        with open(self.path, "rb") as file:
            file.seek(self._offset)
            lines = file.read().splitlines(keepends=True)
        for line in lines:
            if line.endswith(b"\n"):
                self._offset += len(line)
                self._take(Note(**json.loads(line)))
        if self._bar is not None:
            self._bar.set_postfix_str(f"{self._failed()} failed, {self.audio_s / self.elapsed_s:.2f}x real time")
            self._bar.update(len(self.notes) - self._bar.n)
        elif not self.quiet and time.monotonic() - self._last_line_s >= _QUIET_INTERVAL_S:
            self._last_line_s = time.monotonic()
            self.say(self._line())

    def say(self, text: str) -> None:
        """Write a line, above the bar where there is one."""
        if self._bar is not None:
            self._bar.write(text, file=self.stream)
        else:
            print(text, file=self.stream, flush=True)

    def close(self) -> None:
        """Show the last state and leave the line."""
        self.refresh()
        if self._bar is not None:
            self._bar.close()

    def _take(self, note: Note) -> None:
        # A bundle that is retried reports its songs again.
        if (note.song_id, note.path) in self.notes:
            return
        self.notes[note.song_id, note.path] = note
        if note.message is not None:
            self.say(f"failed: {note.path}: {note.message}")

    def _failed(self) -> int:
        return sum(note.status == "failed" for note in self.notes.values())

    def _line(self) -> str:
        done, elapsed_s = len(self.notes), self.elapsed_s
        left = f"{(self.total - done) * elapsed_s / done / 60:.1f} min left" if done else "time left unknown"
        return (
            f"{done}/{self.total} songs, {self._failed()} failed, {done / elapsed_s:.3f} songs/s, "
            f"{self.audio_s / elapsed_s:.2f}x real time, {left}"
        )

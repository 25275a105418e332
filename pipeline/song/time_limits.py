"""How long a stage of a song may take: generous, and relative to its length, so that only what hangs is ended."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TimeLimits:
    """Wall-clock limits by stage.

    The factors are twenty times and more of what two cores of 2020 take, separation with Demucs in fp32 included.

    Attributes:
        start_s: for a child process to start, and again to load the libraries of a job.
        stage_s: of each stage, whatever the song.
        read_bytes_per_s: slowest reading.
        decode: seconds for each second of the song.
        separate: the same, of separation.
        measure: the same, of measuring.

    >>> TimeLimits().of("decode", 240.0), TimeLimits().to_read(60_000_000)
    (540.0, 420.0)
    """

    start_s: float = 300.0
    stage_s: float = 300.0
    read_bytes_per_s: float = 500_000.0
    decode: float = 1.0
    separate: float = 60.0
    measure: float = 20.0

    def of(self, stage: str, duration_s: float) -> float:
        """Return the limit of a stage in seconds: "decode", "separate" or "measure"."""
        return self.stage_s + float(getattr(self, stage)) * duration_s

    def to_read(self, size_bytes: int) -> float:
        """Return the limit of reading a file in seconds."""
        return self.stage_s + size_bytes / self.read_bytes_per_s


USUAL = TimeLimits()

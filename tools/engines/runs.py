"""One catalog, mined by the default run and on engines; what is stored is compared byte by byte."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import soundfile

from mixprior.pipeline.store import songs
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tools import ROOT
from tools.engines.processes import environment

COMPARED = ("features/*/*/*.parquet", "priors/*", "songs.parquet")


@dataclass(frozen=True)
class Ended:
    """How a run ended.

    Attributes:
        code: its exit code.
        summary: what it printed, if it ended well.
        errors: lines on standard error.
    """

    code: int
    summary: dict[str, object]
    errors: list[str]


class Run:
    """`mixprior mine` in a process of its own.

    Args:
        catalog: folder of songs.
        out: folder of the run.
        options: of the command.
        before: what the command line begins with.
        variables: of its environment.
        kept_in: where a store keeps what is below `out`, if that is a URL.
    """

    def __init__(
        self,
        catalog: Path,
        out: Path | str,
        *options: object,
        before: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
        kept_in: Path | None = None,
    ) -> None:
        self.folder = kept_in or Path(out)
        command = [*before, sys.executable, "-m", "mixprior", "mine", catalog, "-o", out, "--json", "--quiet", *options]
        self.process = subprocess.Popen(
            list(map(str, command)),
            cwd=ROOT,
            env={**environment(), **(variables or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, songs: int) -> None:
        """Wait until so many songs are finished.

        Raises:
            RuntimeError: if the run ends before.
        """
        while len(list(self.folder.glob("made/*/*/*[0-9a-f]"))) < songs:
            if self.process.poll() is not None:
                raise RuntimeError(f"ended before {songs} songs were finished: {self.process.communicate()}")
            time.sleep(0.02)

    def end(self) -> Ended:
        """Wait for its end."""
        out, errors = self.process.communicate(timeout=900)
        shown = [line for line in errors.splitlines() if line and "apitools" not in line]
        return Ended(self.process.returncode, json.loads(out) if out.startswith("{") else {}, shown)


def write_songs(folder: Path, count: int) -> Path:
    """Write short songs as folders of stems, no two alike."""
    for k in range(count):
        score = SCORES[k % len(SCORES)]
        song = folder / f"{k:03d} {score.title}"
        song.mkdir(parents=True)
        vocals_db = -0.5 * (k // len(SCORES))
        for name, audio in perform(replace(score, duration_s=3.0 + 0.25 * (k % 9))).items():
            gain = 10 ** (vocals_db / 20) if name == "vocals" else 1.0
            soundfile.write(song / f"{name}.wav", gain * audio.T, RATE_HZ, "FLOAT")
    return folder


def digests(out: Path) -> dict[str, str]:
    """Hash the features, the priors and the table of songs of a run, by path within its folder."""
    paths = [path for pattern in COMPARED for path in out.glob(pattern)]
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def statuses(out: Path) -> dict[str, int]:
    """Count the songs of a run by what became of them."""
    return dict(Counter(songs.read(out)["status"].to_pylist()))

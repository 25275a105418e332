"""SIGKILLs at random moments, of the command and its children: same rows, same priors, nothing mined twice or left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from mixprior.pipeline.store import archive
from mixprior.pipeline.store.rows import Rows
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tests.conftest import ROOT
from tests.faults import tortured_mine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MEAN_PAUSE_S = 0.7
OF_THE_PARENT = 0.3
"""Share of the kills that the parent gets."""


def make_songs(folder: Path, count: int) -> Path:
    for k in range(count):
        stems = perform(replace(SCORES[k % len(SCORES)], seed=k, duration_s=3.5))
        title = folder / f"{k:03d}"
        title.mkdir(parents=True)
        for name, audio in stems.items():
            soundfile.write(title / f"{name}.wav", audio.T, RATE_HZ)
    return folder


class Torture:
    """Runs of the command in one folder, killed so many times."""

    def __init__(self, songs: Path, folder: Path, kills: int, seed: int) -> None:
        self.songs, self.out, self.finished = songs, folder / "out", folder / "finished"
        folder.mkdir()
        self.rng = np.random.default_rng(seed)
        self.left, self.killed = kills, Counter()
        self.has_songs_to_mine, self.mean_pause_s = True, MEAN_PAUSE_S

    def start(self, *options: object) -> subprocess.Popen:
        words = ["mine", self.songs, "-o", self.out, "-j", 2, "--quiet", *options]
        command = [sys.executable, "-m", tortured_mine.__name__, self.finished, *words]
        return subprocess.Popen(
            list(map(str, command)), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )

    def to_its_end(self, *options: object) -> None:
        """Start the command again and again until one is not killed."""
        while self._was_killed(process := self.start(*options)):
            pass
        _, told = process.communicate()
        assert process.returncode == 0, told

    def _was_killed(self, process: subprocess.Popen) -> bool:
        if self.has_songs_to_mine and self.rng.random() < 0.8:  # else it may be killed while it starts
            while process.poll() is None and not children_of(process.pid):
                time.sleep(0.02)
        while self.left:
            try:
                process.wait(self.rng.exponential(self.mean_pause_s))
            except subprocess.TimeoutExpired:
                self.left -= 1
                children = children_of(process.pid)
                if not children or self.rng.random() < OF_THE_PARENT:
                    self.killed["parent"] += 1
                    process.kill()
                    process.communicate()
                    return True
                self.killed["child"] += 1
                kill(int(self.rng.choice(children)))
            else:
                break
        return False


def children_of(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # of a thread that ended just now
            found += map(int, path.read_text().split())
    return found


def kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def listing(folder: Path) -> set[str]:
    """Names of all files but parts of the archive, which are cut where runs ended."""
    return {
        str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "archive" not in path.parts
    }


@pytest.mark.fault(5)
@pytest.mark.parametrize(
    ("songs", "kills"), [(6, 6), pytest.param(60, 200, marks=pytest.mark.nightly("torture"))], ids=["6", "200"]
)
def test_kills_at_random_moments_lose_nothing_and_leave_nothing(tmp_path, mixprior, monkeypatch, songs, kills):
    catalog, spared = make_songs(tmp_path / "songs", songs), tmp_path / "spared"
    started_s = time.monotonic()
    tortured = Torture(catalog, tmp_path / "tortured", 2 * kills // 3, seed=1)
    for limit in (songs // 2, songs):
        tortured.to_its_end("--limit", limit)
    monkeypatch.setattr(archive, "MANY", tortured_mine.MANY)
    mixprior("mine", catalog, "-o", spared, "-j", 2)
    # With every song mined, what is left is to aggregate, which priors of other groups need: there are no children.
    tortured.has_songs_to_mine, tortured.mean_pause_s = False, 2 * MEAN_PAUSE_S
    tortured.left = kills - tortured.killed.total()
    while tortured.left:
        tortured.to_its_end("--min-group", 10 + tortured.left)
    # A song whose child was killed twice is a failure, until the user has it tried again.
    tortured.to_its_end("--retry-failed")

    finished = Counter(tortured.finished.read_text().split())
    assert max(finished.values()) == 1, "a finished song was mined again"
    assert sum(tortured.killed.values()) == kills
    rows = [
        Rows.open(run).table().sort_by([("song_id", "ascending"), ("stem", "ascending")])
        for run in (spared, tortured.out)
    ]
    assert len(rows[0]["song_id"].unique()) == songs
    assert rows[0].equals(rows[1])
    for path in (spared / "priors").iterdir():
        if path.suffix == ".parquet":
            assert path.read_bytes() == (tortured.out / "priors" / path.name).read_bytes(), path.name
    statuses = set(pq.read_table(tortured.out / "songs.parquet")["status"].to_pylist())
    assert statuses <= {"mined", "kept"}
    expected, left = listing(spared), listing(tortured.out)
    assert not [name for name in left if name.endswith(".tmp")]
    assert {name.split("/")[0] for name in left} == {name.split("/")[0] for name in expected}
    print(f"{kills} kills {dict(tortured.killed)} of {songs} songs in {time.monotonic() - started_s:.0f} s")

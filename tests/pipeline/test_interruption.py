"""A run that is interrupted, ended or killed loses no finished song, leaves no process, and goes on with the rest."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.mine import mine
from tests.conftest import ROOT
from tests.pipeline import held_songs

SONGS = 5


def features(root: Path) -> dict[str, int]:
    """Every finished song and when it was written."""
    return {p.stem: p.stat().st_mtime_ns for p in root.glob("features/*/*/*.parquet")}


class Run:
    """A run of `mine` on two workers, at the place where so many songs are finished and every other is held."""

    def __init__(self, catalog: Path, folder: Path, finished: int) -> None:
        self.catalog, self.out, self.folder = f"held://{catalog}", folder / "out", folder
        self.mark = f"RUN_UNDER_TEST={self.out}"
        self.process = subprocess.Popen(
            [sys.executable, "-m", "mixprior", "mine", self.catalog, "-o", str(self.out), "-j", "2"],
            cwd=ROOT,
            env={**held_songs.environment(folder / "held", finished), "RUN_UNDER_TEST": str(self.out)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        # A song is finished when that is noted, a moment after its rows are written.
        while sum(note.suffix != ".tmp" for note in self.out.glob("made/*/*/*")) < finished:
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def goes_on(self, mixprior_process) -> dict:
        """Run the same command again, with nothing held, and give its summary."""
        env = held_songs.environment(self.folder / "free", SONGS)
        return json.loads(mixprior_process("mine", self.catalog, "-o", self.out, "-j", 1, "--json", env=env).stdout)


@pytest.mark.fault(5, 29)
@pytest.mark.parametrize(("how", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)])
def test_an_interrupted_run_goes_on_with_the_rest_only(stems_catalog, mixprior_process, mined_run, tmp_path, how, code):
    run = Run(stems_catalog, tmp_path, finished=2)
    run.process.send_signal(how)
    _, told = run.process.communicate(timeout=60)
    assert run.process.returncode == code
    assert "Traceback" not in told
    if how != signal.SIGKILL:
        assert "continues from there" in told
    assert_no_process_is_left(run.mark)

    before = features(run.out)
    assert len(before) == 2
    summary = run.goes_on(mixprior_process)
    assert {song: when for song, when in features(run.out).items() if song in before} == before
    assert summary["audio_s"] == pytest.approx(3 * 6.0)
    assert 0 < summary["mining_s"] < summary["elapsed_s"]
    # The run that was interrupted is the same run: its songs are no earlier ones.
    assert (summary["kept"], summary["mined"]) == (0, SONGS)
    assert set(pq.read_table(run.out / "songs.parquet")["status"].to_pylist()) == {"mined"}
    priors = Path("priors", "priors.parquet")
    assert (run.out / priors).read_bytes() == (mined_run / priors).read_bytes()


@pytest.mark.fault(5)
def test_a_child_that_is_killed_is_replaced_and_loses_no_song(stems_catalog, mined_run, tmp_path):
    run = Run(stems_catalog, tmp_path, finished=1)
    # Nothing is held from here on; the songs that the children were at are mined once more.
    (run.folder / "held" / "notes" / "release").touch()
    for child in [p for p in Path("/proc").glob("[0-9]*") if carries(p, run.mark) and is_child(p)]:
        os.kill(int(child.name), signal.SIGKILL)
    _, told = run.process.communicate(timeout=120)
    assert run.process.returncode == 0, told
    assert_no_process_is_left(run.mark)
    assert set(pq.read_table(run.out / "songs.parquet")["status"].to_pylist()) == {"mined"}
    priors = Path("priors", "priors.parquet")
    assert (run.out / priors).read_bytes() == (mined_run / priors).read_bytes()


def test_python_goes_on_after_runs_in_this_process_and_in_others(stems_catalog, mined_run, tmp_path):
    calls = []
    here = mine(stems_catalog, tmp_path / "here", workers=1, progress=lambda *at: calls.append(at))
    assert calls[-1] == (SONGS, SONGS)
    assert (1, SONGS) in calls
    others = mine(stems_catalog, tmp_path / "others", workers=2)
    assert (here.mined, others.mined) == (SONGS, SONGS)
    priors = Path("priors", "priors.parquet")
    for run in (here, others):
        assert (Path(run.output) / priors).read_bytes() == (mined_run / priors).read_bytes()


def test_what_a_callback_raises_ends_the_run_and_is_raised(stems_catalog, tmp_path):
    def enough(done: int, _total: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match="continues from there"):
        mine(stems_catalog, tmp_path, workers=1, progress=enough)
    before = features(tmp_path)
    assert len(before) == 2
    assert mine(stems_catalog, tmp_path, workers=1).mined == SONGS
    assert features(tmp_path).items() > before.items()


def is_child(process: Path) -> bool:
    return b"mixprior.pipeline.song.child" in (process / "cmdline").read_bytes()


def assert_no_process_is_left(mark: str) -> None:
    """Wait for the workers to end, which inherit the mark in their environment; pytest's timeout is the limit."""
    while any(carries(process, mark) for process in Path("/proc").glob("[0-9]*")):
        time.sleep(0.2)


def carries(process: Path, mark: str) -> bool:
    try:
        return mark.encode() in (process / "environ").read_bytes()
    except OSError:
        return False

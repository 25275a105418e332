"""Two runs in one folder at once: each counts its own catalog, whichever ends first."""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store import published, stray
from mixprior.pipeline.store.layout import RunFolder
from tests.conftest import ROOT
from tests.pipeline import held_songs


class Run:
    """`mine` in a process of its own, in which so many songs pass and every other is held."""

    def __init__(self, catalog: Path, out: Path, notes: Path, passing: int) -> None:
        self.notes = notes / "notes"
        command = [sys.executable, "-m", "mixprior", "mine", f"held://{catalog}", "-o", str(out), "-j", "1", "--json"]
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            env=held_songs.environment(notes, passing),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def wait_for(self, finished: int, out: Path) -> None:
        while len(rows(out)) < finished:
            assert self.process.poll() is None, self.process.communicate()
            time.sleep(0.02)

    def release(self) -> None:
        (self.notes / "release").touch()

    def end(self) -> dict:
        out, told = self.process.communicate(timeout=120)
        assert self.process.returncode == 0, told
        return json.loads(out)


def rows(out: Path) -> dict[str, int]:
    return {path.stem: path.stat().st_mtime_ns for path in out.glob("features/*/*/*.parquet")}


def part_of(catalog: Path, folder: Path, titles: list[str]) -> Path:
    for title in titles:
        shutil.copytree(catalog / title, folder / title)
    return folder


def strays(out: Path) -> list[Path]:
    return [path for path in out.rglob("*") if ".tmp" in path.name or path.name in ("made", "calls")]


def priors(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (folder / "priors").iterdir()}


@pytest.fixture(scope="module")
def catalogs(stems_catalog, tmp_path_factory) -> tuple[Path, Path]:
    titles = sorted(path.name for path in stems_catalog.iterdir())
    folder = tmp_path_factory.mktemp("catalogs")
    # They share the third song.
    return part_of(stems_catalog, folder / "one", titles[:3]), part_of(stems_catalog, folder / "two", titles[2:])


@pytest.fixture(scope="module")
def alone(catalogs, mixprior, tmp_path_factory) -> tuple[Path, Path]:
    """What a run over each of them leaves in a folder of its own."""
    folder = tmp_path_factory.mktemp("alone")
    for k, catalog in enumerate(catalogs):
        mixprior("mine", catalog, "-o", folder / f"{k}", "-j", 1)
    return folder / "0", folder / "1"


@pytest.mark.parametrize("first_to_end", [0, 1])
def test_two_catalogs_at_once_give_each_run_its_own_songs_and_priors(catalogs, alone, mixprior, tmp_path, first_to_end):
    out = tmp_path / "out"
    first, second = catalogs[first_to_end], catalogs[1 - first_to_end]
    early = Run(first, out, tmp_path / "early", passing=1)
    early.wait_for(1, out)
    late = Run(second, out, tmp_path / "late", passing=1)
    late.wait_for(2, out)
    for run in (early, late):
        assert run.process.poll() is None
    early.release()
    summaries = [early.end()]
    there = (alone[first_to_end], alone[1 - first_to_end])
    assert priors(out) == priors(there[0])
    late.release()
    summaries.append(late.end())
    assert priors(out) == priors(there[1])
    for summary, catalog, own in zip(summaries, (first, second), there, strict=True):
        songs = pq.read_table(summary["songs_table"]).to_pylist()
        assert {Path(song["path"]).name for song in songs} == {path.name for path in catalog.iterdir()}
        assert summary["mined"] + summary["kept"] == len(songs)
        assert Counter(song["status"] for song in songs)["mined"] == summary["mined"]
        # The priors of the run that another followed are made again from its own table, song by song the same.
        mixprior("aggregate", summary["songs_table"], "-o", tmp_path / "again" / "priors", "-j", 1)
        assert priors(tmp_path / "again") == priors(own)
    assert sum(summary["mined"] for summary in summaries) >= 5
    assert len(list(out.glob("catalogs/*.jsonl"))) == 2
    assert strays(out) == []


@pytest.mark.fault(3)
def test_row_3_one_catalog_twice_at_once_writes_every_song_whole_and_leaves_nothing(catalogs, alone, tmp_path):
    out = tmp_path / "out"
    runs = [Run(catalogs[0], out, tmp_path / f"run {k}", passing=1) for k in range(2)]
    runs[0].wait_for(1, out)
    for run in runs:
        run.release()
    summaries = [run.end() for run in runs]
    assert [summary["mined"] + summary["kept"] for summary in summaries] == [3, 3]
    there = alone[0]
    for name in rows(there):
        [own], [same] = (list(folder.glob(f"features/*/*/{name}.parquet")) for folder in (out, there))
        assert own.read_bytes() == same.read_bytes()
    assert priors(out) == priors(there)
    assert strays(out) == []


def test_priors_are_of_one_writer_however_two_interleave(tmp_path):
    folder, others = f"{tmp_path}/priors", []

    def contents(text: str):
        def give():
            sha256 = {"a": published.hashlib.sha256(text.encode()).hexdigest()}
            if text == "one" and not others:
                others.append(1)  # the other writes all of its files while this one is about to
                published.write(folder, contents("two"), {f"{tmp_path}/songs": b"two"})
            yield "a", text.encode()
            yield "manifest.json", json.dumps({"files_sha256": sha256}).encode()

        return give

    published.write(folder, contents("one"), {f"{tmp_path}/songs": b"one"})
    assert (tmp_path / "priors" / "a").read_bytes() == (tmp_path / "songs").read_bytes() == b"one"
    assert published.broken(folder) == []


def test_what_a_killed_process_left_is_swept_and_nothing_of_others(tmp_path):
    ended = subprocess.Popen(["true"])
    ended.wait()
    own = stray.name()
    gone = own.replace(f"-{stray.os.getpid()}-", f"-{ended.pid}-")
    foreign = f"00000000-{ended.pid}-0123456789ab"
    (tmp_path / "calls" / gone).mkdir(parents=True)
    for name in (f".{own}.tmp", f".{gone}.tmp", f".{foreign}.tmp", "notes.tmp", ".0123.tmp"):
        (tmp_path / name).touch()
    assert sorted(stray.sweep(RunFolder.at(tmp_path))) == sorted(
        map(str, (tmp_path / "calls" / gone, tmp_path / f".{gone}.tmp"))
    )
    assert {path.name for path in tmp_path.iterdir()} == {
        *(f".{own}.tmp", f".{foreign}.tmp", "notes.tmp", ".0123.tmp", "calls")
    }

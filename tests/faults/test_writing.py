"""Whatever stops a run while it writes, no partial file is read, and the next run does the rest only."""

import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mixprior.analysis.sql import sql
from mixprior.pipeline.store import files
from tests.conftest import ROOT

NAME = "priors/priors.parquet"


def rows(run: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in run.glob("features/*/*/*.parquet")}


def temporary(run: Path) -> list[Path]:
    return list(run.rglob("*.tmp"))


def in_python(code: str, *arguments: object) -> subprocess.Popen:
    return subprocess.Popen([sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stderr=subprocess.PIPE)


@pytest.mark.fault(2)
def test_row_2_a_replayed_bundle_leaves_the_same_files(stems_catalog, mined_run, mixprior, tmp_path):
    mixprior("mine", stems_catalog, "-o", tmp_path, "-j", 1, "--direct_runner_bundle_repeat=2")
    for run in (tmp_path, mined_run):
        assert temporary(run) == []

    def content(run):
        return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}

    assert content(tmp_path) == content(mined_run)


BARRIER = """
import pathlib, sys, time
from mixprior.analysis.sql import sql
from mixprior.pipeline.store import files

path, own, other = sys.argv[1:]
rename = pathlib.Path.replace

def wait(self, target):
    pathlib.Path(own).touch()
    while not pathlib.Path(other).exists():
        time.sleep(0.01)
    return rename(self, target)

pathlib.Path.replace = wait
files.write_bytes(path, pathlib.Path(path + ".whole").read_bytes())
"""


@pytest.mark.fault(3)
def test_row_3_two_attempts_that_write_one_song_at_once_leave_one_whole_file(mined_run, tmp_path):
    [(name, content), *_] = rows(mined_run).items()
    path = tmp_path / name
    Path(f"{path}.whole").write_bytes(content)
    notes = [tmp_path / "one", tmp_path / "two"]
    writers = [in_python(BARRIER, path, own, other) for own, other in (notes, notes[::-1])]
    for writer in writers:
        _, told = writer.communicate(timeout=60)
        assert writer.returncode == 0, told
    assert files.read_table(str(path)).equals(pq.read_table(Path(f"{path}.whole")))
    assert path.read_bytes() == content
    assert temporary(tmp_path) == []


KILLED = """
import os, pathlib, signal, sys
import mixprior

write = pathlib.Path.write_bytes

def half(self, content):
    if "features" in str(self) and self.suffix == ".tmp":
        write(self, content[: len(content) // 2])
        os.kill(os.getpid(), signal.SIGKILL)
    return write(self, content)

pathlib.Path.write_bytes = half
mixprior.mine(sys.argv[1], sys.argv[2], workers=1)
"""


@pytest.mark.fault(4)
def test_row_4_a_kill_amid_a_write_leaves_nothing_that_is_read(stems_catalog, mined_run, mixprior, tmp_path):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    victim = sorted(run.glob("features/*/*/*.parquet"))[2]
    whole = victim.read_bytes()
    victim.unlink()
    before = {path: path.stat().st_mtime_ns for path in run.glob("features/*/*/*.parquet")}
    process = in_python(KILLED, stems_catalog, run)
    process.communicate(timeout=120)
    assert process.returncode == -signal.SIGKILL
    [half] = temporary(run)
    assert 0 < half.stat().st_size < len(whole)
    assert not victim.exists()
    assert '"mined": 1, "kept": 4' in mixprior("mine", stems_catalog, "-o", run, "-j", 1, "--json").stdout
    assert victim.read_bytes() == whole
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert temporary(run) == []
    assert (run / NAME).read_bytes() == (mined_run / NAME).read_bytes()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 128 kB, where the test may mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    if (
        shutil.which("mount") is None
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        pytest.skip("no file system may be mounted here")
    yield disk
    subprocess.run(["umount", "-l", disk], check=False)


def ends_for_want_of_space(stems_catalog, mixprior, run: Path) -> None:
    done = mixprior("mine", stems_catalog, "-o", run, "-j", 1, expect=2)
    assert done.stderr.splitlines()[-1].endswith("cannot be written (No space left on device)")
    assert "Traceback" not in done.stderr
    assert temporary(run) == []
    for path in run.glob("features/*/*/*.parquet"):
        assert files.read_table(str(path)).num_rows


@pytest.mark.fault(9)
def test_row_9_a_full_disk_is_told_and_the_run_goes_on_when_there_is_space(
    stems_catalog, mined_run, mixprior, small_disk
):
    ends_for_want_of_space(stems_catalog, mixprior, small_disk / "run")
    before = rows(small_disk / "run")
    assert len(before) < 5
    subprocess.run(["mount", "-o", "remount,size=64m", small_disk], check=True)
    mixprior("mine", stems_catalog, "-o", small_disk / "run", "-j", 1)
    assert rows(small_disk / "run").items() >= before.items()
    assert (small_disk / "run" / NAME).read_bytes() == (mined_run / NAME).read_bytes()


@pytest.mark.fault(9)
def test_row_9_a_write_without_space_leaves_no_partial_file(stems_catalog, mined_run, mixprior, tmp_path, monkeypatch):
    written, real = [], files.os.fsync

    def full(descriptor: int) -> None:
        written.append(descriptor)
        if len(written) > 12:
            raise OSError(28, "No space left on device")
        real(descriptor)

    monkeypatch.setattr(files.os, "fsync", full)
    ends_for_want_of_space(stems_catalog, mixprior, tmp_path)
    monkeypatch.undo()
    mixprior("mine", stems_catalog, "-o", tmp_path, "-j", 1)
    assert (tmp_path / NAME).read_bytes() == (mined_run / NAME).read_bytes()


@pytest.mark.fault(10)
@pytest.mark.parametrize("where", ["/proc/mixprior", "file/run", "locked/run"])
def test_row_10_an_output_that_cannot_be_written_is_told_before_a_song_is_opened(
    stems_catalog, mixprior, tmp_path, monkeypatch, where
):
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    Path("locked").mkdir(mode=0o500)
    if where == "locked/run":  # root may write whatever the mode says
        with suppress(OSError):
            Path("locked/try").mkdir()
            pytest.skip("this user may write anywhere")
    started_s = time.monotonic()
    done = mixprior("mine", stems_catalog, "-o", where, "-j", 1, expect=2)
    assert time.monotonic() - started_s < 5.0
    [told] = done.stderr.splitlines()
    assert "cannot be written" in told


@pytest.mark.fault(10)
def test_row_10_a_missing_input_is_told_before_anything_is_written(mixprior, tmp_path):
    started_s = time.monotonic()
    done = mixprior("mine", tmp_path / "songs", "-o", tmp_path / "run", "-j", 1, expect=2)
    assert time.monotonic() - started_s < 5.0
    assert str(tmp_path / "songs") in done.stderr
    assert not (tmp_path / "run").exists()


@pytest.mark.fault(26)
@pytest.mark.parametrize("damage", ["cut", "bit", "version", "foreign", "manifest of another"])
def test_row_26_priors_that_are_none_or_not_whole_are_refused(mined_run, mixprior, tmp_path, damage):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    path, manifest = run / NAME, run / "priors/manifest.json"
    content = path.read_bytes()
    if damage == "cut":
        path.write_bytes(content[: len(content) // 2])
    if damage == "bit":
        path.write_bytes(content[:2000] + bytes([content[2000] ^ 1]) + content[2001:])
    if damage == "version":
        table = pq.read_table(path)
        pq.write_table(table.replace_schema_metadata({"schema_version": "2"}), path)
    if damage == "foreign":
        pq.write_table(pq.read_table(run / "songs.parquet").replace_schema_metadata(), path)
    if damage == "manifest of another":
        text = manifest.read_text()
        [line] = [line for line in text.splitlines() if '"priors.parquet"' in line]
        manifest.write_text(text.replace(line, '    "priors.parquet": "' + "0" * 64 + '",'))
    done = mixprior("query", run, expect=2)
    assert str(path) in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.fault(26)
@pytest.mark.parametrize("name", ["state", "moments", "members", "joint"])
def test_row_26_files_of_two_runs_are_not_read_together(mined_run, mixprior, tmp_path, name):
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    path = run / f"priors/{name}.parquet"
    files.write_table(str(path), files.read_table(str(path)).slice(1))  # whole, and another's
    command = ("report", run, "-o", tmp_path / "page.html") if name == "joint" else ("merge", run, "-o", tmp_path / "m")
    done = mixprior(*command, expect=2)
    assert path.name in done.stderr
    assert "Traceback" not in done.stderr


def test_sql_joins_priors_with_the_songs_that_they_are_of(mined_run, tmp_path):
    pytest.importorskip("duckdb")
    run = Path(shutil.copytree(mined_run, tmp_path / "run"))
    table = files.read_table(str(run / "songs.parquet"))
    other = {**table.schema.metadata, b"members_sha256": b"0" * 64}
    files.write_table(str(run / "songs.parquet"), table.slice(0, 1).replace_schema_metadata(other))
    assert sql(run, "SELECT count(*) AS n FROM songs") == [{"n": 5}]

"""Twelve songs on real engines give the bytes of the default run; what an engine lacks is said in one line."""

import asyncio
from contextlib import nullcontext
from types import SimpleNamespace

import pytest

from mixprior.pipeline.store import progress
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Outcome, Song
from tools.engines import processes, rows, scenarios
from tools.engines.programs import NotHere
from tools.engines.runs import write_songs
from tools.engines.scenarios import Bench, Row

distributed = pytest.importorskip("distributed")

from mixprior.pipeline.graphs import dask_engine, dask_worker  # noqa: E402

SONGS = 12

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench(once, mixprior, tmp_path_factory) -> Bench:
    catalog = once("twelve songs", lambda folder: write_songs(folder, SONGS))
    default = once("twelve songs mined", lambda out: mixprior("mine", catalog, "-o", out))
    return Bench(tmp_path_factory.mktemp("engines"), catalog, default)


def assert_same(row: Row) -> None:
    assert row.is_same, row


def test_dask_with_two_worker_processes_gives_the_same_bytes(bench):
    assert_same(scenarios.dask(bench))


def test_prism_gives_the_same_bytes(bench):
    try:
        assert_same(scenarios.prism(bench))
    except NotHere as lacking:
        pytest.skip(f"{lacking}")


@pytest.fixture(scope="module")
def sixty(tmp_path_factory) -> Bench:
    return Bench.of(tmp_path_factory.mktemp("sixty"), 60)


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", rows.ALL)
def test_sixty_songs_and_a_fault_give_the_same_bytes_in_the_end(sixty, name):
    try:
        row = rows.ALL[name](sixty)
    except NotHere as lacking:
        pytest.skip(f"{lacking}")
    assert_same(row)
    if "exit code" in row.outcome:
        assert "1 line(s)" in row.outcome
        assert "continues from there" in row.outcome


def test_a_scheduler_that_does_not_answer_is_named_in_one_line(stems_catalog, mixprior, tmp_path, monkeypatch):
    monkeypatch.setattr(dask_engine, "_CONNECT_S", 0.2)
    address = f"tcp://127.0.0.1:{processes.free_port()}"
    options = ("--runner", "dask", "--dask-address", address)
    done = mixprior("mine", stems_catalog, "-o", tmp_path / "out", *options, expect=2)
    [line] = done.stderr.splitlines()
    assert address in line
    assert "dask scheduler" in line


class Cluster:
    """A client as far as `dask_engine` asks it, before it hands out work."""

    def __init__(self, **found: object) -> None:
        self.found = {**dask_worker.facts([]), **found}

    def wait_for_workers(self, *_, **__):
        raise asyncio.TimeoutError

    def nthreads(self):
        return {} if self.found.get("workers") == 0 else {"tcp://worker:1": 2}

    def scheduler_info(self, **_):
        return {"address": "tcp://scheduler:8786"}

    def run(self, *_, **__):
        return {"tcp://worker:1": self.found.get("error") or self.found}


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"workers": 0}, "has no workers: start `dask worker tcp://scheduler:8786`"),
        ({"version": "0.0.1"}, "has mixprior 0.0.1, this machine"),
        ({"error": ModuleNotFoundError("No module named 'mixprior'")}, "No module named 'mixprior'; install"),
        ({"missing": ["out/catalog"]}, "does not find out/catalog: write the output to an object store, or"),
    ],
)
def test_a_cluster_that_cannot_mine_is_refused_before_any_song(found, words):
    with pytest.raises(dask_engine.InputError, match=r"Dask (worker|scheduler) at") as caught:
        dask_engine._fit(Cluster(**found), [])
    assert words in str(caught.value)


class Worker:
    """A worker as far as its reports ask it."""

    def __init__(self, state: str, status: str = "running") -> None:
        self.state = SimpleNamespace(tasks={"bundle": SimpleNamespace(state=state)})
        self.status, self.sent = SimpleNamespace(name=status), []

    def get_current_task(self) -> str:
        return "bundle"

    def log_event(self, topic, message):
        assert topic == dask_worker.TOPIC
        self.sent.append((0.0, message))


def test_what_a_worker_reports_is_shown_where_the_command_runs_and_nowhere_else(tmp_path):
    folder = RunFolder(str(tmp_path), call="call")
    progress.begin(folder)
    worker, log = Worker("executing"), progress.Log(folder)
    failure = Failure("0", "a.wav", "decode", "Truncated", "is cut off")
    with progress.sent_by(dask_worker.Reports(worker)):
        progress.report(log.path, Outcome(Song("a.wav"), "0", "failed", "key", failure=failure))
    assert log.read() == []
    for event in worker.sent:
        dask_engine._report(event)
    assert log.read() == []  # no command here follows it
    with progress.followed(folder, lambda: None):
        for event in worker.sent:
            dask_engine._report(event)
    [note] = log.read()
    assert (note.path, note.status, note.message) == ("a.wav", "failed", "is cut off")


@pytest.mark.parametrize(
    ("state", "status", "goes_on"),
    [
        ("executing", "running", True),
        ("executing", "paused", True),
        ("cancelled", "running", False),
        ("executing", "closing", False),
    ],
)
def test_a_bundle_that_nobody_waits_for_ends_within_a_tick(state, status, goes_on):
    reports = dask_worker.Reports(Worker(state, status))
    with nullcontext() if goes_on else pytest.raises(dask_worker.Unwanted), progress.sent_by(reports):
        progress.tick(None)


def test_all_threads_of_all_workers_are_counted():
    assert dask_engine._fit(Cluster(), []) == 2

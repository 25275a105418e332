"""Twelve songs on real engines give the bytes of the default run; what an engine lacks is said in one line."""

import asyncio

import pytest

from tools.engines import processes, scenarios
from tools.engines.scenarios import Bench, Row

distributed = pytest.importorskip("distributed")

from mixprior.pipeline.graphs import dask_engine, dask_worker  # noqa: E402

SONGS = 12

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bench(once, tmp_path_factory) -> Bench:
    made = once("twelve songs", lambda folder: (folder.mkdir(), Bench(folder, SONGS)))
    folder = tmp_path_factory.mktemp("engines")
    for name in ("songs", "default"):
        (folder / name).symlink_to(made / name)
    return Bench(folder, SONGS)


def assert_same(row: Row) -> None:
    assert row.is_same, row


def test_dask_with_two_worker_processes_gives_the_same_bytes(bench):
    assert_same(scenarios.dask(bench))


@pytest.mark.skipif(not processes.has_go(), reason="no Go here to build Prism with: https://go.dev/dl")
def test_prism_gives_the_same_bytes(bench):
    assert_same(scenarios.prism(bench))


@pytest.fixture(scope="module")
def sixty(tmp_path_factory) -> Bench:
    return Bench(tmp_path_factory.mktemp("sixty"), 60)


@pytest.mark.nightly("engines")
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("name", scenarios.ALL)
def test_sixty_songs_and_a_fault_give_the_same_bytes_in_the_end(sixty, name):
    try:
        row = scenarios.ALL[name](sixty)
    except scenarios.NotHere as lacking:
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


def test_all_threads_of_all_workers_are_counted():
    assert dask_engine._fit(Cluster(), []) == 2

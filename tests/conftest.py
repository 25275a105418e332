"""Songs made once a session, shared by all workers, and the command as a user types it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
from filelock import FileLock

from mixprior.pipeline.song import shared_pool
from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
from tests import command, reference

ROOT = Path(__file__).parent.parent


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare `--nightly PART`."""
    parser.addoption("--nightly", metavar="PART", help="run the tests marked nightly(PART) alone; `all`: of all parts")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: some tests wait for processes and clocks."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark as slow what runs commands, separates or reads real music; keep the nightly tests asked for, or none."""
    for item in items:
        mines = {"stems_catalog", "mined_run", "mixprior", "mixprior_process"} & set(getattr(item, "fixturenames", ()))
        if mines or item.get_closest_marker("reference") or item.get_closest_marker("weights"):
            item.add_marker("slow")
    asked = config.getoption("--nightly")

    def is_kept(item: pytest.Item) -> bool:
        part = next((marker.args[0] for marker in item.iter_markers("nightly")), None)
        return part is not None if asked == "all" else part == asked

    left_out = [item for item in items if not is_kept(item)]
    items[:] = [item for item in items if is_kept(item)]
    config.hook.pytest_deselected(items=left_out)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test, or fail it, whose reference material is missing."""
    for marker in item.iter_markers("reference"):
        for name in marker.args:
            reference.need(name)


@pytest.fixture(scope="session", autouse=True)
def children_kept():
    """Runs in this process have songs mined by the same children, which load their libraries once."""
    with shared_pool.kept():
        yield


@pytest.fixture(scope="session")
def mixprior():
    """Runs `mixprior ARGUMENTS` in this process; gives the exit code and what it printed."""
    return command.run


@pytest.fixture(scope="session")
def mixprior_process():
    """Runs `mixprior ARGUMENTS` in a process of its own: for signals, faults and what is read before the command."""
    return command.run_in_a_process


@pytest.fixture(scope="session")
def once(tmp_path_factory) -> Callable[[str, Callable[[Path], object]], Path]:
    """Makes a folder once a session, whichever worker of pytest-xdist asks first; not to be changed."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base

    def make_once(name: str, make: Callable[[Path], object]) -> Path:
        folder, half_made = shared / name, shared / f"{name}.half_made"
        with FileLock(f"{folder}.lock"):
            if not folder.exists():
                make(half_made)
                half_made.rename(folder)
        return folder

    return make_once


@pytest.fixture(scope="session")
def stems_catalog(once) -> Path:
    """Five songs of 6 s, as MUSDB folders of stems without a mixture."""

    def make(root: Path) -> None:
        for score in SCORES:
            folder = root / score.title
            folder.mkdir(parents=True)
            for name, audio in perform(replace(score, duration_s=6.0)).items():
                soundfile.write(folder / f"{name}.wav", audio.T, RATE_HZ, "FLOAT")

    return once("stems", make)


@pytest.fixture(scope="session")
def mined_run(stems_catalog, mixprior, once) -> Path:
    """The output folder of a run over `stems_catalog`; not to be changed."""
    return once("mined", lambda out: mixprior("mine", stems_catalog, "-o", out, "-j", 1))


@pytest.fixture(scope="session")
def bin_first_on_path() -> dict[str, str]:
    """An environment in which a bare `python` is this interpreter, as Beam's worker pool expects."""
    return {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

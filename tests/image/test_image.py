"""The image, built and run: `make image-test`. It takes half an hour the first time, and 20 GB."""

import os
import signal
import subprocess
from contextlib import contextmanager, suppress

import pytest

import mixprior
from tools.engines import processes
from tools.engines.programs import NotHere
from tools.engines.runs import digests, write_songs
from tools.image import buildah
from tools.image.__main__ import CHANGED, copy_of_the_checkout, rebuilt_s

pytestmark = [pytest.mark.nightly("image"), pytest.mark.timeout(7200)]  # of a build on a machine that others share

POOL_PORT = 50000  # of Beam's boot program


@pytest.fixture(scope="module")
def image():
    try:
        buildah.build()
    except NotHere as lacking:
        pytest.skip(f"{lacking}")
    print(f"the image takes {buildah.size()}")
    return buildah.IMAGE


@pytest.fixture(scope="module")
def container(image):
    with buildah.container() as name:
        yield name


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A folder with two songs as stems, which the image's user may write to."""
    folder = tmp_path_factory.mktemp("data")
    folder.chmod(0o777)
    write_songs(folder / "songs", 2)
    return folder


@pytest.fixture(scope="module")
def mined(container, data):
    """What the default run stores."""
    run(container, data, "mixprior", "mine", "/data/songs", "-o", "/data/out", "--quiet")
    found = digests(data / "out")
    assert len(found) > 2
    return found


def run(container, data, *command) -> str:
    done = subprocess.run(buildah.running(container, *command, data=data), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def running(container, data, log, *command):
    """A program of the image, ended with all that it started."""
    with (data / log).open("wb") as output:
        process = subprocess.Popen(
            buildah.running(container, *command, data=data), stdout=output, stderr=output, start_new_session=True
        )
    try:
        yield process
    finally:
        below = descendants(process.pid)
        for pid in (process.pid, *below):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        process.wait()


def descendants(pid: int) -> list[int]:
    return [each for child in processes.children_of(pid) for each in (child, *descendants(child))]


def test_it_runs_mixprior_as_a_user_without_rights(container, data):
    assert run(container, data, "mixprior", "--version").split() == ["mixprior", mixprior.__version__]
    assert run(container, data, "id", "-u").split() == ["10001"]


def test_it_holds_the_weights_by_their_pinned_digest(container, data):
    from mixprior.pipeline.separation.model_store import PINNED

    assert PINNED["htdemucs"] in run(container, data, "mixprior", "model", "show")


def test_what_measures_songs_is_compiled_in_it(image, data):
    """In a container that has mined nothing yet."""
    with buildah.container() as fresh:
        assert run(fresh, data, "find", "/opt/cache/numba", "-name", "*.nbc"), "nothing is compiled"
        run(fresh, data, "touch", "/tmp/before")
        run(fresh, data, "mixprior", "mine", "/data/songs", "-o", "/data/again", "--quiet")
        assert run(fresh, data, "find", "/opt/cache/numba", "-newer", "/tmp/before", "-type", "f") == ""


def test_its_harness_answers_prism(container, data, mined):
    with (
        processes.prism(data) as jobs,
        running(container, data, "pool.log", "--worker_pool") as pool,
    ):
        processes.wait_for_port(POOL_PORT, pool)
        options = ["--runner=PortableRunner", f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL"]
        options.append(f"--environment_config=localhost:{POOL_PORT}")
        run(container, data, "mixprior", "mine", "/data/songs", "-o", "/data/prism", "--quiet", *options)
    assert digests(data / "prism") == mined


def test_it_is_a_dask_worker(container, data, mined):
    port = processes.free_port()
    address = f"tcp://127.0.0.1:{port}"
    scheduler = ["dask", "scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard"]
    worker = ["dask", "worker", address, "--nthreads", 1, "--no-dashboard"]
    with running(container, data, "scheduler.log", *scheduler) as first:
        processes.wait_for_port(port, first, "127.0.0.1")
        with running(container, data, "worker.log", *worker):
            options = ["--runner", "dask", "--dask-address", address]
            run(container, data, "mixprior", "mine", "/data/songs", "-o", "/data/dask", "--quiet", *options)
    assert digests(data / "dask") == mined


def test_a_change_of_the_code_is_built_in_seconds(image, tmp_path):
    """Of code that neither measures songs nor fetches weights, which have layers of their own."""
    checkout = copy_of_the_checkout(tmp_path)
    took_s = rebuilt_s(checkout, CHANGED["code"], "cpu")
    print(f"built in {took_s:.0f} s")
    assert took_s < 60


def test_nothing_but_what_it_needs_is_sent_to_the_build(container, data):
    held = {*run(container, data, "ls", "-A", "/opt/mixprior").split()} - {"__pycache__"}
    code = {"analysis", "learning", "mixing", "mixprior", "pipeline", "stats"}
    assert held == {*code, "LICENSE", "README.md", "pyproject.toml", "requirements.lock", "setup.py", "tools"}

"""The pipeline gives what a direct computation gives, byte for byte, on every runner there is here."""

import contextlib
import hashlib
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute
import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.audio import decode
from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.separation.separator import SeparationSettings
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.stats.priors.measurements import Measurements
from mixprior.stats.priors.priors_table import joint_table, priors_table
from tests.conftest import ROOT


def digests(root: Path) -> dict[str, str]:
    """Hash every file of features and priors, by its path within the run."""
    paths = [*root.glob("features/*/*/*.parquet"), *root.glob("priors/*")]
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest() for p in paths}


def test_pipeline_equals_direct_computation(stems_catalog, mined_run):
    settings = MiningSettings(SeparationSettings().resolved(), DecodeLimits())
    tables = {}
    for song in open_catalog(str(stems_catalog)):
        song_id = decode.fingerprint(song)
        tables[song_id] = measure.features(song, song_id, settings)
    assert len(tables) == 5

    for song_id, table in tables.items():
        [path] = mined_run.glob(f"features/*/*/{song_id}.parquet")
        mined = pq.read_table(path)
        differ = {n: (mined[n], table[n]) for n in table.column_names if mined[n] != table[n]}
        assert not differ, song_id
        assert mined.equals(table, check_metadata=True)

    everything = pa.concat_tables([table.replace_schema_metadata() for table in tables.values()])
    measured = Measurements.of(everything)
    direct = {"all": measured.digest(np.arange(5))}
    mined = pq.read_table(mined_run / "priors" / "priors.parquet")
    assert mined.equals(priors_table(direct, min_group=1), check_metadata=True)
    assert pq.read_table(mined_run / "priors" / "joint.parquet").equals(joint_table(direct, min_group=1))
    # And what numpy says of the same rows.
    backing = mined.filter(
        (pa.compute.field("stem") == "backing") & (pa.compute.field("statistic") == "integrated_lufs")
    ).to_pylist()[0]
    values = everything.filter(pa.compute.field("stem") == "backing")["integrated_lufs"].to_numpy()
    assert backing["mean"] == pytest.approx(np.mean(values), abs=1e-4)
    assert backing["sd"] == pytest.approx(np.std(values, ddof=1), abs=1e-4)
    assert backing["p50"] == pytest.approx(np.median(values), abs=0.025 + 1e-9)
    # Not vacuous: every row has five songs behind it, and they differ.
    loudness = mined.filter(pa.compute.equal(mined["statistic"], "integrated_lufs"))
    assert set(loudness["n"].to_pylist()) == {5}
    assert min(loudness["sd"].to_pylist()) > 0.1


@pytest.mark.fault(25)
def test_two_worker_processes_give_the_same_bytes(stems_catalog, mined_run, mixprior, tmp_path):
    options = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
    mixprior("mine", stems_catalog, "-o", tmp_path / "run", *options)
    assert digests(tmp_path / "run") == digests(mined_run)


@pytest.mark.fault(2)
def test_replayed_bundles_give_the_same_bytes(stems_catalog, mined_run, mixprior, tmp_path):
    mixprior("mine", stems_catalog, "-o", tmp_path / "run", "-j", 1, "--direct_runner_bundle_repeat=1")
    assert digests(tmp_path / "run") == digests(mined_run)


@pytest.mark.fault(25)
def test_the_order_of_the_catalog_does_not_matter(stems_catalog, mined_run, mixprior, tmp_path):
    folders = sorted(stems_catalog.iterdir(), reverse=True)
    mixprior("mine", *folders, "-o", tmp_path / "run", "-j", 1)
    assert digests(tmp_path / "run") == digests(mined_run)


@pytest.mark.fault(25)
def test_the_portable_job_service_gives_the_same_bytes(stems_catalog, mined_run, mixprior, tmp_path, bin_first_on_path):
    jobs, workers = free_port(), free_port()
    with (
        service("apache_beam.runners.portability.local_job_service_main", "-p", jobs, env=bin_first_on_path, port=jobs),
        service(
            "apache_beam.runners.worker.worker_pool_main",
            f"--service_port={workers}",
            env=bin_first_on_path,
            port=workers,
        ),
    ):
        mixprior(
            *("mine", stems_catalog, "-o", tmp_path / "run", "--runner=PortableRunner"),
            *(f"--job_endpoint=localhost:{jobs}", "--environment_type=EXTERNAL"),
            f"--environment_config=localhost:{workers}",
        )
    assert digests(tmp_path / "run") == digests(mined_run)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def service(module: str, *arguments: object, env: dict[str, str], port: int):
    process = subprocess.Popen([sys.executable, "-m", module, *map(str, arguments)], cwd=ROOT, env=env)
    try:
        for _ in range(120):
            with contextlib.suppress(OSError), socket.create_connection(("localhost", port), timeout=1):
                break
            time.sleep(0.5)
        else:
            pytest.fail(f"{module} did not start")
        yield
    finally:
        process.terminate()
        process.wait(20)

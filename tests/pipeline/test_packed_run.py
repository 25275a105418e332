"""A run whose rows are packed while it goes on stores the songs and priors of one whose rows stay in single files."""

import pyarrow.parquet as pq
import pytest

from mixprior.pipeline.store import archive, packing
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.rows import Rows

KEYS = [("song_id", "ascending"), ("stem", "ascending")]


@pytest.fixture
def packing_by_two(monkeypatch):
    """Has runs of more than four songs pack two at a time."""
    monkeypatch.setattr(archive, "MANY", 4)
    for name in ("_HERE", "_ELSEWHERE"):
        monkeypatch.setattr(packing, name, 2)
    monkeypatch.setattr(packing, "WORTH", 1)


class Killed(BaseException):
    """The process ends."""


def assert_same(run, mined_run) -> None:
    names = [path.name for path in (mined_run / "priors").iterdir()]
    assert len(names) > 4
    for name in ("songs.parquet", *(f"priors/{name}" for name in names)):
        assert (run / name).read_bytes() == (mined_run / name).read_bytes(), name
    assert Rows.open(run).table().sort_by(KEYS) == Rows.open(mined_run).table().sort_by(KEYS)


def test_a_packed_run_and_one_that_is_cut_off_while_it_packs_end_alike(
    stems_catalog, mined_run, mixprior, tmp_path, packing_by_two, monkeypatch
):
    run = tmp_path / "run"
    with monkeypatch.context() as cut:
        own = packing.pack
        cut.setattr(packing, "pack", lambda *asked: own(*asked) and (_ for _ in ()).throw(Killed))
        with pytest.raises(Killed):
            mixprior("mine", stems_catalog, "-o", run, "-j", 2)
    assert len(list(run.glob("archive/*/*.parquet"))) == 1
    mixprior("mine", stems_catalog, "-o", run, "-j", 2)
    assert not list(run.glob("features/*/*/*.parquet"))
    assert not list(run.glob("made/**/*"))
    assert set(pq.read_table(run / "songs.parquet")["status"].to_pylist()) == {"mined"}
    assert_same(run, mined_run)


@pytest.mark.nightly("engines")
@pytest.mark.timeout(600)
def test_a_packed_run_on_dask_ends_as_one_here(stems_catalog, mined_run, mixprior, tmp_path, packing_by_two):
    pytest.importorskip("distributed")
    mixprior("mine", stems_catalog, "-o", tmp_path / "run", "--runner", "dask", "--dask-partitions", 1, "-j", 2)
    folder = RunFolder.at(tmp_path / "run")
    assert sum(len(archive.parts(folder, key)) for key in Rows.open(tmp_path / "run").feature_keys) > 1
    assert_same(tmp_path / "run", mined_run)

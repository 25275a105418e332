"""A dataset is mined by its name and folder, without a manifest."""

from pathlib import Path

import pytest

from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.catalogs.datasets.dataset import DATASETS
from mixprior.pipeline.store.records import InputError
from tests.pipeline.catalogs.test_datasets import LAYOUTS, fma


@pytest.mark.parametrize("name", DATASETS)
def test_a_dataset_is_a_catalog_without_a_manifest(tmp_path, mixprior, name):
    """The same songs as by the manifest, with the same columns; one that is damaged fails when it is read."""
    root = LAYOUTS[name](tmp_path / "data")
    manifest = tmp_path / "songs.parquet"
    mixprior("catalog", "build", "--dataset", name, root, "-o", manifest)
    built = {song.path: song for song in open_catalog(str(manifest))}
    found = {song.path: song for song in open_catalog(f"{name}:{root}")}
    damaged = {"jazz.00054.wav"} if name == "gtzan" else set()
    assert {Path(path).name for path in found.keys() - built.keys()} == damaged
    for path, song in ((path, found[path]) for path in built):
        assert (song.stems, song.mixture) == (built[path].stems, built[path].mixture)
        assert dict(song.metadata) == {key: value for key, value in built[path].metadata if key in dict(song.metadata)}


def test_an_empty_folder_of_a_dataset_is_refused(tmp_path):
    root = fma(tmp_path / "data")
    for path in root.glob("fma_small/*/*"):
        path.unlink()
    with pytest.raises(InputError, match="holds no complete song of fma; its metadata names 2"):
        open_catalog(f"fma:{root}")

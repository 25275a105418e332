"""What a model is called by is known without torch, from the content of its files; whoever loads it looks again."""

import os
import subprocess
import sys

import pytest

from mixprior.pipeline.separation import model_digests, model_folder, model_store
from mixprior.pipeline.separation.model_digests import RememberedDigests
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.store import digests
from mixprior.pipeline.store.records import InputError
from tests.pipeline.tiny_model import SIGNATURE, write_tiny_model


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def computed(monkeypatch) -> list[str]:
    """Names of the digests that were computed from what is in a model."""
    found = []
    for name in ("weights_digest", "arguments_digest"):
        compute = getattr(model_folder, name)
        monkeypatch.setattr(
            model_folder, name, lambda *args, name=name, compute=compute: found.append(name) or compute(*args)
        )
    return found


def test_a_model_that_is_known_is_not_opened_again(tmp_path, computed):
    folder = str(write_tiny_model(tmp_path / "repo"))
    first = model_store.find("tiny", folder, RememberedDigests())
    assert computed == ["weights_digest", "arguments_digest"]
    assert model_store.find("tiny", folder, RememberedDigests()) == first == model_store.find("tiny", folder)
    assert len(computed) == 4


@pytest.mark.parametrize("changed", [f"{SIGNATURE}.safetensors", "tiny.yaml", "version"])
def test_a_model_that_changed_is_opened_again(tmp_path, computed, monkeypatch, changed):
    now_ns = digests.time.time_ns()
    monkeypatch.setattr(digests.time, "time_ns", lambda: now_ns + 3_600_000_000_000)
    folder = write_tiny_model(tmp_path / "repo")
    model_store.find("tiny", str(folder), RememberedDigests())
    if changed == "version":
        monkeypatch.setattr(model_digests, "version", lambda _name: "another")
    else:
        content = (folder / changed).read_bytes()
        (folder / changed).write_bytes(content + (b"\n# more\n" if changed.endswith("yaml") else b""))
        os.utime(folder / changed, ns=(0, 0))
    model_store.find("tiny", str(folder), RememberedDigests())
    assert len(computed) == (2 if changed.endswith("safetensors") else 4)


def test_what_is_remembered_wrongly_never_reaches_a_separator(tmp_path, monkeypatch):
    folder = write_tiny_model(tmp_path / "repo")
    monkeypatch.setattr(ModelFolder, "weights_sha256", lambda _self: "0" * 64)
    model_store.find("tiny", str(folder), RememberedDigests())
    monkeypatch.undo()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    found = model_store.find("tiny", str(folder), RememberedDigests())
    assert found is not None
    assert found.weights_sha256 == "0" * 64
    with pytest.raises(InputError, match=r"the weights in .* are"):
        ModelFolder(found.folder, "tiny").load(found.weights_sha256, found.arguments_sha256)


def test_the_settings_of_a_model_that_is_known_load_no_torch(tmp_path):
    folder = str(write_tiny_model(tmp_path / "repo"))
    code = f"""
import sys
from mixprior.pipeline.separation import model_store, separator
from mixprior.pipeline.separation.model_digests import RememberedDigests
separator._may_have_gpu = lambda: False
model_store.find("tiny", {folder!r}, RememberedDigests())
separator.SeparationSettings().resolved()
print("torch" in sys.modules)
"""
    told = [subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True) for _ in range(2)]
    assert [each.stdout.strip() for each in told] == ["True", "False"]

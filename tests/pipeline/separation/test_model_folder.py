"""A model's folder: what its digests cover, and that reading it runs nothing."""

import json
import os
from fractions import Fraction

import pytest
import torch
from demucs.hdemucs import HDemucs
from demucs.hf import load_safetensors_model
from demucs.htdemucs import HTDemucs
from safetensors.torch import save_file

from mixprior.pipeline.separation import model_sources, model_store, onnx_weights
from mixprior.pipeline.separation.model_folder import ModelFolder, arguments_digest, weights_digest, write_htdemucs
from mixprior.pipeline.separation.model_store import ModelUnavailable, resolve
from mixprior.pipeline.store.records import InputError
from tests.pipeline.tiny_model import ARGUMENTS, SIGNATURE, tiny_state, write_tiny_model

WEIGHTS_FILE = f"{SIGNATURE}.safetensors"


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


@pytest.mark.fault(23)
@pytest.mark.parametrize("file", [f"{SIGNATURE}.th", f"{SIGNATURE}-cafe1234.th"])
def test_pickled_weights_are_not_read_and_run_nothing(tmp_path, file):
    package = {"klass": HTDemucs, "args": (), "kwargs": ARGUMENTS, "state": tiny_state(), "training_args": {}}
    torch.save(package, tmp_path / file)
    (tmp_path / "old.yaml").write_text(f"models: ['{SIGNATURE}']\n")
    with pytest.raises(ModelUnavailable, match=r"\.th file, which is a pickle and is not read.*mixprior model fetch"):
        resolve("old", str(tmp_path))

    class Attack:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "owned"),)

    torch.save({"klass": Attack(), "args": (), "kwargs": {}, "state": {}}, tmp_path / file)
    for written in (tmp_path / file, tmp_path / f"{SIGNATURE}.safetensors"):
        (tmp_path / file).rename(written)
        with pytest.raises(ModelUnavailable, match="cannot be read"):
            resolve("old", str(tmp_path))
        written.rename(tmp_path / file)
    assert not (tmp_path / "owned").exists()


def test_a_signature_that_is_a_path_is_refused(tmp_path):
    write_tiny_model(tmp_path / "elsewhere")
    (tmp_path / "repo").mkdir()
    (tmp_path / "repo" / "tiny.yaml").write_text(f"models: ['../elsewhere/{SIGNATURE}']\n")
    with pytest.raises(ModelUnavailable, match="which is no signature"):
        resolve("tiny", str(tmp_path / "repo"))


# The arguments


def arguments_of(kwargs=ARGUMENTS, args=(), klass=HTDemucs, **bag) -> str:
    return arguments_digest([{"klass": klass, "args": args, "kwargs": kwargs}], {"models": [SIGNATURE], **bag})


@pytest.mark.parametrize(
    "other",
    [
        {"kwargs": {**ARGUMENTS, "segment": Fraction(1, 2)}},
        {"kwargs": {**ARGUMENTS, "sources": ARGUMENTS["sources"][::-1]}},
        {"kwargs": {**ARGUMENTS, "wiener_iters": 1}},
        {"kwargs": {**ARGUMENTS, "use_train_segment": False}},
        {"klass": HDemucs, "kwargs": {"sources": ARGUMENTS["sources"]}},
        {"segment": 0.5},
        {"weights": [[1, 1, 1, 0.5]]},
        {"models": ["cafe1234"]},
    ],
    ids=["segment", "order of stems", "default", "boolean", "class", "segment of bag", "weights of bag", "signature"],
)
def test_other_arguments_have_another_digest(other):
    assert arguments_of(**other) != arguments_of()


@pytest.mark.parametrize(
    "same",
    [
        {"kwargs": {**ARGUMENTS, "segment": 1.0}},
        {"kwargs": {**ARGUMENTS, "nfft": 1024.0, "t_emb": "sin"}},
        {"kwargs": {**ARGUMENTS, "t_dropout": 0.02, "unknown": 1}},
        {"args": [ARGUMENTS["sources"]], "kwargs": {key: ARGUMENTS[key] for key in list(ARGUMENTS)[1:]}},
        {"weights": [[1.0, 1.0, 1.0, 1.0]], "segment": None},
    ],
    ids=["a fraction as a float", "defaults", "what training alone takes", "in its place", "weights of one"],
)
def test_the_same_arguments_written_in_another_way_have_the_same_digest(same):
    assert arguments_of(**same) == arguments_of()


@pytest.mark.fault(23)
def test_changed_arguments_of_a_pinned_model_are_refused(tmp_path, monkeypatch):
    """The tensors, and so the digest of the weights, stay the same."""
    folder = write_tiny_model(tmp_path, "htdemucs")
    monkeypatch.setitem(model_store.PINNED, "htdemucs", weights_digest(tiny_state()))
    monkeypatch.setitem(model_store.PINNED_ARGUMENTS, "htdemucs", arguments_of())
    files = resolve("htdemucs", str(folder))
    write_htdemucs(folder / WEIGHTS_FILE, tiny_state(), {**ARGUMENTS, "segment": Fraction(1, 2)})
    with pytest.raises(ModelUnavailable, match=r"arguments are refused: digest [0-9a-f]{64}, pinned"):
        resolve("htdemucs", str(folder))
    with pytest.raises(InputError, match="the arguments in"):
        ModelFolder(folder, "htdemucs").load(files.weights_sha256, files.arguments_sha256)
    write_tiny_model(folder, "htdemucs")
    (folder / "htdemucs.yaml").write_text(f"models: ['{SIGNATURE}']\nsegment: 0.5\n")
    with pytest.raises(ModelUnavailable, match="arguments are refused"):
        resolve("htdemucs", str(folder))


def test_the_copy_rebuilt_from_onnx_has_the_pinned_arguments():
    found = arguments_of(onnx_weights.HTDEMUCS_ARGUMENTS, models=[model_sources.HTDEMUCS_SIGNATURE])
    assert found == model_store.PINNED_ARGUMENTS["htdemucs"]


def test_safetensors_that_name_another_class_are_refused_and_run_nothing(tmp_path):
    write_tiny_model(tmp_path)
    metadata = {"klass": "os.mkdir", "args": json.dumps([str(tmp_path / "owned")]), "kwargs": "{}"}
    save_file(tiny_state(), tmp_path / WEIGHTS_FILE, metadata)
    with pytest.raises(ModelUnavailable, match=r"no model of Demucs \(class os.mkdir\)"):
        resolve("tiny", str(tmp_path))
    assert not (tmp_path / "owned").exists()


@pytest.mark.fault(23)
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
    bag = ModelFolder(tmp_path, "both").load(digest, resolve("both", str(tmp_path)).arguments_sha256)
    assert len(bag.models) == 2
    assert bag.max_allowed_segment == 0.5

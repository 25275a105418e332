"""Separated in windows, a song has the stems that Demucs gives of the whole, to the last bit."""

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels, apply_model
from demucs.htdemucs import HTDemucs

from mixprior.pipeline.separation import overlap_add
from mixprior.pipeline.separation import separator as separation
from mixprior.pipeline.separation.batches import Batches
from mixprior.pipeline.separation.eager import Eager
from mixprior.pipeline.separation.separator import SeparationSettings, load
from tests.pipeline.tiny_model import ARGUMENTS, tiny_state, write_tiny_model


@pytest.fixture(autouse=True)
def _one_thread():
    """Threads of torch that wait for each other take long on a busy machine."""
    torch.set_num_threads(1)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return SeparationSettings("tiny", str(write_tiny_model(tmp_path_factory.mktemp("repo"))), "", "cpu", "fp32")


@pytest.fixture(scope="module")
def song():
    return (0.1 * np.random.default_rng(7).standard_normal((2, 110_250))).astype(np.float32)


@pytest.mark.parametrize("overlap", [0.25, 0.6])
@pytest.mark.parametrize("samples", [20_000, 150_003])
def test_stems_in_blocks_are_those_of_the_whole(tiny, samples, overlap):
    """A bag of two models with weights of their own, in blocks cut anywhere, against Demucs' apply_model."""
    model = load(tiny)._model
    other = HTDemucs(**ARGUMENTS)
    other.load_state_dict(tiny_state(1))
    bag = BagOfModels([model.models[0], other], [[1.0, 0.5, 0.0, 2.0], [0.3, 0.5, 1.0, 1.0]])
    rng = np.random.default_rng(samples)
    mix = torch.from_numpy(rng.standard_normal((2, samples)).astype(np.float32))
    cuts = sorted(rng.integers(1, samples, 5).tolist())
    blocks = [block for block in torch.tensor_split(mix, cuts, dim=1) if block.shape[1]]
    with torch.inference_mode():
        expected = apply_model(bag, mix[None], shifts=0, overlap=overlap)[0]

    segments = Batches(Eager(bag, "cpu", "fp32"), threads=lambda: 2)
    found = torch.cat(list(overlap_add.stems(bag, blocks, overlap, None, segments)), dim=-1)
    assert found.shape == expected.shape
    assert torch.equal(found, expected)


def test_a_song_in_blocks_has_the_stems_of_the_whole_and_its_own_sound(tiny, song):
    long = np.tile(song, (1, 5))
    expected = load(tiny).separate(long)
    pieces = list(load(tiny).separate_blocks(lambda: iter(np.array_split(long, 9, axis=1))))
    assert len(pieces) > 5
    for name, audio in {**expected, "mixture": long}.items():
        np.testing.assert_array_equal(np.concatenate([piece[name] for piece in pieces], axis=1), audio)


def test_the_level_of_a_song_over_20_minutes_is_summed(tiny, song, monkeypatch):
    expected = load(tiny).separate(song)
    monkeypatch.setattr(separation, "_WHOLE_S", 1)
    for name, stem in load(tiny).separate(song).items():
        np.testing.assert_allclose(stem, expected[name], atol=1e-6)

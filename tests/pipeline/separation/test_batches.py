"""A segment has the same stems whatever goes beside it, however many threads there are, and whatever befalls others."""

import copy
import logging
import threading
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import replace

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels
from demucs.htdemucs import HTDemucs

from mixprior.pipeline.separation.batches import Batches
from mixprior.pipeline.separation.eager import Eager
from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.pipeline.store.records import SongError
from tests.pipeline.tiny_model import ARGUMENTS, write_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    repo = write_tiny_model(tmp_path_factory.mktemp("repo"))
    return SeparationSettings("tiny", str(repo), device="cpu", precision="fp32", threads=1)


@pytest.fixture(scope="module")
def songs():
    rng = np.random.default_rng(3)
    return [(0.1 * rng.standard_normal((2, samples))).astype(np.float32) for samples in (70_000, 30_000, 90_000)]


def equal(one, other):
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


class Recording:
    """A model whose stems are the segment and its opposite; it notes the batches, and waits for leave to begin."""

    def __init__(self) -> None:
        self.batches, self.leave = [], threading.Event()

    def __call__(self, model, batch):
        self.leave.wait()
        self.batches.append((model, batch.clone()))
        return torch.stack([batch, -batch], 1)


def segment(value, samples=4):
    return torch.full((2, samples), float(value))


def test_stems_do_not_depend_on_the_number_of_threads(tiny, songs):
    alone = load(tiny).separate(songs[0])
    for threads in (2, 3):
        assert equal(load(replace(tiny, threads=threads)).separate(songs[0]), alone)


def test_a_song_has_the_same_stems_alone_and_among_others(tiny, songs):
    separator = load(replace(tiny, batch=3, threads=2))
    alone = [separator.separate(song) for song in songs]
    with ThreadPoolExecutor(len(songs)) as threads:
        together = list(threads.map(separator.separate, songs))
    assert all(equal(one, other) for one, other in zip(alone, together, strict=True))


def test_segments_of_one_model_and_length_go_together_padded_to_one_size():
    model = Recording()
    batches = Batches(model, size=3)
    first = batches.submit(0, segment(1))
    while batches._waiting:  # until it is at work
        pass
    others = [batches.submit(*call) for call in ((0, segment(2)), (1, segment(3)), (0, segment(4)), (0, segment(5, 9)))]
    model.leave.set()
    for value, future in enumerate([first, *others], 1):
        assert torch.equal(future.result()[0], segment(value, future.result().shape[-1]))
    said = [(number, batch[:, 0, 0].tolist(), batch.shape[-1]) for number, batch in model.batches]
    assert said == [(0, [1, 0, 0], 4), (0, [2, 4, 0], 4), (1, [3, 0, 0], 4), (0, [5, 0, 0], 9)]


def test_too_little_memory_halves_the_batches_and_goes_on(caplog):
    sizes = []

    def run(_, batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return torch.stack([batch, -batch], 1)

    batches = Batches(run, size=8)
    with caplog.at_level(logging.WARNING):
        futures = [batches.submit(0, segment(value)) for value in range(12)]
        assert [int(future.result()[0, 0, 0]) for future in futures] == list(range(12))
    assert batches.size == 2
    assert set(sizes) == {8, 4, 2}
    assert "2 segments at a time" in caplog.text


def test_a_segment_that_is_too_much_is_separated_on_the_cpu(tiny, songs, caplog):
    separator = load(tiny)
    expected = separator.separate(songs[0])

    def too_small(*_):
        raise torch.OutOfMemoryError("CUDA out of memory")

    separator.segments, kept = Batches(too_small, 4, rescue=separator.segments._run), separator.segments
    try:
        with caplog.at_level(logging.WARNING):
            assert equal(separator.separate(songs[0]), expected)
    finally:
        separator.segments = kept
    assert caplog.text.count("separating on the CPU") == 1


def test_too_little_memory_for_one_segment_fails_it_where_nothing_else_takes_it():
    def too_small(*_):
        raise torch.OutOfMemoryError

    with pytest.raises(torch.OutOfMemoryError):
        Batches(too_small).submit(0, segment(1)).result()


def test_what_is_wrong_with_one_song_does_not_touch_the_others_of_its_batch():
    started = threading.Event()

    def run(_, batch):
        started.wait()
        if (batch == 2).any():
            raise ValueError("two")
        return torch.stack([batch, -batch], 1)

    batches = Batches(run, size=3)
    futures = [batches.submit(0, segment(value)) for value in (0, 1, 2, 3)]
    started.set()
    wait(futures)
    assert [future.exception() is None for future in futures] == [True, True, False, True]


def test_a_bounded_queue_holds_back_whoever_submits():
    model = Recording()
    batches = Batches(model, most_waiting=2)
    sent = []

    def send():
        for value in range(6):
            sent.append(batches.submit(0, segment(value)))

    sender = threading.Thread(target=send)
    sender.start()
    sender.join(0.2)
    assert sender.is_alive()
    assert len(sent) <= 4
    model.leave.set()
    sender.join()
    assert [int(future.result()[0, 0, 0]) for future in sent] == list(range(6))


def test_the_segments_of_a_song_that_was_given_up_are_not_separated(tiny, songs, monkeypatch):
    separator = load(replace(tiny, threads=2))
    run, count = separator.segments._run, []
    monkeypatch.setattr(separator.segments, "_run", lambda *call: count.append(0) or run(*call))

    def stop(done, total):
        raise RuntimeError("enough")

    with pytest.raises(SongError, match="enough"):
        separator.separate(np.tile(songs[0], (1, 4)), stop)
    while separator.segments._working:
        pass
    assert len(count) < 10


def test_threads_end_when_nothing_waits():
    batches = Batches(lambda _, batch: torch.stack([batch, -batch], 1), threads=lambda: 3)
    wait([batches.submit(0, segment(value)) for value in range(9)])
    while batches._working:
        pass
    assert not batches._waiting


class Doubling(torch.nn.Module):
    """A model whose values fp16 cannot hold where a segment is loud."""

    def forward(self, mix: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.conv1d(mix, torch.full((1, 1, 1), 2.0))[:, None]


def test_what_half_precision_cannot_hold_is_computed_again_and_changes_no_other_segment():
    model = BagOfModels([HTDemucs(**ARGUMENTS)])
    model.models = torch.nn.ModuleList([Doubling()])
    quiet, loud = torch.full((1, 8), 1 / 3), torch.full((1, 8), 40_000.0)
    run = Eager(model, "cpu", "fp16")
    together, alone = run(0, torch.stack([quiet, loud])), run(0, quiet[None])
    assert torch.equal(together[:1], alone)
    assert not torch.equal(alone, Eager(model, "cpu", "fp32")(0, quiet[None]))
    assert torch.equal(together[1], torch.full((1, 1, 8), 80_000.0))


def test_a_segment_that_is_no_number_is_not_computed_again():
    model = BagOfModels([HTDemucs(**ARGUMENTS)])
    model.models = torch.nn.ModuleList([Doubling()])
    calls = []
    model.models[0].register_forward_hook(lambda *_: calls.append(1))
    assert Eager(model, "cpu", "fp16")(0, torch.full((1, 1, 8), torch.nan)).isnan().all()
    assert len(calls) == 1


def test_the_last_branches_stay_in_single_precision_in_a_copy_too():
    model = BagOfModels([HTDemucs(**ARGUMENTS, dconv_mode=3)])
    Eager(model, "cpu", "bf16")
    for one in (model, copy.deepcopy(model)):
        *others, last = [layer.dconv for layer in one.models[0].decoder]
        for branches, channels, is_single in ((last, 8, True), (others[-1], 16, False)):
            x = torch.randn(1, channels, 64)
            with torch.inference_mode():
                exact = branches(x)
                with torch.autocast("cpu", torch.bfloat16):
                    assert torch.equal(branches(x), exact) == is_single

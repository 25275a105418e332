"""The process that owns a device, on a CPU: songs of several processes in its batches, its death, its refusals."""

import math
import os
import signal
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from mixprior.pipeline.audio.decode import DecodeLimits
from mixprior.pipeline.separation import separator, server
from mixprior.pipeline.separation.batches import Batches
from mixprior.pipeline.separation.model_folder import ModelFolder
from mixprior.pipeline.separation.remote import Remote
from mixprior.pipeline.separation.separator import SeparationSettings, Separator, load
from mixprior.pipeline.song import device, messages, shared_pool, trouble
from mixprior.pipeline.song.device import Device, Devices
from mixprior.pipeline.song.pool import Pool
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.song.time_limits import TimeLimits
from mixprior.pipeline.store.records import InputError, SongError
from tests.pipeline.song import jobs
from tests.pipeline.tiny_model import write_tiny_model


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    repo = write_tiny_model(tmp_path_factory.mktemp("repo"))
    return SeparationSettings("tiny", str(repo), device="cpu", precision="fp32", threads=1, batch=2)


@pytest.fixture(scope="module")
def owner(tiny):
    made = Device(tiny)
    yield made
    made.close()


def song(seed):
    return (0.1 * np.random.default_rng(seed).standard_normal((2, 50_000 + 9_000 * seed))).astype(np.float32)


def elsewhere(tiny, path):
    """A separator of its own connection, as another process has."""
    outline = ModelFolder(Path(tiny.model_repo), "tiny").outline()
    return Separator(outline, replace(tiny, server=path), Remote(path))


def equal(one, other):
    return all(one[name].tobytes() == other[name].tobytes() for name in one)


def test_songs_of_several_processes_have_the_stems_of_each_alone(tiny, owner):
    alone = [load(tiny).separate(song(k)) for k in range(3)]
    clients = [elsewhere(tiny, owner.settings.server) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        together = list(threads.map(lambda k: clients[k].separate(song(k)), range(3)))
    assert all(equal(one, other) for one, other in zip(alone, together, strict=True))


def test_a_child_of_a_pool_sends_its_segments(tiny, owner, tmp_path):
    with Pool(1) as pool:
        answer = pool.submit(f"{jobs.HERE}:separated", song(1), owner.settings).result(120)
    assert answer.content == load(tiny).separate(song(1))["vocals"].tobytes()
    assert not answer.facts["has_weights"]


def test_a_killed_owner_is_a_lost_device_of_the_songs_at_work_and_another_takes_over(tiny, owner):
    client = elsewhere(tiny, owner.settings.server)
    process = owner._pool._keepers[0].child._process

    def killing(done, total):
        if done == 1:
            os.kill(process.pid, signal.SIGKILL)

    with pytest.raises(SongError) as failure:
        client.separate(np.tile(song(0), (1, 6)), killing)
    assert trouble.kind_of(failure.value) == trouble.DEVICE_LOST
    while process.poll() is None:
        pass
    assert equal(elsewhere(tiny, owner.settings.server).separate(song(0)), load(tiny).separate(song(0)))
    assert owner._pool._keepers[0].child._process.pid != process.pid


def test_a_model_that_the_owner_refuses_is_refused_to_whoever_asks(tiny):
    owner = Device(replace(tiny, weights_sha256="0" * 64))
    with pytest.raises(InputError, match="the weights in"):
        Remote(owner.settings.server)
    owner.close()
    with pytest.raises(trouble.Lost):
        Remote(owner.settings.server)


@pytest.fixture
def here(tmp_path, monkeypatch):
    """Serves in a thread of this process, by the runner that it is given; returns the socket, and how it ended."""
    ended, stages = [], []

    def begin(run, size=4):
        served = type("Served", (), {"segments": Batches(run, size, most_waiting=2 * size)})
        monkeypatch.setattr(separator, "load", lambda _: served)

        def serve():
            try:
                server.serve(str(tmp_path / "device"), SeparationSettings(), lambda *stage: stages.append(stage[0]))
            except Exception as error:
                ended.append(error)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        return str(tmp_path / "device"), thread, ended, stages

    return begin


def twice(_, batch):
    return torch.stack([batch, 2 * batch], 1)


def segment(value):
    return torch.full((2, 3), float(value))


def test_too_little_memory_halves_the_batches_of_all_processes(here):
    sizes = []

    def run(number, batch):
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError
        return twice(number, batch)

    path, *_ = here(run, size=8)
    clients = [Remote(path), Remote(path)]
    futures = [(value, clients[value % 2].submit(0, segment(value))) for value in range(10)]
    assert all(torch.equal(future.result(60)[1], 2 * segment(value)) for value, future in futures)
    assert set(sizes) == {8, 4, 2}


@pytest.fixture(params=[None, 60.0])
def default_timeout(request):
    """The timeout of sockets that are made: other libraries set one."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(request.param)
    yield
    socket.setdefaulttimeout(before)


@pytest.mark.usefixtures("default_timeout")
def test_a_lost_device_ends_its_process_and_is_passing_trouble_of_the_song(here):
    def run(*_):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    path, thread, ended, _ = here(run)
    error = Remote(path).submit(0, segment(1)).exception(60)
    assert trouble.kind_of(error) == trouble.DEVICE_LOST
    thread.join(20)
    assert not thread.is_alive()
    assert trouble.kind_of(ended[0]) == trouble.DEVICE_LOST


def test_an_error_of_one_song_is_told_to_it_alone(here):
    def run(number, batch):
        if (batch == 2).any():
            raise ValueError("two\nand more")
        return twice(number, batch)

    path, *_ = here(run)
    client = Remote(path)
    good, bad = client.submit(0, segment(1)), client.submit(0, segment(2))
    assert torch.equal(good.result(60)[1], segment(2))
    assert str(bad.exception(60)) == "ValueError: two"


def test_a_process_that_sends_nonsense_is_let_go_and_the_others_are_served(here):
    path, *_ = here(twice)
    for nonsense in (b"{}\n", b'{"number": 1, "model": 0, "shape": [-1], "bytes": 0}\n', b"\x80\x04N.\n"):
        with socket.socket(socket.AF_UNIX) as hostile:
            while hostile.connect_ex(path):
                pass
            with hostile.makefile("rb") as stream:
                assert messages.read(stream)[0] == {"ahead": 8}
                hostile.sendall(nonsense)
                assert messages.read(stream) is None
    assert torch.equal(Remote(path).submit(0, segment(1)).result(60)[1], segment(2))


def test_whoever_sends_faster_than_the_device_separates_is_held_back(here):
    leave = threading.Event()

    def run(number, batch):
        leave.wait()
        return twice(number, batch)

    path, *_ = here(run, size=1)
    client, sent = Remote(path), []

    def send():
        for _ in range(40):
            sent.append(client.submit(0, torch.ones(2, 200_000)))

    sender = threading.Thread(target=send)
    sender.start()
    sender.join(0.5)
    assert sender.is_alive()
    leave.set()
    sender.join()
    assert all(stems.result(60).shape == (2, 2, 200_000) for stems in sent)


def test_an_owner_that_hangs_with_a_segment_is_killed_and_started_again(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(device, "JOB", f"{jobs.HERE}:hang_as_owner")
    monkeypatch.setattr(device, "_LIMITS", TimeLimits(stage_s=0.2, separate=0.0, decode=math.inf))
    owner = Device(replace(tiny, model_repo=str(tmp_path / "times")))
    while not (tmp_path / "times").exists() or (tmp_path / "times").stat().st_size < 2:
        pass
    owner.close()


def test_a_device_is_watched_as_long_as_it_has_segments(here):
    path, _, _, stages = here(twice)
    client = Remote(path)
    for value in range(3):
        client.submit(0, segment(value)).result(60)
    assert stages == ["separate", "decode"] * 3


def test_each_gpu_has_an_owner_and_songs_take_them_in_turn(tiny, monkeypatch):
    made = []

    class Owner:
        def __init__(self, settings):
            self.settings, self.is_closed = replace(settings, server=settings.device), False
            made.append(self)

        def close(self):
            self.is_closed = True

    monkeypatch.setattr(device, "Device", Owner)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    devices = Devices()
    assert devices.serving(tiny) == tiny
    monkeypatch.setattr(separator, "_device", lambda name: name)
    on_gpu = replace(tiny, device="cuda")
    assert [devices.serving(on_gpu).server for _ in range(3)] == ["cuda:0", "cuda:1", "cuda:0"]
    devices.close()
    assert [owner.is_closed for owner in made] == [True, True]


def test_songs_that_come_with_stems_need_no_device(tiny, monkeypatch):
    monkeypatch.setattr(shared_pool._devices, "serving", lambda settings: replace(settings, server="a socket"))
    settings = MiningSettings(tiny, DecodeLimits())
    assert shared_pool.serving(settings, has_stems=True) == settings
    assert shared_pool.serving(settings, has_stems=False).separation.server == "a socket"
    assert shared_pool.serving(replace(settings, separate_all=True), has_stems=True).separation.server == "a socket"


@pytest.mark.nightly("conformance")
def test_mine_through_the_owner_of_a_device_gives_the_same_rows(tiny, mixprior, tmp_path, monkeypatch):
    soundfile.write(tmp_path / "a.wav", np.tile(song(0), (1, 3)).T, 44_100, "FLOAT")

    def rows(out):
        options = ("-n", "tiny", "--model-repo", tiny.model_repo, "-d", "cpu", "--precision", "fp32", "-j", "1")
        mixprior("mine", tmp_path / "a.wav", "-o", out, *options)
        return [path.read_bytes() for path in sorted(out.glob("features/**/*.parquet"))]

    expected = rows(tmp_path / "here")
    assert expected
    begun = []
    monkeypatch.setattr(device, "_is_owned", lambda _: True)
    monkeypatch.setattr(device, "Device", lambda settings: begun.append(Device(settings)) or begun[-1])
    assert rows(tmp_path / "there") == expected
    assert len(begun) == 1
    begun[0].close()

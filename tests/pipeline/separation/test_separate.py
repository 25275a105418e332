import sys
import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

from mixprior.pipeline.separation import model_store, separate
from mixprior.pipeline.separation import separator as separation
from mixprior.pipeline.separation.model_store import ModelUnavailable
from mixprior.pipeline.separation.native import kinds
from mixprior.pipeline.separation.separator import SeparationSettings, load
from mixprior.pipeline.store.records import InputError, SongError
from tests import reference
from tests.pipeline.tiny_model import SIGNATURE, write_tiny_model

STEMS = ["drums", "bass", "other", "vocals"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    return SeparationSettings(
        model="tiny", model_repo=str(write_tiny_model(tmp_path_factory.mktemp("repo"))), device="cpu", precision="fp32"
    )


@pytest.fixture(scope="module")
def song():
    """2.5 seconds: three of the tiny model's segments, the last one short."""
    return (0.1 * np.random.default_rng(7).standard_normal((2, 110_250))).astype(np.float32)


def sdr_db(true: np.ndarray, estimate: np.ndarray) -> float:
    """Signal-to-distortion ratio over the whole excerpt."""
    return float(10 * np.log10(np.sum(true**2) / np.sum((true - estimate) ** 2)))


# What comes out


def test_stems_are_as_long_as_the_song(tiny, song):
    stems = load(tiny).separate(song)
    assert list(stems) == STEMS
    for stem in stems.values():
        assert stem.shape == song.shape
        assert stem.dtype == np.float32
        assert stem.any()


def test_same_song_gives_the_same_bytes(tiny, song):
    first, second = load(tiny).separate(song), load(tiny).separate(song)
    for name in STEMS:
        assert first[name].tobytes() == second[name].tobytes()


def test_song_is_left_as_it_was(tiny, song):
    before = song.copy()
    load(tiny).separate(song)
    np.testing.assert_array_equal(song, before)


@pytest.mark.filterwarnings("error")
def test_a_song_that_is_read_only_gives_no_warning(tiny, song):
    locked = song.copy()
    locked.flags.writeable = False
    assert load(tiny).separate(locked)["vocals"].any()


def test_matches_demucs_own_separator(tiny, song):
    from demucs.api import Separator

    theirs = Separator.__new__(Separator)  # its constructor would look for the model on the hub
    theirs._model = load(tiny)._model
    theirs.update_parameter(device="cpu", shifts=0, overlap=0.25, split=True, segment=None, jobs=0, progress=False)
    theirs.update_parameter(callback=None, callback_arg=None)
    _, expected = theirs.separate_tensor(torch.from_numpy(song))
    stems = load(tiny).separate(song)
    for name in STEMS:
        np.testing.assert_allclose(stems[name], expected[name].numpy(), atol=1e-6)


def test_levels_follow_the_song(tiny, song):
    loud, soft = load(tiny).separate(song), load(tiny).separate(song / 8)
    for name in STEMS:
        np.testing.assert_allclose(8 * soft[name], loud[name], atol=1e-4 * np.abs(loud[name]).max())


def test_silence_gives_silence(tiny):
    for stem in load(tiny).separate(np.zeros((2, 50_000), np.float32)).values():
        assert stem.shape == (2, 50_000)
        assert not stem.any()


@pytest.mark.parametrize("kind", ["constant", "opposite channels", "one sample", "nearly silent"])
def test_odd_songs_give_finite_stems(tiny, song, kind):
    audio = {
        "constant": np.full((2, 50_000), 0.25, np.float32),
        "opposite channels": np.stack([song[0], -song[0]]),
        "one sample": song[:, :1],
        "nearly silent": song * np.float32(1e-8),
    }[kind]
    for stem in load(tiny).separate(audio).values():
        assert stem.shape == audio.shape
        assert np.isfinite(stem).all()


def test_without_the_native_engine_a_cpu_computes_in_single_precision(tiny, song):
    exact = load(tiny).separate(song)
    asked = load(replace(tiny, precision="bf16")).separate(song)
    assert {name: asked[name].tobytes() for name in STEMS} == {name: exact[name].tobytes() for name in STEMS}


def test_threads_share_one_separator(tiny, song):
    alone = load(tiny).separate(song)
    together = {}

    def work(i):
        together[i] = load(tiny).separate(song)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(together) == 3
    for stems in together.values():
        assert all(stems[name].tobytes() == alone[name].tobytes() for name in STEMS)


# The warm model


def test_model_is_loaded_once_for_all_threads(tiny, monkeypatch):
    separation._warm.cache_clear()
    resolved = []
    monkeypatch.setattr(
        model_store,
        "resolve",
        lambda *args, resolve=model_store.resolve: resolved.append(args) or resolve(*args),
    )
    found = []
    threads = [threading.Thread(target=lambda: found.append(load(tiny))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(map(id, found))) == 1
    assert len(resolved) == 1


def test_weights_other_than_the_settings_say_are_refused(tiny):
    with pytest.raises(InputError, match=f"are [0-9a-f]{{64}}, not {'0' * 64}"):
        load(replace(tiny, weights_sha256="0" * 64))


def test_changed_weights_are_refused(tiny, tmp_path):
    kept = load(tiny)
    assert kept.settings.model == "tiny"
    digest = model_store.resolve("tiny", tiny.model_repo).weights_sha256
    folder = write_tiny_model(tmp_path)
    content = bytearray((folder / f"{SIGNATURE}.safetensors").read_bytes())
    content[-1] ^= 1
    (folder / f"{SIGNATURE}.safetensors").write_bytes(content)
    with pytest.raises(InputError, match="the weights in"):
        load(replace(tiny, model_repo=str(folder), weights_sha256=digest))


# Faults


@pytest.mark.parametrize("shape", [(44_100,), (1, 44_100), (2, 0)])
def test_audio_that_is_no_stereo_song_fails_the_song(tiny, shape):
    with pytest.raises(SongError, match="cannot be separated") as failure:
        load(tiny).separate(np.ones(shape, np.float32))
    assert failure.value.stage == "separate"


def test_song_that_is_not_finite_fails(tiny, song):
    with pytest.raises(SongError, match="the model failed") as failure:
        load(tiny).separate(np.where(song > 0.3, np.float32(np.nan), song))
    assert failure.value.stage == "separate"


def test_stems_that_are_not_finite_fail_the_song(tiny, song, monkeypatch):
    separator = load(tiny)
    monkeypatch.setattr(separator.segments, "_run", lambda _, batch: torch.full((1, 4, *batch.shape[1:]), torch.nan))
    with pytest.raises(SongError, match="not finite") as failure:
        separator.separate(song)
    assert failure.value.stage == "separate"


def test_trouble_in_the_model_fails_the_song(tiny, song, monkeypatch):
    separator = load(tiny)

    def broken(*_):
        raise RuntimeError("cannot allocate\nwith a second line")

    monkeypatch.setattr(separator.segments, "_run", broken)
    with pytest.raises(SongError) as failure:
        separator.separate(song)
    assert str(failure.value) == "the model failed: RuntimeError: cannot allocate"
    assert failure.value.stage == "separate"


# As a library function


def separated(audio, rate_hz, tiny, **options):
    return separate.separate(audio, rate_hz, model="tiny", model_repo=tiny.model_repo, device="cpu", **options)


@pytest.mark.parametrize("rate_hz", [8_000, 48_000])
def test_stems_come_back_at_the_rate_and_length_of_the_mix(tiny, rate_hz):
    audio = (0.1 * np.random.default_rng(7).standard_normal((2, 7001))).astype(np.float32)
    stems = separated(audio, rate_hz, tiny)
    assert list(stems) == STEMS
    for stem in stems.values():
        assert (stem.shape, stem.dtype) == (audio.shape, np.float32)
        assert np.isfinite(stem).all()


def test_at_the_models_rate_the_library_gives_the_stems_of_mine(tiny, song):
    stems = separated(song, 44_100, tiny)
    settings = SeparationSettings("tiny", tiny.model_repo, device="cpu", threads=1)
    for name, expected in load(settings).separate(song).items():
        np.testing.assert_array_equal(stems[name], expected)


@pytest.mark.parametrize("dimensions", [1, 2])
def test_a_mono_mix_gives_stereo_stems(tiny, song, dimensions):
    mono = song[0] if dimensions == 1 else song[:1]
    stems = separated(mono, 44_100, tiny)
    stereo = separated(np.stack([song[0], song[0]]), 44_100, tiny)
    for name in STEMS:
        np.testing.assert_array_equal(stems[name], stereo[name])


def test_progress_counts_every_segment(tiny, song):
    calls = []
    separated(song, 44_100, tiny, progress=lambda done, total: calls.append((done, total)))
    # Segments of 1 s every 0.75 s.
    assert calls == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.parametrize(
    ("audio", "rate_hz", "reason"),
    [
        (np.zeros((100, 2)), 44_100, "transpose"),
        (np.zeros((2, 0)), 44_100, "holds no samples"),
        (np.full((2, 100), np.nan), 44_100, "not numbers"),
        (np.zeros((2, 100)), 1000, "1000 Hz"),
    ],
)
def test_audio_that_cannot_be_separated_is_an_input_error(tiny, audio, rate_hz, reason):
    with pytest.raises(InputError, match=reason):
        separated(audio, rate_hz, tiny)


def test_without_demucs_the_extra_is_named(tiny, song, monkeypatch):
    monkeypatch.setitem(sys.modules, "demucs", None)
    with pytest.raises(InputError, match=r"pip install 'mixprior\[mine\]'"):
        separated(song, 44_100, tiny)


# Settings


@pytest.mark.parametrize(
    "wrong",
    [
        {"precision": "fp8"},
        {"overlap": 1.0},
        {"overlap": -0.1},
        {"segment_s": 0.0},
        {"threads": 0},
        {"batch": 0},
    ],
)
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InputError):
        SeparationSettings(**wrong)


def test_device_that_is_not_there_is_refused(tiny):
    with pytest.raises(InputError, match="device cuda:63 is not available"):
        load(replace(tiny, device="cuda:63"))


def test_what_a_cpu_is_slow_in_is_refused(tiny):
    with pytest.raises(InputError, match="fp16 is for CUDA"):
        load(replace(tiny, precision="fp16"))


def test_segments_longer_than_the_models_are_refused(tiny):
    with pytest.raises(InputError, match=r"segments of 2 s: the model takes 1 s"):
        load(replace(tiny, segment_s=2.0))


def test_unknown_model_is_told_with_the_known_ones(monkeypatch):
    monkeypatch.delenv(model_store.MODEL_REPO_VARIABLE, raising=False)
    with pytest.raises(InputError, match="known are htdemucs"):
        load(SeparationSettings(model="demucs5"))


def test_auto_takes_fp16_on_a_gpu(monkeypatch):
    monkeypatch.setattr(separation, "_device", lambda _name: "cuda")
    assert SeparationSettings().resolved().precision == "fp16"


@pytest.mark.parametrize(("built", "precision"), [(True, "bf16"), (False, "fp32")])
def test_auto_takes_bf16_where_the_engine_for_it_is_built(monkeypatch, built, precision):
    monkeypatch.setattr(kinds, "machine", lambda: ("x86_64", kinds.KINDS[1].flags))
    monkeypatch.setattr(kinds, "library", lambda kind: kind.name if built else None)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    resolved = SeparationSettings().resolved()
    assert (resolved.device, resolved.precision) == ("cpu", precision)
    assert resolved.resolved() == resolved


# The released weights on real music


@pytest.fixture(scope="module")
def excerpt():
    """The mixture and the true stems of a MUSDB excerpt, each (2, samples)."""
    av = pytest.importorskip("av")
    path = reference.need("music/stems/Music Delta - 80s Rock.stem.mp4")
    audio = []
    for stream in range(5):
        with av.open(str(path)) as container:
            frames = [frame.to_ndarray() for frame in container.decode(audio=stream)]
        audio.append(np.concatenate(frames, axis=1))
    return dict(zip(["mixture", "drums", "bass", "other", "vocals"], audio, strict=True))


@pytest.mark.weights
def test_released_weights_separate_real_music(excerpt):
    try:
        separator = load(SeparationSettings(device="cpu", precision="fp32", threads=2))
    except ModelUnavailable as error:
        pytest.skip(str(error))
    stems = separator.separate(excerpt["mixture"])
    # Measured before: drums 14.55, bass 12.61, vocals 14.64, backing 16.01 dB.
    assert sdr_db(excerpt["drums"], stems["drums"]) >= 13
    assert sdr_db(excerpt["bass"], stems["bass"]) >= 11
    assert sdr_db(excerpt["vocals"], stems["vocals"]) >= 13
    backing = excerpt["mixture"] - excerpt["vocals"]
    assert sdr_db(backing, excerpt["mixture"] - stems["vocals"]) >= 15

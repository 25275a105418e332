"""The native engine gives what PyTorch gives, layer by layer, in every way that it is built."""

import ctypes
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from demucs.apply import BagOfModels
from demucs.htdemucs import HTDemucs

from mixprior.pipeline.separation.native import engine, kinds
from mixprior.pipeline.separation.native.kinds import KINDS, Kind
from tests.pipeline.tiny_model import ARGUMENTS as TINY

BY_NAME = {kind.name: kind for kind in KINDS}
CHANNELS = (48, 96, 192, 384)
EMULATED = BY_NAME["amx"]._replace(name="tiles", options=("-DBF16", "-DAMX", "-DEMULATED_TILES"))
"""The way of AMX with tiles in plain C, on any processor."""
PLAIN = BY_NAME["avx2"]._replace(name="plain", options=())
"""The way of processors of which nothing is known: vectors of four."""
LEAST_SDR_DB = {"fp32": 85.0, "bf16": 32.0}
"""Of a layer with random weights, all branches at work."""


def runs_here(kind: Kind) -> bool:
    return kind.flags <= kinds.processor_flags() and kinds.library(kind) is not None


@pytest.fixture(scope="module")
def model():
    """HTDemucs as it is, with random weights and segments of 0.2 s."""
    torch.manual_seed(0)
    model = HTDemucs(TINY["sources"], channels=48, bottom_channels=512, dconv_mode=3, segment=Fraction(1, 5)).eval()
    with torch.no_grad():
        for name, weights in model.named_parameters():
            if name.endswith("scale"):
                weights.uniform_(0.2, 0.6)  # else the branches would give next to nothing
            elif weights.dim() == 1:
                weights.add_(0.1 * torch.randn_like(weights))
    return model


@pytest.fixture(scope="module")
def segment():
    """Two tones with noise in one channel, then silence."""
    samples = 8_820
    time_s = np.arange(samples) / 44_100
    tones = [np.sin(2 * np.pi * 220 * time_s), np.sin(2 * np.pi * 3000 * time_s)]
    audio = np.stack(tones) + 0.3 * np.random.default_rng(3).standard_normal((2, samples))
    audio[:, 7_000:] = 0
    return torch.from_numpy(audio.astype(np.float32))


@pytest.fixture(scope="module")
def expected(model, segment):
    """What the layers give in single precision, by name, and the stems."""
    given: dict[str, torch.Tensor] = {}
    hooks = []
    for k in range(4):
        for name, layer in (("spectrum", model.encoder[k]), ("samples", model.tencoder[k])):
            hooks.append(layer.register_forward_hook(lambda _m, _i, out, key=(name, k): given.update({key: out})))
        for name, layer in (("spectrum", model.decoder[k]), ("samples", model.tdecoder[k])):

            def keep(_module, inputs, key=(name, 3 - k, "decoded")):
                given[key] = inputs[0] + inputs[1]

            hooks.append(layer.register_forward_pre_hook(keep))
    with torch.no_grad():
        given["stems"] = model(segment[None])[0]
    for hook in hooks:
        hook.remove()
    embedding = model.freq_emb_scale * model.freq_emb(torch.arange(512)).t()[None, :, :, None]
    given["spectrum", 0] = given["spectrum", 0] + embedding.detach()
    return given


def built(kind: Kind, folder: Path) -> Path:
    """The library of a kind, built for a test."""
    source, built = Path(engine.__file__).parent / "engine.c", folder / f"{kind.name}.o"
    library = built.with_suffix(".so")
    # Linked with fast arithmetic it would change that of this process.
    compiles = ["cc", "-O3", "-ffast-math", "-std=gnu11", "-fPIC", *kind.options, "-c", str(source), "-o", str(built)]
    for command in (compiles, ["cc", "-shared", str(built), "-o", str(library), "-lm"]):
        subprocess.run(command, check=True, capture_output=True)
    return library


@pytest.fixture(scope="module", params=[*(kind.name for kind in KINDS), "tiles", "plain"])
def native(request, model, tmp_path_factory):
    """The engine by every way that this machine can run."""
    kind = BY_NAME.get(request.param)
    if kind is None:
        if shutil.which("cc") is None:
            pytest.skip("no C compiler")
        kind = {"tiles": EMULATED, "plain": PLAIN}[request.param]
        path = built(kind, tmp_path_factory.mktemp("native"))
    elif not runs_here(kind):
        pytest.skip(f"{kind.name} is not for this processor")
    else:
        path = kinds.library(kind)
    return engine.Native(BagOfModels([model]), kind, path)


@pytest.fixture
def quick(native):
    if native.kind.name == "tiles":
        pytest.skip("slow where tiles are emulated; the layers are tested")
    return native


def sdr_db(true: torch.Tensor, estimate: torch.Tensor) -> float:
    return float(10 * torch.log10(true.double().square().sum() / (true - estimate).double().square().sum()))


def rows(native: engine.Native, address: int, name: str, level: int, like: torch.Tensor) -> torch.Tensor:
    """What the engine has of a level, in the shape that PyTorch has it."""
    bf16, channels, length = native.kind.precision == "bf16", CHANNELS[level], like.shape[-1]
    at = native._library.engine_rows(address, int(name == "samples"), level)
    frequencies = like.shape[2] if like.dim() == 4 else 1
    count = frequencies * (length + 4) * channels
    held = (ctypes.c_uint16 if bf16 else ctypes.c_float) * count
    values = np.frombuffer(held.from_address(at), dtype=np.uint16 if bf16 else np.float32)
    if bf16:
        values = (values.astype(np.uint32) << 16).view(np.float32)
    values = values.reshape(frequencies, length + 4, channels)[:, :length].transpose(2, 0, 1)
    return torch.from_numpy(values.copy().reshape(like.shape[1:]))


def test_every_layer_gives_what_it_gives_in_pytorch(native, segment, expected):
    library, weights = native._library, ctypes.byref(native._models[0])
    library.engine_rows.restype, library.engine_rows.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_void_p, ctypes.c_int, ctypes.c_int],
    )
    for function, more in (
        ("encode", [ctypes.c_void_p]),
        ("transform", []),
        ("decode", [ctypes.c_int, ctypes.c_void_p]),
    ):
        getattr(library, f"engine_{function}").argtypes = [ctypes.c_void_p, ctypes.c_void_p, *more]
        getattr(library, f"engine_{function}").restype = None
    at_work = engine._Engine(library, native._samples[0])
    stems = torch.zeros(4, 2, segment.shape[1])
    least = LEAST_SDR_DB[native.kind.precision]

    def holds(name, level, key):
        true = expected[key]
        assert sdr_db(true[0], rows(native, at_work.address, name, level, true)) > least, key

    library.engine_encode(at_work.address, weights, segment.data_ptr())
    for level in range(4):
        for name in ("spectrum", "samples"):
            holds(name, level, (name, level))
    library.engine_transform(at_work.address, weights)
    for level in range(3, -1, -1):
        for name in ("spectrum", "samples"):
            holds(name, level, (name, level, "decoded"))
        library.engine_decode(at_work.address, weights, level, stems.data_ptr())
    assert sdr_db(expected["stems"], stems) > least


def test_segments_that_are_short_are_filled_up_as_demucs_does(quick, model, segment):
    short = segment[:, :5_000]
    with torch.no_grad():
        expected = model(short[None])
    stems = quick(0, short[None])
    assert stems.shape == expected.shape
    assert sdr_db(expected, stems) > LEAST_SDR_DB[quick.kind.precision]


def test_a_segment_is_the_same_after_others_and_after_one_that_is_no_number(quick, segment):
    first = quick(0, segment[None])
    quick(0, 100 * segment.flip(1)[None])
    with pytest.raises(ValueError, match="not finite"):
        quick(0, torch.full_like(segment, torch.nan)[None])
    assert torch.equal(quick(0, torch.stack([segment, segment]))[1], first[0])


def test_silence_gives_finite_stems(quick, segment):
    assert torch.isfinite(quick(0, torch.zeros_like(segment)[None])).all()


def test_the_arithmetic_of_the_process_stays_as_it_was(quick):
    assert np.float32(1e-38) / np.float32(1e3) > 0  # below the least normal number


def test_longer_segments_are_refused(quick, segment):
    with pytest.raises(ValueError, match="the model takes 8820"):
        quick(0, torch.cat([segment, segment], dim=1)[None])


def test_a_library_of_another_arrangement_is_left_to_pytorch_and_doctor_says_so(model, monkeypatch):
    kind = kinds.chosen("fp32", *kinds.machine())[0]
    if kinds.library(kind) is None:
        pytest.skip("not built")
    engine._loaded.cache_clear()
    monkeypatch.setattr(engine.weights, "LAYOUT", engine.weights.LAYOUT + 1)
    with pytest.raises(OSError, match="another arrangement"):
        engine._loaded(kinds.library(kind))
    assert engine.of(BagOfModels([model]), "fp32") is None
    assert engine.reason("fp32").startswith("PyTorch, fp32: ")


def test_other_models_are_left_to_pytorch(model):
    assert engine.is_known(model)
    other = HTDemucs(**TINY)
    assert not engine.is_known(other)
    assert engine.of(BagOfModels([other]), "fp32") is None
    assert engine.of(BagOfModels([model, other]), "fp32") is None


@pytest.mark.parametrize(
    ("precision", "flags", "names"),
    [
        ("bf16", BY_NAME["amx"].flags, ["amx", "avx512_bf16"]),
        ("bf16", BY_NAME["avx512_bf16"].flags, ["avx512_bf16"]),
        ("fp32", BY_NAME["avx512"].flags | BY_NAME["avx2"].flags, ["avx512", "avx2"]),
        ("bf16", BY_NAME["avx2"].flags, []),
        ("fp32", frozenset({"sse2"}), []),
    ],
)
def test_the_processor_chooses_the_way(precision, flags, names):
    assert [kind.name for kind in kinds.chosen(precision, "x86_64", flags)] == names


def test_where_nothing_is_built_pytorch_separates_and_doctor_says_why(model, monkeypatch):
    monkeypatch.setattr(kinds, "library", lambda _kind: None)
    monkeypatch.setattr(kinds, "machine", lambda: ("x86_64", BY_NAME["avx2"].flags))
    assert engine.of(BagOfModels([model]), "fp32") is None
    assert (
        engine.reason("fp32")
        == "PyTorch, fp32: the native engine is not built; install a C compiler and mixprior again"
    )
    monkeypatch.setattr(kinds, "machine", lambda: ("riscv64", frozenset()))
    assert engine.reason("fp32") == "PyTorch, fp32: the native engine is not for this processor"

"""Our console in torch beside others', as rows of `make bench`, and effect by effect.

`python -m tools.benches.consoles` writes tools/evidence/rows/consoles.csv, which `python -m tools.evidence consoles`
puts into docs/learned.md. The others: `pip install --no-deps dasp-pytorch torchcomp torchlpc graphviz`, and a checkout
of pymixconsole (GitHub, csteinmetz1/pymixconsole) in PYTHONPATH; one that is not there is left out.
"""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from tools.benches.comparison import Comparison, Missing, Peer, residual_db
from tools.benches.sounds import RATE_HZ, bursts
from tools.evidence.consoles import ROWS as FILE

TRACKS, DURATION_S = 8, 10
BANDS = (("low shelf", 100.0, 4.0, 0.707), ("peak", 400.0, -5.0, 0.8), ("peak", 1500.0, 3.0, 2.0),
         ("peak", 5000.0, -4.0, 1.0), ("high shelf", 9000.0, 5.0, 0.707))  # fmt: skip
THRESHOLD_DBFS, RATIO, ATTACK_S, RELEASE_S, KNEE_DB = -30.0, 4.0, 0.01, 0.1, 0.01
"""The knee is next to none: pymixconsole and torchcomp have a hard one, and dasp-pytorch cannot have 0."""
PAN = 0.3
_TIMED = 5


@dataclass(frozen=True)
class Console:
    """What a console does with mono tracks, shape (tracks, samples); each effect gives (tracks, ..., samples).

    Attributes:
        name: with what it was installed from.
        equalise: the bands `BANDS`.
        compress: both channels of a stereo sound, (2, samples), alike.
        pan: all to `PAN`.
        gain_equaliser_pan: a step of training: all settings have a gradient, and the gradient is asked for.
        with_compressor: the same with a compressor.
        modules: what has to be there.
    """

    name: str
    equalise: Callable[[np.ndarray], np.ndarray] | None
    compress: Callable[[np.ndarray], np.ndarray] | None
    pan: Callable[[np.ndarray], np.ndarray] | None
    gain_equaliser_pan: Callable[[np.ndarray], Any] | None
    with_compressor: Callable[[np.ndarray], Any] | None
    modules: tuple[str, ...] = ()


def tracks() -> np.ndarray:
    """Eight mono tracks of ten seconds, float32 (tracks, samples)."""
    middle = bursts(TRACKS * DURATION_S / 60)[0]
    return np.ascontiguousarray(middle.reshape(TRACKS, -1)) * 4


def effects(what: str, audio: np.ndarray) -> np.ndarray:
    """The sound by `mixprior.mixing.effects`, mono on both sides: (2, samples)."""
    from mixprior.mixing.effects import chain
    from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, PanSettings
    from mixprior.stats.sound import Sound

    compressor = CompressorSettings(THRESHOLD_DBFS, RATIO, ATTACK_S, RELEASE_S, KNEE_DB)
    chains = {
        "equalise": Chain(bands=tuple(Band(*each) for each in BANDS)),
        "compress": Chain(compressor=compressor),
        "pan": Chain(pan=PanSettings(PAN)),
    }
    stereo = np.stack([audio, audio]) if audio.ndim == 1 else audio
    return np.asarray(chain.process(chains[what], Sound(stereo, RATE_HZ)).audio)


def _controls(count: int, *, compressor: bool) -> Any:
    import torch

    from mixprior.learning.console.settings import desk
    from mixprior.mixing.effects.settings import Band, Chain, CompressorSettings, MixSettings, PanSettings

    chain = Chain(
        input_gain_db=-3.0,
        bands=tuple(Band(*each) for each in BANDS),
        compressor=CompressorSettings(THRESHOLD_DBFS, RATIO, ATTACK_S, RELEASE_S, KNEE_DB) if compressor else None,
        pan=PanSettings(PAN),
    )
    controls = desk(MixSettings({str(n): chain for n in range(count)})).controls
    return controls.mapped(lambda value: value.requires_grad_()) if torch.is_grad_enabled() else controls


def ours(audio: np.ndarray, *, compressor: bool = False) -> np.ndarray:
    """A step: mix, and the gradients of tracks and of all settings."""
    import torch

    from mixprior.learning.console.mixing import mix

    given = torch.from_numpy(audio)[None, :, None].requires_grad_()
    mixed = mix(given, _controls(len(audio), compressor=compressor), RATE_HZ)
    mixed.square().mean().backward()  # type: ignore[no-untyped-call]
    return np.asarray(mixed[0].detach())


def ours_with_compressor(audio: np.ndarray) -> np.ndarray:
    return ours(audio, compressor=True)


def _our_equaliser(audio: np.ndarray) -> np.ndarray:
    import torch

    from mixprior.learning.console.equaliser import equalise
    from mixprior.mixing.effects.settings import KINDS

    given = (torch.tensor([[KINDS.index(band[0]) if at == 0 else band[at] for band in BANDS]]) for at in range(4))
    return np.asarray(equalise(torch.from_numpy(audio)[None, None], RATE_HZ, *given)[0])


def _our_compressor(audio: np.ndarray) -> np.ndarray:
    import torch

    from mixprior.learning.console.compressor import compress

    given = (torch.tensor([each]) for each in (THRESHOLD_DBFS, RATIO, ATTACK_S, RELEASE_S, KNEE_DB, 0.0))
    return np.asarray(compress(torch.from_numpy(audio)[None], RATE_HZ, *given)[0])


def _our_pan(audio: np.ndarray) -> np.ndarray:
    import torch

    from mixprior.learning.console.mixing import pan_gains

    return np.asarray(pan_gains(torch.tensor(PAN)))[:, None] * audio


def _dasp() -> Any:
    if find_spec("dasp_pytorch") is None:
        raise Missing("no dasp-pytorch")
    import dasp_pytorch.functional

    return dasp_pytorch.functional


def _dasp_bands(count: int, grad: bool) -> list[Any]:
    import torch

    bands = (*BANDS[:-1], ("peak", 1000.0, 0.0, 1.0), BANDS[-1])  # it has four peaks
    return [torch.full((count,), float(band[at])).requires_grad_(grad) for band in bands for at in (2, 1, 3)]


def _dasp_compressor(count: int, grad: bool) -> list[Any]:
    import torch

    given = (THRESHOLD_DBFS, RATIO, 1000 * ATTACK_S, 1000 * RELEASE_S, KNEE_DB, 0.0)
    return [torch.full((count,), each).requires_grad_(grad) for each in given]


def dasp(audio: np.ndarray, *, compressor: bool = False) -> np.ndarray:
    import torch

    functional, count = _dasp(), len(audio)
    sound = torch.from_numpy(audio)[:, None].requires_grad_()
    gain_db = torch.full((count,), -3.0, requires_grad=True)
    sound = functional.parametric_eq(functional.gain(sound, RATE_HZ, gain_db), RATE_HZ, *_dasp_bands(count, True))
    if compressor:
        sound = functional.compressor(sound, RATE_HZ, *_dasp_compressor(count, True))
    panned = functional.stereo_panner(sound[:, 0][None], RATE_HZ, torch.full((1, count), PAN, requires_grad=True))
    mixed = panned.sum(dim=2)
    mixed.square().mean().backward()
    return np.asarray(mixed[0].detach())


def dasp_with_compressor(audio: np.ndarray) -> np.ndarray:
    return dasp(audio, compressor=True)


def _dasp_equalise(audio: np.ndarray) -> np.ndarray:
    import torch

    return np.asarray(_dasp().parametric_eq(torch.from_numpy(audio)[None, None], RATE_HZ, *_dasp_bands(1, False))[0])


def _dasp_compress(audio: np.ndarray) -> np.ndarray:
    import torch

    # Its side-chain is the sum of the channels: half of it is the level of a centred sound.
    return np.asarray(_dasp().compressor(torch.from_numpy(audio)[None] / 2, RATE_HZ, *_dasp_compressor(1, False))[0])


def _dasp_pan(audio: np.ndarray) -> np.ndarray:
    import torch

    found = _dasp().stereo_panner(torch.from_numpy(audio)[None, None], RATE_HZ, torch.tensor([[PAN]]))
    return np.asarray(found[0, :, 0])


def _torchcomp(audio: np.ndarray) -> Any:
    """Gains of a stereo sound: its own mean square over 5 ms of the louder channel, then its gain, by its core."""
    import torch
    import torchcomp

    from mixprior.mixing.effects.ballistics import keep
    from mixprior.mixing.effects.compressor import DETECTOR_S

    given = [torch.tensor([each], requires_grad=True) for each in (THRESHOLD_DBFS, RATIO)]
    times = [torch.tensor([1 - keep(each, RATE_HZ)], requires_grad=True) for each in (ATTACK_S, RELEASE_S)]
    sound = torch.from_numpy(audio).requires_grad_()
    squares = torchcomp.avg(sound.square(), 1 - keep(DETECTOR_S, RATE_HZ))
    level = squares.amax(dim=0, keepdim=True).clamp(1e-12).sqrt()
    return sound * torchcomp.compexp_gain(level, *given, -200.0, 0.5, *times)


def _torchcomp_compress(audio: np.ndarray) -> np.ndarray:
    return np.asarray(_torchcomp(audio).detach())


def _pymixconsole(name: str, audio: np.ndarray, **values: float) -> np.ndarray:
    """A processor of pymixconsole over a sound, (channels, samples), in its blocks of 512."""
    from importlib import import_module

    kind = getattr(import_module(f"pymixconsole.processors.{name.lower()}"), name)
    processor = kind(sample_rate=RATE_HZ)
    for parameter, value in values.items():
        getattr(processor.parameters, parameter).value = value
    stereo = np.asarray(np.broadcast_to(audio, (2, audio.shape[-1])), np.float64)
    blocks = [processor.process(stereo[:, at : at + 512].T.copy()).T for at in range(0, audio.shape[-1], 512)]
    return np.concatenate(blocks, axis=1)


def _pymixconsole_equalise(audio: np.ndarray) -> np.ndarray:
    names = ("low_shelf", "first_band", "second_band", "third_band", "high_shelf")
    values: dict[str, float] = {}
    for name, (kind, hz, gain_db, q) in zip(names, BANDS, strict=True):
        values |= {f"{name}_freq": hz, f"{name}_gain": gain_db, **({f"{name}_q": q} if kind == "peak" else {})}
    return _pymixconsole("Equaliser", audio, **values)


def _pymixconsole_compress(audio: np.ndarray) -> np.ndarray:
    times = {"attack_time": 1000 * ATTACK_S, "release_time": 1000 * RELEASE_S}
    return _pymixconsole("Compressor", audio, threshold=THRESHOLD_DBFS, ratio=RATIO, **times)


def _pymixconsole_pan(audio: np.ndarray) -> np.ndarray:
    return _pymixconsole("Panner", audio, pan=PAN)


def _pymixconsole_step(audio: np.ndarray, *, compressor: bool = False) -> None:
    """Forwards alone: it has no gradients."""
    for each in audio:
        done = _pymixconsole_equalise(each[None] * 0.7)
        _pymixconsole_pan(_pymixconsole_compress(done) if compressor else done)


def _pymixconsole_with_compressor(audio: np.ndarray) -> None:
    _pymixconsole_step(audio, compressor=True)


CONSOLES = (
    Console("mixprior", _our_equaliser, _our_compressor, _our_pan, ours, ours_with_compressor),
    Console("dasp-pytorch", _dasp_equalise, _dasp_compress, _dasp_pan, dasp, dasp_with_compressor, ("dasp_pytorch",)),
    Console("torchcomp", None, _torchcomp_compress, None, None, None, ("torchcomp",)),
    Console(
        "pymixconsole, forwards alone",
        _pymixconsole_equalise,
        _pymixconsole_compress,
        _pymixconsole_pan,
        _pymixconsole_step,
        _pymixconsole_with_compressor,
        ("pymixconsole",),
    ),
)


def compared(console: Console) -> Mapping[str, object]:
    """A row of the table."""
    audio = tracks()
    stereo = np.stack([audio[0], 0.5 * audio[1]])
    off = {
        "equaliser_db": _off("equalise", console.equalise, audio[0]),
        "compressor_db": _off("compress", console.compress, stereo),
        "pan_db": _off("pan", console.pan, audio[0]),
    }
    times = {
        "gain_equaliser_pan": _real_time(console.gain_equaliser_pan, audio),
        "with_compressor": _real_time(console.with_compressor, audio),
    }
    return {"console": console.name, **off, **times}


def _off(what: str, work: Callable[[np.ndarray], np.ndarray] | None, audio: np.ndarray) -> str:
    """How far an effect is from ours, in dB, after the best gain for both channels alike: laws differ in theirs."""
    if work is None:
        return ""
    wanted = effects(what, audio)
    found = np.broadcast_to(work(audio), wanted.shape).astype(float)
    return f"{residual_db(found * (np.vdot(found, wanted) / np.vdot(found, found)), wanted):.0f}"


def _real_time(work: Callable[[np.ndarray], Any] | None, audio: np.ndarray) -> str:
    """Seconds of one track over seconds of the processor, the best of some runs."""
    if work is None:
        return ""
    took_s = []
    for _ in range(_TIMED + 1):
        began = time.process_time()
        work(audio)
        took_s.append(time.process_time() - began)
    return f"{TRACKS * DURATION_S / min(took_s[1:]):.0f}"


def main() -> None:
    """Compare the consoles that are there, and keep the rows."""
    import torch

    torch.set_num_threads(1)
    there = [each for each in CONSOLES if all(find_spec(module) for module in each.modules)]
    rows = [compared(console) for console in there]
    with FILE.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


WHAT = f"{TRACKS} tracks of {DURATION_S} s on the console, forward and backward"
ROWS = (
    Comparison(
        "console",
        f"gain, five bands and pan: {WHAT}",
        ours,
        Peer("dasp-pytorch", dasp),
        tracks,
        bar_s=TRACKS * DURATION_S / 20,
        runs=3,
        audio_s=TRACKS * DURATION_S,
    ),
    Comparison(
        "console-compressor",
        f"the same with a compressor: {WHAT}",
        ours_with_compressor,
        Peer("dasp-pytorch", dasp_with_compressor),
        tracks,
        runs=3,
        audio_s=TRACKS * DURATION_S,
    ),
)

if __name__ == "__main__":
    main()

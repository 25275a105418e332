"""`mixprior doctor`: what mixprior needs on this machine, a line each, with what to do where it is missing."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from mixprior.extras import MODULES

_LIBRARIES = ("numpy", "scipy", "pyarrow", "soundfile", "av", "soxr", "librosa", "numba", "fsspec")
_OF_MINING = ("apache-beam", "torch", "demucs")
_FORMATS = {"WAV": "PCM_16", "FLAC": "PCM_16", "MP3": "MPEG_LAYER_III", "OGG": "VORBIS", "OPUS": "OPUS", "M4A": "AAC"}
_RATE_HZ = 48_000
_LEAST_DISK_GB, _LEAST_MEMORY_GB = 2.0, 4.0


@dataclass(frozen=True)
class Check:
    """One thing that was looked at.

    Attributes:
        name: what.
        found: what there is.
        remedy: what to do; None if nothing is missing.
        is_needed: whether the core, or an extra that is installed, cannot do without it.
    """

    name: str
    found: str
    remedy: str | None = None
    is_needed: bool = True

    def text(self) -> str:
        """Return it in one line."""
        return f"{self.name}: {self.found}: {'ok' if self.remedy is None else self.remedy}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior doctor`."""
    parser.add_argument("--json", action="store_true", help="print the checks as a JSON list")
    parser.add_argument(
        "--compile", action="store_true", help="first compile what measures songs, so that no run has to (for an image)"
    )


def run(args: argparse.Namespace) -> int:
    """Run `mixprior doctor`; return 0, or 1 if something that is needed is missing."""
    if args.compile:
        from mixprior.pipeline.song import kernels

        kernels.compile_once()
    checks = list(examine())
    print(json.dumps([asdict(each) for each in checks]) if args.json else "\n".join(each.text() for each in checks))
    return int(any(each.remedy is not None and each.is_needed for each in checks))


def examine() -> Iterator[Check]:
    """Look at all that mixprior needs."""
    yield Check("python", f"{platform.python_version()}, {platform.platform()}")
    for name in _LIBRARIES:
        yield _library(name, "pip install mixprior", needed=True)
    for name in _OF_MINING:
        yield _library(name, "for mining: pip install 'mixprior[mine]'", needed=False)
    yield from _extras()
    yield from _decoders()
    mines = all(importlib.util.find_spec(name) for name in ("torch", "safetensors"))
    if mines:
        yield from _models()
        yield _gpu()
        yield _separation()
    yield _offline()
    yield from _folders()
    yield _cores()
    yield _memory()


def _library(name: str, remedy: str, needed: bool) -> Check:
    try:
        return Check(name, version(name))
    except PackageNotFoundError:
        return Check(name, "missing", remedy, needed)


def _extras() -> Iterator[Check]:
    for extra, modules in MODULES.items():
        missing = [name for name in modules if importlib.util.find_spec(name) is None]
        if missing:
            yield Check(f"[{extra}]", f"no {', '.join(missing)}", f"pip install 'mixprior[{extra}]'", False)
        else:
            yield Check(f"[{extra}]", "installed")


def _decoders() -> Iterator[Check]:
    for name, codec in _FORMATS.items():
        try:
            found, remedy = _decoded(name, codec), None
        except Exception as error:  # whatever a broken library of codecs raises
            found, remedy = f"{type(error).__name__}: {error}", "pip install --force-reinstall av soundfile"
        yield Check(name, found, remedy)


def _decoded(name: str, codec: str) -> str:
    """Encode a second of a tone and decode it as songs are decoded."""
    import soundfile

    from mixprior.pipeline.audio.codec import open_audio

    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(_RATE_HZ, dtype=np.float32) / _RATE_HZ)
    audio, content = np.stack([tone, tone]), io.BytesIO()
    if name == "M4A":
        _write_m4a(content, audio)
    else:
        soundfile.write(content, audio.T, _RATE_HZ, codec, format="OGG" if name == "OPUS" else name)
    content.seek(0)
    stream = open_audio(content)
    sound = np.concatenate(list(stream.blocks()), axis=1)
    level = float(np.sqrt(np.mean(sound[:, _RATE_HZ // 4 : _RATE_HZ // 2] ** 2)))
    if not 0.3 < level < 0.4:  # 0.5 / sqrt(2)
        raise ValueError(f"a tone of 0.35 RMS is read as {level:.3f}")
    return f"{sound.shape[1] / stream.rate_hz:.2f} s of a tone decoded"


def _write_m4a(content: io.BytesIO, audio: np.ndarray) -> None:
    import av

    with av.open(content, "w", format="ipod") as output:
        stream = output.add_stream("aac", rate=_RATE_HZ, layout="stereo")
        for start in range(0, audio.shape[1], 1024):
            block = np.ascontiguousarray(audio[:, start : start + 1024])
            frame = av.AudioFrame.from_ndarray(block, format="fltp", layout="stereo")
            frame.sample_rate, frame.pts = _RATE_HZ, start
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))


def _models() -> Iterator[Check]:
    from mixprior.pipeline.separation import model_store

    for name in model_store.KNOWN_MODELS:
        usual = name == model_store.DEFAULT_MODEL
        try:
            found = model_store.find(name)
        except Exception as error:  # a changed file, or a folder that cannot be read
            yield Check(f"model {name}", " ".join(str(error).split()), f"mixprior model fetch {name}", usual)
            continue
        if found is not None:
            yield Check(f"model {name}", f"{found.folder}, digest as pinned")
        elif usual:
            remedy = f"to mine songs without stems: mixprior model fetch {name}"
            yield Check(f"model {name}", "not on this machine", remedy, False)


def _gpu() -> Check:
    import torch

    if not torch.cuda.is_available():
        return Check("GPU", "none; separation runs on the processor")
    free, total = (each / 2**30 for each in torch.cuda.mem_get_info())
    return Check("GPU", f"{torch.cuda.get_device_name(0)}, {free:.1f} of {total:.1f} GiB free")


def _separation() -> Check:
    from mixprior.pipeline.separation.native import engine
    from mixprior.pipeline.separation.separator import SeparationSettings

    precision = SeparationSettings(device="cpu").resolved().precision
    return Check("separation on the processor", engine.reason(precision))


def _offline() -> Check:
    is_offline = os.environ.get("HF_HUB_OFFLINE", "0") not in ("", "0")
    return Check(
        "network", "offline: models are not fetched (HF_HUB_OFFLINE)" if is_offline else "models may be fetched"
    )


def _folders() -> Iterator[Check]:
    from mixprior.pipeline.store import user_cache

    for name, folder, variable in (
        ("cache", user_cache.folder(), "XDG_CACHE_HOME"),
        ("temporary files", Path(tempfile.gettempdir()), "TMPDIR"),
    ):
        remedy = f"set {variable} to a folder that can be written to, with {_LEAST_DISK_GB:.0f} GB free"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"mixprior")
            free_gb = shutil.disk_usage(folder).free / 1e9
        except OSError as error:
            yield Check(name, f"{folder} cannot be written ({error.strerror or error})", remedy)
            continue
        yield Check(name, f"{folder}, {free_gb:.1f} GB free", None if free_gb >= _LEAST_DISK_GB else remedy, False)


def _cores() -> Check:
    from mixprior.pipeline.song.cores import usable_cores

    return Check("cores", f"{usable_cores()} of {os.cpu_count()}")


def _memory() -> Check:
    try:
        total_gb = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    except (ValueError, OSError, AttributeError):  # Windows
        return Check("memory", "not known")
    remedy = None if total_gb >= _LEAST_MEMORY_GB else "separation takes 2 GB a worker: `mine -j 1`"
    return Check("memory", f"{total_gb:.1f} GB", remedy, False)

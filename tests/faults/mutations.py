"""Sound files, damaged by chance: the same number gives the same file. `decode_all` is a job of a pool of children."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from mixprior.pipeline.audio.decode import DecodeLimits, decode
from mixprior.pipeline.store.records import SongError
from mixprior.stats.stem import OVER_SCALE
from tests.pipeline.sounds import write

HERE = __name__
LIMITS = DecodeLimits(max_minutes=1.0, min_s=0.5)
MISTAKES = 20
"""How many wrong outcomes of a job are reported."""

_SOUNDFILE = (
    ("a16.wav", "WAV", "PCM_16"),
    ("a24.wav", "WAV", "PCM_24"),
    ("float.wav", "WAV", "FLOAT"),
    ("extensible.wav", "WAVEX", "PCM_16"),
    ("rf64.wav", "RF64", "PCM_16"),
    ("a.w64", "W64", "PCM_16"),
    ("a.aiff", "AIFF", "PCM_16"),
    ("a.au", "AU", "PCM_16"),
    ("a.caf", "CAF", "PCM_16"),
    ("a.flac", "FLAC", "PCM_16"),
)
_ENCODED = ("a.mp3", "a.ogg", "a.opus", "a.m4a", "a.aac", "a.wma")


def write_sources(folder: Path) -> None:
    """Write a sound of 3.2 s in 16 formats."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(1)
    time_s = np.arange(round(3.2 * 44_100)) / 44_100
    sound = (0.3 * np.sin(2 * np.pi * 220 * time_s) + rng.normal(0, 0.02, (2, time_s.size))).astype(np.float32)
    for name, kind, subtype in _SOUNDFILE:
        soundfile.write(folder / name, sound.T, 44_100, subtype, format=kind)
    for name in _ENCODED:
        write(folder / name, sound)


def mutant(sources: Sequence[Path], number: int) -> tuple[str, bytes]:
    """Return the ending and the bytes of a damaged file."""
    rng = np.random.default_rng(number)
    source = sources[number % len(sources)]
    content = bytearray(source.read_bytes())
    other = sources[int(rng.integers(len(sources)))].read_bytes()
    for _ in range(int(rng.integers(1, 4))):
        if content:
            _MUTATIONS[int(rng.integers(len(_MUTATIONS)))](content, rng, other)
    return source.suffix, bytes(content)


def decode_all(folder: str, place: str, numbers: Sequence[int], _entering: Any) -> tuple[dict[str, Any], bytes]:
    """Decode damaged files. Facts: how many ended in what way, and the wrong ways.

    Args:
        folder: of `write_sources`.
        place: a folder in which the file lies while it is decoded, which is there still if that ended the process.
        numbers: of the files.
    """
    sources = sorted(Path(folder).iterdir())
    ends: Counter[str] = Counter()
    mistakes: list[str] = []
    for number in numbers:
        suffix, content = mutant(sources, number)
        path = Path(place) / f"{number}{suffix}"
        path.write_bytes(content)
        try:
            sound = decode(str(path), LIMITS)
        except SongError as error:
            ends[error.kind] += 1
            if error.stage not in ("read", "decode") or not error.message or not error.message.isprintable():
                mistakes.append(f"{path.name}: {error.stage} {error.kind}: {error.message!r}")
        except Exception as error:
            ends["another error"] += 1
            mistakes.append(f"{path.name}: {type(error).__name__}: {error}")
        else:
            ends["decoded"] += 1
            if not _is_within_limits(sound):
                mistakes.append(f"{path.name}: {sound.dtype} {sound.shape}, beyond the limits")
        path.unlink()
    return {"ends": dict(ends), "mistakes": mistakes[:MISTAKES]}, b""


def _is_within_limits(sound: np.ndarray) -> bool:
    low, high = LIMITS.min_s * 44_100, LIMITS.max_minutes * 60 * 44_100
    is_a_sound = sound.dtype == np.float32 and sound.ndim == 2 and sound.shape[0] == 2
    # A sound's declared length, which is judged, may be that of its last sample.
    return is_a_sound and low - 1 <= sound.shape[1] <= high and bool(np.abs(sound).max() <= OVER_SCALE)


def _flip_bits(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    for at in rng.integers(len(content), size=int(rng.integers(1, 64))):
        content[at] ^= 1 << int(rng.integers(8))


def _overwrite_a_run(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    at, length = int(rng.integers(len(content))), int(rng.integers(1, 5_000))
    length = min(length, len(content) - at)
    content[at : at + length] = bytes([int(rng.integers(256))]) * length if rng.integers(2) else rng.bytes(length)


def _remove_a_run(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    at = int(rng.integers(len(content)))
    del content[at : at + int(rng.integers(1, 5_000))]


def _repeat_a_run(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    at = int(rng.integers(len(content)))
    content[at:at] = content[at : at + int(rng.integers(1, 5_000))]


def _cut(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    del content[int(rng.integers(len(content))) :]


def _write_a_number(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    """Into the header or the first chunks, where sizes, rates and counts are."""
    at, size = int(rng.integers(min(len(content), 256))), int(rng.choice([1, 2, 4, 8]))
    number = int(rng.choice([0, 1, 2, 255, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, -1])) % 256**size
    content[at : at + size] = number.to_bytes(size, "little" if rng.integers(2) else "big")


def _damage_the_header(content: bytearray, rng: np.random.Generator, _other: bytes) -> None:
    for at in rng.integers(min(len(content), 512), size=int(rng.integers(1, 8))):
        content[at] = int(rng.integers(256))


def _splice(content: bytearray, rng: np.random.Generator, other: bytes) -> None:
    content[int(rng.integers(len(content))) :] = other[int(rng.integers(len(other))) :]


def _put_before(content: bytearray, rng: np.random.Generator, other: bytes) -> None:
    content[:0] = other[: int(rng.integers(1, 4_096))]


_MUTATIONS: tuple[Callable[[bytearray, np.random.Generator, bytes], None], ...] = (
    _flip_bits,
    _overwrite_a_run,
    _remove_a_run,
    _repeat_a_run,
    _cut,
    _write_a_number,
    _damage_the_header,
    _splice,
    _put_before,
)

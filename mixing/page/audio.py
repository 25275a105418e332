"""The sounds of a page: each part of a mix before and after, coded once, and what levels them in a player."""

from __future__ import annotations

import base64
import io
import math
import zlib
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import Sum
from mixprior.mixing.mix.render import Mixed
from mixprior.mixing.page import loudness
from mixprior.mixing.page.parts import Part, parts_of
from mixprior.mixing.page.reference import Reference
from mixprior.pipeline.audio import encoder, writer
from mixprior.stats.sound import Sound

MOST_BYTES = 10_000_000
"""Coded sound of a page: it grows by a third where it is written as text."""
_BITS_PER_S = (48_000.0, 128_000.0)
_ENVELOPE_HZ = 1000
"""The limiter's gain is a mean over 5 ms or more: a thousand values a second follow it."""
_HEADROOM_DB = 3.0
"""Between a version and full scale: as vocals fall, peaks of the rest rise over the loudness that is kept."""
_LOUDEST_DB = -1.0
"""Highest sample of what is coded: some decoders clip at full scale."""
_FULL = 65535


@dataclass(frozen=True)
class Audio:
    """What a player plays.

    Attributes:
        sounds: Ogg Opus in base64, and the gain of the limiter, by name.
        facts: what the player must know of them, as JSON takes it.
    """

    sounds: Mapping[str, str]
    facts: Mapping[str, Any]


class _Version(TypedDict):
    """What levels a version of the mix: its loudness and its highest sample."""

    lufs: float | None
    peak_db: float


def audio_of(mixed: Mixed, before: Sum, reference: Reference | None = None) -> Audio:
    """Take the sounds of a page: vocals and the rest, or the whole where a mix does not have both.

    A part that only a gain was applied to is stored once. The player sums the parts, applies the limiter's gain, and
    brings before, after and reference to one loudness.

    Args:
        mixed: the mix.
        before: the plain sum of the same tracks.
        reference: a mix to listen to beside it.
    """
    parts = parts_of(before, mixed.summed)
    stored: dict[str, Sound] = {}
    for part in parts:
        stored[f"{part.name}-before"] = part.before
        if part.processed is not None:
            stored[f"{part.name}-after"] = part.processed
    if reference is not None:
        stored["reference"] = reference.sound
    rate = bits_per_s(sum(sound.duration_s for sound in stored.values()))
    stored_db = {name: min(0.0, _LOUDEST_DB - _peak_db(sound.peak)) for name, sound in stored.items()}

    def text(name: str) -> str:
        return _text(encoded(stored[name].stereo.gained(stored_db[name]), rate))

    with ThreadPoolExecutor() as pool:
        sounds = dict(zip(stored, pool.map(text, stored), strict=True))
    limiter = _limiter_gain(mixed)
    if limiter is not None:
        sounds["limiter"] = _text(zlib.compress(limiter.tobytes(), 9))
    lufs, gain_db = mixed.recipe.results.integrated_lufs, mixed.recipe.settings.gain_db
    versions: dict[str, _Version | None] = {
        "before": _level(before.sound.integrated_lufs, before.sound.peak),
        "after": _level(lufs, Sound(mixed.audio, mixed.rate_hz).peak),
        "reference": None if reference is None else _level(reference.sound.integrated_lufs, reference.sound.peak),
    }
    facts = {
        "stored_db": stored_db,
        "duration_s": max(before.sound.duration_s, 0.01),
        "parts": [_facts(part) for part in parts],
        "limiter_hz": None if limiter is None else _ENVELOPE_HZ,
        "versions": versions,
        "live": loudness.table(parts, before.sound.integrated_lufs, None if lufs is None else lufs - gain_db),
        "matched_lufs": _matched_lufs(versions.values()),
        "common_db": min(0.0, *(_LOUDEST_DB - one["peak_db"] for one in versions.values() if one is not None)),
    }
    return Audio(sounds, facts)


def bits_per_s(seconds: float) -> float:
    """The bit rate of so many seconds of sound: 128 kbit/s or what the size of a page leaves, at least 48.

    >>> bits_per_s(480.0), bits_per_s(1000.0), bits_per_s(36_000.0)
    (128000.0, 80000.0, 48000.0)
    """
    low, high = _BITS_PER_S
    return min(max(8 * MOST_BYTES / max(seconds, 1.0), low), high)


def encoded(sound: Sound, bits_per_s: float) -> bytes:
    """Code a sound as Ogg Opus at a bit rate; it is decoded to 48 kHz, from the same first sample."""
    file = io.BytesIO()
    encoder.write(file, writer.blocks(sound.audio), sound.rate_hz, sound.channels, ".opus", round(bits_per_s))
    return file.getvalue()


def _limiter_gain(mixed: Mixed) -> np.ndarray | None:
    """The gain of the limiter, a thousand times a second, as shares of 65 535; None without one."""
    settings = mixed.recipe.settings
    if settings.limiter is None:
        return None
    source = mixed.summed.sound
    limited = chain.finish(source, settings).audio
    gain = 10 ** (settings.gain_db / 20)
    count = math.ceil(source.duration_s * _ENVELOPE_HZ)
    edges = np.minimum(np.round(np.arange(count) * source.rate_hz / _ENVELOPE_HZ).astype(np.int64), source.samples - 1)
    power = np.add.reduceat(np.square(source.audio, dtype=np.float64).sum(axis=0), edges)
    cross = np.add.reduceat(np.multiply(source.audio, limited, dtype=np.float64).sum(axis=0), edges)
    share = np.divide(cross, gain * power, out=np.ones(count), where=power > 0)
    return np.round(np.clip(share, 0, 1) * _FULL).astype("<u2")


def _facts(part: Part) -> dict[str, Any]:
    return {"name": part.name, "level_db": part.level_db, "is_processed": part.processed is not None}


def _level(lufs: float | None, peak: float) -> _Version:
    return {"lufs": lufs, "peak_db": _peak_db(peak)}


def _peak_db(peak: float) -> float:
    return 20 * math.log10(max(peak, 1e-5))


def _matched_lufs(versions: Iterable[_Version | None]) -> float | None:
    """The loudness to which all are brought: none of them exceeds full scale there."""
    heard = [lufs - one["peak_db"] for one in versions if one is not None and (lufs := one["lufs"]) is not None]
    return min(heard) - _HEADROOM_DB if heard else None


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")

"""libebur128 (Debian: libebur128-1), the reference implementation of EBU R 128 that others measure by."""

from __future__ import annotations

import ctypes
import ctypes.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

_INTEGRATED, _RANGE, _TRUE_PEAK = 1 << 2 | 1, 1 << 3 | 1 << 1 | 1, 1 << 5 | 1 << 4 | 1
_FRAMES = 48_000
_WINDOWS_PER_S = 10


@dataclass(frozen=True)
class Reading:
    """What libebur128 reads of a sound.

    Attributes:
        integrated_lufs: integrated loudness.
        loudness_range_lu: loudness range of ten windows a second, as EBU Tech 3342 demands since 2016.
        loudness_range_1hz_lu: loudness range of one window a second, which the library takes by itself.
        true_peak_dbtp: true peak of the loudest channel.
    """

    integrated_lufs: float
    loudness_range_lu: float
    loudness_range_1hz_lu: float
    true_peak_dbtp: float


@cache
def find() -> ctypes.CDLL | None:
    """Load the library; None where it is not installed."""
    name = ctypes.util.find_library("ebur128")
    if name is None:
        return None
    loaded = ctypes.CDLL(name)
    loaded.ebur128_init.restype = ctypes.c_void_p
    loaded.ebur128_init.argtypes = [ctypes.c_uint, ctypes.c_ulong, ctypes.c_int]
    loaded.ebur128_destroy.argtypes = [ctypes.POINTER(ctypes.c_void_p)]
    loaded.ebur128_add_frames_float.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]
    out = ctypes.POINTER(ctypes.c_double)
    for ask in (loaded.ebur128_loudness_global, loaded.ebur128_loudness_range):
        ask.argtypes = [ctypes.c_void_p, out]
    loaded.ebur128_loudness_range_multiple.argtypes = [ctypes.POINTER(ctypes.c_void_p), ctypes.c_size_t, out]
    loaded.ebur128_true_peak.argtypes = [ctypes.c_void_p, ctypes.c_uint, out]
    return loaded


def version() -> str:
    """Return the version of the library, such as 1.2.6."""
    parts = [ctypes.c_int() for _ in range(3)]
    _loaded().ebur128_get_version(*map(ctypes.byref, parts))
    return ".".join(str(part.value) for part in parts)


def read(audio: np.ndarray, rate_hz: int) -> Reading:
    """Measure a sound.

    The library takes its first window of 3 s at the start and one every second from there. Ten meters, each begun
    100 ms after the one before, together have ten windows a second, of which it computes one loudness range.

    Args:
        audio: float32, shape (channels, samples), one or two channels, full scale 1.0, at least 4 s.
        rate_hz: sample rate.

    Raises:
        RuntimeError: if the library is not installed, or refuses.
    """
    interleaved = np.ascontiguousarray(audio.T)
    meters: list[ctypes.c_void_p] = []
    try:
        meters.append(_meter(interleaved, rate_hz, _INTEGRATED | _RANGE | _TRUE_PEAK))
        for window in range(1, _WINDOWS_PER_S):
            start = window * round(rate_hz / _WINDOWS_PER_S)
            meters.append(_meter(interleaved[start:], rate_hz, _RANGE))
        first = meters[0]
        library = _loaded()
        pool = (ctypes.c_void_p * len(meters))(*meters)
        peaks = [_ask(library.ebur128_true_peak, first, channel) for channel in range(len(audio))]
        return Reading(
            _ask(library.ebur128_loudness_global, first),
            _ask(library.ebur128_loudness_range_multiple, pool, len(meters)),
            _ask(library.ebur128_loudness_range, first),
            20 * math.log10(max(peaks)) if max(peaks) > 0 else -math.inf,
        )
    finally:
        for meter in meters:
            _loaded().ebur128_destroy(ctypes.byref(meter))


def _meter(interleaved: np.ndarray, rate_hz: int, mode: int) -> ctypes.c_void_p:
    """Make a meter that has heard these frames, shape (frames, channels)."""
    library, channels = _loaded(), interleaved.shape[1]
    meter = ctypes.c_void_p(library.ebur128_init(channels, rate_hz, mode))
    if not meter:
        raise RuntimeError(f"libebur128 takes no sound of {channels} channels at {rate_hz} Hz")
    for start in range(0, len(interleaved), _FRAMES):
        frames = interleaved[start : start + _FRAMES]
        _check(library.ebur128_add_frames_float(meter, frames.ctypes.data, len(frames)))
    return meter


def _ask(function: Callable[..., int], *arguments: Any) -> float:
    value = ctypes.c_double()
    _check(function(*arguments, value))
    return value.value


def _loaded() -> ctypes.CDLL:
    if (loaded := find()) is None:
        raise RuntimeError("libebur128 is not installed: apt-get install libebur128-1")
    return loaded


def _check(code: int) -> None:
    if code:
        raise RuntimeError(f"libebur128 failed with code {code}")

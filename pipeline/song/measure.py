"""One song from file to table, in this process: the direct computation that the Beam graph must equal."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Callable, Iterator
from functools import lru_cache

import numpy as np
import pyarrow as pa

from mixprior.pipeline.audio import decode
from mixprior.pipeline.separation import separator
from mixprior.pipeline.song import kernels
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store.records import InputError, Song, SongError
from mixprior.stats import pieces, registry
from mixprior.stats.statistic import MIXTURE
from mixprior.stats.stem import StemSet, sum_of

Entering = Callable[[str, float | None], None]
"""Called when a stage begins ("decode", "separate", "measure"), with the song's length in seconds where it is known."""


_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # malloc.h of glibc
_LARGE_BYTES = 16 << 20
_KEPT_BYTES = 64 << 20


def _ignore(_stage: str, _duration_s: float | None) -> None: ...


def load(song: Song, settings: MiningSettings, entering: Entering = _ignore, flags: set[str] | None = None) -> StemSet:
    """Decode a song, separate it unless its stems are in the catalog (and the settings take them), and measure it.

    The three go on together, block by block. "decode" is the stage until something is separated, or all is decoded.

    Args:
        song: the song.
        settings: how it is mined.
        entering: called when a stage begins.
        flags: takes what may be wrong with it, as `mixprior.pipeline.audio.flags.FLAGS` has it.

    Raises:
        SongError: if it cannot be read, decoded or separated; the error names the stage.
    """
    entering("decode", None)
    entering("decode", decode.declared_s(song, settings.limits))

    def all_came(duration_s: float) -> None:
        entering("measure", duration_s)

    if song.has_stems and not settings.separate_all:
        return _measured(lambda: decode.stem_blocks(song, settings.limits, flags), False, all_came)
    stems = separator.load(settings.separation).separate_blocks(
        lambda: _mixture(song, settings, flags), lambda duration_s: entering("separate", duration_s)
    )
    return _measured(lambda: _trimming(stems), True, all_came)


def _measured(source: pieces.Source, is_estimated: bool, all_came: Callable[[float], object]) -> StemSet:
    if not any(statistic.whole for statistic in registry.STATISTICS):  # to separate twice would cost too much
        return pieces.measured(source, not is_estimated, all_came, is_estimated)
    song = pieces.joined(source(), is_estimated)
    all_came(song.duration_s)
    return song


def _trimming(stems: Iterator[pieces.Piece]) -> Iterator[pieces.Piece]:
    """Return what the heap has free after every piece: among buffers that are held it would grow with the song."""
    for piece in stems:
        yield piece
        _call_libc("malloc_trim", 0)


def _mixture(song: Song, settings: MiningSettings, flags: set[str] | None) -> Iterator[np.ndarray]:
    """What is separated of a song, in blocks: its mixture, or the sum of its stems."""
    if not song.has_stems:
        yield from decode.mixture_blocks(song, settings.limits, flags)
        return
    for step in decode.stem_blocks(song, settings.limits, flags):
        yield step[MIXTURE] if MIXTURE in step else sum_of(step)


def features(
    song: Song,
    song_id: str,
    settings: MiningSettings,
    entering: Entering = _ignore,
    flags: set[str] | None = None,
) -> pa.Table:
    """Measure a song and return its table, as `mixprior.stats.registry.FEATURES_SCHEMA` has it.

    Args:
        song: the song.
        song_id: what it is called.
        settings: how it is mined.
        entering: called when a stage begins.
        flags: takes what may be wrong with it.

    Raises:
        SongError: if it cannot be mined; the error names the stage.
        InputError: if the separation model cannot be had.
    """
    _give_back_large_buffers()
    ensure_compiled()
    try:
        measured = load(song, settings, entering, flags)
        rows = registry.measure(measured)
        measured.clear()
    except (SongError, InputError):
        raise
    except Exception as error:
        # A song nobody foresaw is a failed song, not the end of the run.
        raise SongError("measure", f"unexpected {type(error).__name__}: {error}") from error
    finally:
        _call_libc("malloc_trim", 0)  # so that the thousandth song takes no more than the twentieth
    return registry.to_table(song_id, rows, settings.feature_key(song.has_stems))


@lru_cache(maxsize=1)
def _give_back_large_buffers() -> None:
    """Let buffers of 16 MB and more go back to the system at once.

    glibc raises that limit to 32 MB as they come and go, and then keeps what lies between: a quarter of the peak while
    a segment is separated. A limit of 1 MB would cost a third more time. What is free at the end of the heap is kept up
    to 64 MB while a song is measured: else every block's buffers come from the system anew, page by page.
    """
    _call_libc("mallopt", _TRIM_THRESHOLD, _KEPT_BYTES)
    _call_libc("mallopt", _MMAP_THRESHOLD, _LARGE_BYTES)


@lru_cache(maxsize=1)
def ensure_compiled() -> None:
    """Let one process compile what all need. It only saves time: what fails here will fail, or not, with the song."""
    with contextlib.suppress(Exception):
        kernels.compile_once()


def _call_libc(name: str, *arguments: int) -> None:
    """Call a function of glibc; nothing where there is another C library."""
    with contextlib.suppress(OSError, AttributeError, TypeError):
        getattr(ctypes.CDLL(None), name)(*arguments)

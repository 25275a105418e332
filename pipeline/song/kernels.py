"""The compiled functions that measure songs and add them up: compiled once on a machine, by one process, kept by numba.

numba keeps what it compiled beside the sources, or in `NUMBA_CACHE_DIR`, by the time and size of each source and the
processor. It does not see that a function called from another file has changed (`CONTRIBUTING.md`). Where nothing is
kept, every process that begins would compile all of it, all at once. Here one does, and the others wait for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mixprior.pipeline.store import user_cache

_KIND = "kernels"
_SONG_S, _TAIL_S = 10.0, 1.0
"""Length of the song by which they are compiled, which holds a stretch of singing, and of its reverb."""


def compile_once() -> bool:
    """Have everything compiled that measures a song and adds it up; return whether it was this process that did it.

    What is compiled already is not compiled again. Costs a few milliseconds where it is known to be.
    """
    name = _key()
    if user_cache.read(_KIND, name) is not None:
        return False
    with _alone(user_cache.folder() / f"{_KIND}.lock"):
        if user_cache.read(_KIND, name) is not None:
            return False
        _measure_a_song()
        user_cache.write(_KIND, name, {"python": sys.version})
        return True


def _key() -> str:
    """What the compiled code depends on: sources, numba, the processor, and where it is kept."""
    import numba
    from numba.core import config, registry

    digest = hashlib.sha256()
    facts = (
        sys.version,
        numba.__version__,
        registry.cpu_target.target_context.codegen().magic_tuple(),
        config.CACHE_DIR,  # type: ignore[attr-defined]
        str(_root()),
    )
    digest.update(repr(facts).encode() + Path(__file__).read_bytes())
    for path in sorted(path for folder in ("stats", "pipeline/audio") for path in (_root() / folder).rglob("*.py")):
        content = path.read_bytes()
        if b"numba" in content:
            digest.update(content)
    return digest.hexdigest()[:16]


def _root() -> Path:
    import mixprior

    return Path(str(mixprior.__file__)).parent


def _measure_a_song() -> None:
    """Measure a short generated song and add it up, so that numba compiles and keeps whatever that calls."""
    import numpy as np
    import soundfile
    from scipy.signal import oaconvolve

    from mixprior.pipeline.audio import decode
    from mixprior.pipeline.store.records import Song
    from mixprior.pipeline.synthesis import RATE_HZ, SCORES, perform
    from mixprior.stats import pieces, registry
    from mixprior.stats.priors.tally import Grouping, tally

    with tempfile.TemporaryDirectory() as folder:
        stems = perform(replace(SCORES[0], duration_s=_SONG_S))
        time_s = np.arange(1, round(_TAIL_S * RATE_HZ)) / RATE_HZ
        tail = 0.01 * np.random.default_rng(0).standard_normal(time_s.size) * 10 ** (-3 * time_s / _TAIL_S)
        response = np.append(1.0, tail).astype(np.float32)[np.newaxis]
        stems["vocals"] = oaconvolve(stems["vocals"], response, axes=1)[:, : stems["bass"].shape[1]]
        for name, audio in stems.items():
            soundfile.write(f"{folder}/{name}.wav", audio.T, RATE_HZ)
        song = Song(folder, tuple((name, f"{folder}/{name}.wav") for name in sorted(stems)))
        found = registry.measure(pieces.measured(lambda: decode.stem_blocks(song)))
    song_id = f"{0:016x}"
    for _ in tally(registry.to_table(song_id, found, song_id), {song_id: "{}"}, Grouping(), separated=False):
        pass


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Wait until no other process is within; where files cannot be locked, go on."""
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(ImportError, OSError):
            import fcntl

            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            stack.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield

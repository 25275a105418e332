"""Songs separated on behalf of `mixing` and `analysis`, which import no separator."""

from __future__ import annotations

from pathlib import Path

from mixprior.mixing.mix.separated_song import SeparatedSong
from mixprior.pipeline.audio import audio_file
from mixprior.pipeline.separation.model_store import DEFAULT_MODEL
from mixprior.pipeline.store.progress import Progress
from mixprior.stats.sound import Sound


def separate(path: str | Path, progress: Progress | None = None) -> SeparatedSong:
    """Read a mono or stereo song and separate it.

    Args:
        path: local path or fsspec URL.
        progress: called as `progress(done, total)` after each segment.

    Raises:
        InputError: if the file cannot be read, the extra "mine" is not installed, or the model is not available.
        SongError: if the model fails.
    """
    from mixprior.pipeline.separation.separate import separate as stems_of  # here, since a mix of tracks needs no torch

    file = audio_file.read(path)
    rate_hz = file.sound.rate_hz
    stems = stems_of(file.sound.audio, rate_hz, model=DEFAULT_MODEL, progress=progress)
    sounds = {name: Sound(audio, rate_hz) for name, audio in stems.items()}
    return SeparatedSong(file.path, file.sha256, file.sound, file.channels, sounds, DEFAULT_MODEL, file.doubts)

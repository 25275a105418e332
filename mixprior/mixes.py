"""`mixprior.mix` and `mixprior.mix_tracks`: `mixing`, with songs to be like that are separated and measured here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mixprior.analysis.priors import Priors
from mixprior.analysis.song_rows import SongRows
from mixprior.measured_song import measure_song
from mixprior.mixing.mix import arrays
from mixprior.mixing.mix.arrays import Progress
from mixprior.mixing.mix.render import Mixed

if TYPE_CHECKING:
    import pandas as pd

Song: TypeAlias = "str | Path | pd.DataFrame | SongRows"
"""A song to be like: a file or folder, or its statistics."""


def mix(
    vocals: np.ndarray,
    backing: np.ndarray,
    rate_hz: int,
    *,
    priors: Priors | str | Path = "published",
    group: str | None = None,
    like: Song | Sequence[Song] | None = None,
    by: str | Path | None = None,
    preset: str | Path | None = None,
    vocal_offset_s: float | str = 0.0,
    progress: Progress | None = None,
    **options: Any,
) -> Mixed:
    """Mix vocals and their backing by priors, or like a song.

    The same mix as `mixprior mix --vocal --backing` writes of files with these samples.

    Args:
        vocals: float, shape (channels, samples) or (samples,), one or two channels, full scale 1.0.
        backing: the same; the two start together and may differ in length.
        rate_hz: sample rate of both. Below 44.1 kHz they are mixed at 44.1 kHz.
        priors: opened priors, "published", "starter", or a folder that `mixprior mine` wrote. What they lack is looked
            up in the published priors and in "starter".
        group: the songs of the priors to go by, as "genre=rock"; all of them.
        like: a song to be like, or several: a file, which is separated (needs the extra "mine"), the folder of its
            stems, or the frame that `mixprior.measure` returns. Targets are drawn from the priors towards it, its
            spectrum is approached (the step `eq`), and the mix is as loud as it, unless `target_lufs` is given.
        by: file of a network that `mixprior train` wrote. What a predictor predicts is aimed for where no option sets
            it; a console mixer moves the controls that the priors set.
        preset: file of a style that `mixprior mix --preset save` wrote; what is given beside it comes first.
        vocal_offset_s: seconds by which the vocals start after the backing; below 0 without so much of their beginning;
            "auto" finds them by bleed or a guide track, or refuses.
        progress: called with the number of stages done, and of all.
        options: fields of `mixprior.mixing.plan.options.Options`. One that is for a step adds that step.

    Returns:
        The mix: `.audio`, float32, (2, samples); `.rate_hz`; `.recipe`, what was measured, aimed for and set, and why.

    Raises:
        InputError: if an array has another shape or holds NaN, an option is out of range, there are no such priors, or
            a song to be like cannot be read, separated or measured.

    >>> time_s = np.arange(2 * 44_100) / 44_100
    >>> vocals = 0.1 * np.sin(2 * np.pi * 440 * time_s)
    >>> backing = 0.1 * np.random.default_rng(1).standard_normal((2, time_s.size))
    >>> mixed = mix(vocals, backing, 44_100, target_lufs=-20.0)
    >>> mixed.audio.shape, round(mixed.recipe.results.integrated_lufs, 1)
    ((2, 88200), -20.0)
    """
    songs = _measured(like)
    return arrays.mix(
        *(vocals, backing, rate_hz),
        priors=priors,
        group=group,
        like=songs,
        by=by,
        preset=preset,
        vocal_offset_s=vocal_offset_s,
        progress=progress,
        **options,
    )


def mix_tracks(
    tracks: Mapping[str, np.ndarray],
    rate_hz: int,
    *,
    roles: Mapping[str, str] | None = None,
    priors: Priors | str | Path = "published",
    group: str | None = None,
    like: Song | Sequence[Song] | None = None,
    by: str | Path | None = None,
    preset: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Mixed:
    """Mix the tracks of a song by priors, or like a song.

    The same mix as `mixprior mix --tracks` writes of files with these samples. A mixture beside its stems is left out.

    Args:
        tracks: by name, each as `vocals` of `mix`.
        rate_hz: sample rate of all.
        roles: class of a track by its name: "vocals", "drums", "bass" or "other"; the class of the others is found by
            their names, or by how they sound.
        priors: as for `mix`.
        group: as for `mix`.
        like: as for `mix`.
        by: file of a network that `mixprior train console` wrote: it moves the controls that the priors set.
        preset: as for `mix`.
        progress: as for `mix`.
        options: as for `mix`.

    Returns:
        As `mix` does.

    Raises:
        InputError: as `mix` does, or if a role is not one of these, or of a track that is not there.

    >>> time_s = np.arange(2 * 44_100) / 44_100
    >>> noise = np.random.default_rng(1).standard_normal(time_s.size)
    >>> tracks = {"Bass": 0.2 * np.sin(2 * np.pi * 55 * time_s), "Snare": 0.1 * noise * (time_s % 0.5 < 0.1)}
    >>> mixed = mix_tracks(tracks, 44_100)
    >>> dict(mixed.recipe.settings.routing)
    {'Bass': 'bass', 'Snare': 'drums'}
    """
    songs = _measured(like)
    return arrays.mix_tracks(
        *(tracks, rate_hz),
        roles=roles,
        priors=priors,
        group=group,
        like=songs,
        by=by,
        preset=preset,
        progress=progress,
        **options,
    )


def _measured(like: Song | Sequence[Song] | None) -> list[SongRows]:
    """The statistics of one song or several."""
    if like is None:
        return []
    return [_rows(song) for song in (like if isinstance(like, list | tuple) else [like])]


def _rows(song: Song) -> SongRows:
    if isinstance(song, SongRows):
        return song
    return measure_song(song) if isinstance(song, str | Path) else SongRows.of_frame(song)

"""The song that a mix is to be like, to listen to beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mixprior.mixing.effects import chain
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.mix.tracks import kept_tracks, paths_given
from mixprior.pipeline.audio import audio_file
from mixprior.stats.sound import Sound


@dataclass(frozen=True)
class Reference:
    """A mix to listen to beside this one.

    Attributes:
        name: what it is called.
        sound: it, at any rate.
    """

    name: str
    sound: Sound


def reference_of(songs: Sequence[str]) -> Reference | None:
    """Read the first of songs that a mix is to be like; None where there is none.

    Args:
        songs: files, or folders of stems, whose sum is taken.

    Raises:
        InputError: if it cannot be read.
    """
    if not songs:
        return None
    name = Path(songs[0]).name
    if not Path(songs[0]).is_dir():
        return Reference(name, audio_file.read(songs[0]).sound)
    paths = paths_given(None, None, songs[:1])
    sounds = Sounds({stem: paths[stem] for stem in kept_tracks(list(paths))[0]})
    return Reference(name, chain.total(sounds[stem] for stem in sounds))

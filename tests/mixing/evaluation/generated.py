"""Scenes without shared music: a generated song, for tests of the evaluation itself."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from mixprior.mixing.evaluation.scenes import Scene
from mixprior.pipeline.synthesis import SCORES, perform
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ


def band(duration_s: float = 6.0) -> Scene:
    """The second generated song in five tracks; its chords and what follows them by half a second are of one class."""
    tracks = dict(_stems(duration_s))
    echo = np.roll(tracks["other"], 22_050, axis=-1)[::-1]
    tracks |= {"other": 0.8 * tracks["other"], "echo": 0.5 * echo}
    sounds = {name: Sound(audio, SAMPLE_RATE_HZ) for name, audio in tracks.items()}
    roles = {name: "other" if name == "echo" else name for name in tracks}
    return Scene("generated", "tracks", sounds, roles, "generator", frozenset({"generator"}))


def wet_pair(duration_s: float = 6.0) -> Scene:
    """The same song as vocals and backing; its dry vocals are its vocals without a late echo at -14 dB."""
    song = band(duration_s).pair()
    dry = song.tracks["vocals"]
    vocals = dry.audio.copy()
    vocals[:, 4410:] += 0.2 * dry.audio[:, :-4410]
    tracks = {**song.tracks, "vocals": Sound(vocals, SAMPLE_RATE_HZ)}
    return replace(song, kind="wet", tracks=tracks, dry={"vocals": dry})


@cache
def _stems(duration_s: float) -> dict[str, np.ndarray]:
    return perform(replace(SCORES[1], duration_s=duration_s))

"""Scenes without shared music: a generated song, for tests of the evaluation itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from mixprior.pipeline.synthesis import SCORES, perform
from tests.mixing.evaluation.band_scenes import BandScene
from tests.mixing.evaluation.scenes import Scene
from tools.songs.calibration_truth import total


def scene(duration_s: float = 12.0) -> Scene:
    """The second generated song; its dry voice is its voice without a late echo."""
    stems = perform(replace(SCORES[1], duration_s=duration_s))
    dry = stems.pop("vocals")
    voice = dry.copy()
    voice[:, 4410:] += 0.2 * dry[:, :-4410]
    return Scene("generated", "wet", voice, total(stems.values()), dry=dry)


def band(duration_s: float = 12.0) -> BandScene:
    """The same song in five tracks; its chords and what follows them by half a second are of one class."""
    tracks = perform(replace(SCORES[1], duration_s=duration_s))
    echo = np.roll(tracks["other"], 22_050, axis=-1)[::-1]
    tracks |= {"other": 0.8 * tracks["other"], "echo": 0.5 * echo}
    return BandScene(
        "generated",
        "tracks",
        total(tracks.values()),
        tracks,
        {name: "other" if name == "echo" else name for name in tracks},
    )

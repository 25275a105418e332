"""Arrays in; what was done to each track out: what `mixprior.reverse` does, without a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mixprior.learning.reverse.document import document
from mixprior.learning.reverse.taking import SECONDS, Found, take_apart
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.mix import sounds as mix_sounds
from mixprior.mixing.mix.recipe import Output
from mixprior.stats.sound import Sound


@dataclass(frozen=True)
class Reversed:
    """A mix taken apart.

    Attributes:
        found: settings, and what is known of each number.
        recipe: the same as `mixprior reverse` writes it.
    """

    found: Found
    recipe: Mapping[str, Any]

    @property
    def settings(self) -> MixSettings:
        """The settings that make the mix again."""
        return self.found.settings


def reverse(
    tracks: Mapping[str, np.ndarray],
    mix: np.ndarray,
    rate_hz: int,
    *,
    seconds: float = SECONDS,
    reverb: bool = False,
    compressors: bool = False,
) -> Reversed:
    """Find gain, pan and equaliser of every track of a mix; compressors and a shared reverb where asked for.

    Args:
        tracks: raw tracks by name, floating, (channels, samples) or (samples,), full scale 1.0.
        mix: what was made of them, (channels, samples), of the same rate.
        rate_hz: sample rate.
        seconds: of a long song that are compared.
        reverb: whether to look for an FdnReverb that tracks share.
        compressors: whether to look for compressors of tracks.

    Raises:
        InputError: if an array is no sound, the mix does not hold the tracks, or seconds are out of range.

    >>> rng = np.random.default_rng(1)
    >>> drums, bass = (rng.standard_normal((2, 132_300)).astype(np.float32) * 0.1 for _ in range(2))
    >>> taken = reverse({"drums": drums, "bass": bass}, 0.5 * drums + 2.0 * bass, 44_100)
    >>> round(taken.found.tracks["drums"].gain_db.value, 2), round(taken.found.tracks["bass"].gain_db.value, 2)
    (-6.02, 6.02)
    """
    sounds, inputs = mix_sounds.of_arrays(tracks, rate_hz)
    given = Sound.of(mix, rate_hz, "the mix").stereo
    found = take_apart(sounds, given, seconds, reverb=reverb, compressors=compressors)
    output = Output(None, None, rate_hz, given.duration_s)
    return Reversed(found, document(found, inputs, output, given))

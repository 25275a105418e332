"""Statistics of stems in memory: the rows that `mine` would write for the same song."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mixprior.stats import registry
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import BACKING, MIXTURE, SAMPLE_RATE_HZ, SONG, VOCALS
from mixprior.stats.stem import OVER_SCALE, SLACK_S, StemSet


def measure(stems: Mapping[str, np.ndarray], rate_hz: int) -> pd.DataFrame:
    """Measure the stems of a song.

    Sounds at another rate are resampled to 44.1 kHz as `mine` does, and a mono stem is taken as equal in both channels.
    Shorter stems are followed by silence. Nothing has to be called "vocals"; without vocals the backing is the mixture,
    and columns about vocals are null.

    Args:
        stems: arrays of any floating type by name, full scale 1.0, shape (channels, samples) with one or two channels,
            or (samples,). One called "mixture" is taken for the song as mixed; without it the mixture is the sum of the
            stems. `mine` knows "vocals", "drums", "bass" and "other"; priors are there for these. "vocals" and
            "backing" alone are a song, too.
        rate_hz: sample rate of all, 8 to 192 kHz.

    Returns:
        A row for each stem, "backing" (the mixture without the vocals), "mixture" and "song" (facts about the whole),
        indexed by "stem"; a column for each statistic, as in the files of a run. A scalar that cannot be measured is
        NaN; a vector is an array of float32 or None.

    Raises:
        InputError: if a stem is not audio of such a shape and rate, holds samples that are not finite or far over full
            scale, if it is called "song", or "backing" beside others than "vocals", if the lengths differ by more than
            0.1 s, or if there is none.

    >>> rng = np.random.default_rng(0)
    >>> frame = measure({"vocals": 0.1 * rng.standard_normal((2, 96_000)), "bass": np.zeros(96_000)}, 48_000)
    >>> frame.index.tolist()
    ['vocals', 'bass', 'backing', 'mixture', 'song']
    >>> round(float(frame.loc["vocals", "crest_factor_db"]), 1)
    13.0
    """
    if not stems:
        raise InputError("there are no stems to measure: give a mapping of arrays by name")
    for name in (BACKING, SONG):
        if name in stems and set(stems) != {VOCALS, BACKING}:
            raise InputError(
                f"a stem cannot be called {name!r}, which is measured from the others: give it another name"
            )
    if set(stems) == {MIXTURE}:
        raise InputError("there is only a mixture to measure: give its stems, or call it by another name")
    sounds = {name: _checked(name, audio, rate_hz) for name, audio in stems.items()}
    longest = max(sound.samples for sound in sounds.values())
    for name, sound in sounds.items():
        if longest - sound.samples > SLACK_S * rate_hz:
            raise InputError(
                f"{name} lasts {sound.duration_s:.2f} s, the longest stem {longest / rate_hz:.2f} s: "
                "are they of one song? Pad the shorter ones with silence"
            )
    arrays = {name: sound.at(SAMPLE_RATE_HZ).stereo.audio for name, sound in sounds.items()}
    samples = max(audio.shape[1] for audio in arrays.values())
    arrays = {name: np.pad(audio, ((0, 0), (0, samples - audio.shape[1]))) for name, audio in arrays.items()}
    mixture = arrays.pop(MIXTURE, None)
    table = registry.to_table("", registry.measure(StemSet(arrays, mixture)), "")
    return table.drop_columns(["song_id"]).to_pandas().set_index("stem")


def _checked(name: str, audio: np.ndarray, rate_hz: int) -> Sound:
    sound = Sound.of(audio, rate_hz, name)
    if sound.samples == 0:
        raise InputError(f"{name} holds no samples")
    if sound.peak > OVER_SCALE:
        raise InputError(f"{name} peaks at {sound.peak:.3g} where full scale is 1.0: divide it by its full scale")
    return sound

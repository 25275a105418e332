"""FxNorm-automix's reverb: a send through a random impulse response, between the shelves of Abbey Road.

Source: sony/FxNorm-automix, automix/data_normalization.py (commit 916bf7e): wet 1 beside dry 1, both shelves -30 dB,
their corners drawn anew for every stem, vocals and other only.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.signal

from mixprior.mixing.effects.equaliser import Equaliser
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Band
from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

STEMS = ("vocals", "other")
"""Those that get reverb."""

_SHELF_DB = -30.0
_Q = 0.707
_LOW_HZ, _HIGH_HZ = (500.0, 700.0), (7_000.0, 10_000.0)
_SOUNDS = {".wav", ".flac", ".aif", ".aiff", ".ogg"}


@dataclass(frozen=True)
class Send:
    """What was drawn for a stem.

    Attributes:
        impulse_response: its file.
        bands: shelves before it.
    """

    impulse_response: str
    bands: tuple[Band, Band]


def impulse_responses(folder: Path) -> list[Path]:
    """Files of impulse responses in a folder and those in it, sorted.

    Raises:
        InputError: if there are none.
    """
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SOUNDS)
    if not found:
        raise InputError(f"{folder} holds no impulse responses: give a folder of .wav or .flac files")
    return found


def draw(responses: Sequence[Path], rng: np.random.Generator) -> Send:
    """Draw a response and the corners of the shelves."""
    path = responses[int(rng.integers(len(responses)))]
    low_hz, high_hz = float(rng.uniform(*_LOW_HZ)), float(rng.uniform(*_HIGH_HZ))
    return Send(str(path), (Band("low shelf", low_hz, _SHELF_DB, _Q), Band("high shelf", high_hz, _SHELF_DB, _Q)))


def draw_for(name: str, responses: Sequence[Path], seed: int) -> Send:
    """Draw by a seed and a name alone: a song more in the catalog, or more jobs, change nothing.

    Args:
        name: of the stem's file below the folder of songs.
        responses: files to choose from.
        seed: of all chance.
    """
    place = hashlib.sha256(name.encode()).digest()
    return draw(responses, np.random.default_rng([seed, *place[:8]]))


def with_reverb(sound: Sound, send: Send) -> Sound:
    """Add the wet sound, shifted so that the peak of the response falls on the dry sound, and cut at its end.

    Args:
        sound: two channels at 44.1 kHz.
        send: what was drawn.

    Raises:
        InputError: if the impulse response cannot be read.
    """
    file = audio_file.read(send.impulse_response)
    response, audio = at_44100(file.sound).audio, sound.audio
    delay = int(np.abs(response).max(axis=0).argmax())
    wet = scipy.signal.oaconvolve(Equaliser(send.bands, SAMPLE_RATE_HZ).process(audio), response, axes=-1)
    return Sound((audio + wet[:, delay : delay + audio.shape[1]]).astype(np.float32), SAMPLE_RATE_HZ)

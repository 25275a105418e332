"""A track with equaliser and compressor as it is in a mix, and what small steps of its numbers change there."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from mixprior.learning.reverse.blocks import BLOCK
from mixprior.learning.reverse.compression import Numbers, settings_of
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import LEVEL_NUMBERS, Path
from mixprior.mixing.effects.chain import process
from mixprior.mixing.effects.gain import NEPERS_PER_DB
from mixprior.mixing.effects.settings import Chain, PanSettings
from mixprior.stats.sound import Sound

BAND_STEPS = np.array([0.002, 0.01, 0.002])
"""Small steps of the numbers of a band."""
COMPRESSOR_STEPS = np.array([0.005, 0.001, 0.002, 0.002, 0.01])
"""Small steps of the numbers of a compressor: larger ones turn, smaller ones are lost in rounding."""


def rendered(path: Path, numbers: Numbers | None, material: Material, track: int) -> np.ndarray:
    """A track as it is in the mix, float32, (2, samples)."""
    squeeze = None if numbers is None else settings_of(numbers, path.gain_db)
    settings = Chain(path.gain_db, bands=path.bands, compressor=squeeze, pan=PanSettings(path.pan))
    made = process(settings, Sound(material.tracks[track], material.rate_hz)).audio
    return -made if path.turned else made


def gain(path: Path, numbers: Numbers, material: Material, track: int) -> np.ndarray:
    """Gain of the compressor of a track, (samples,): straight lines between the middles of blocks."""
    before = process(Chain(path.gain_db, bands=path.bands), Sound(material.tracks[track], material.rate_hz))
    after = process(Chain(compressor=settings_of(numbers, path.gain_db)), before)
    count = before.samples // BLOCK
    energies = [
        np.square(each.audio[:, : count * BLOCK], dtype=np.float64).sum(axis=0).reshape(count, BLOCK).sum(axis=1)
        for each in (after, before)
    ]
    gains = np.sqrt((energies[0] + 1e-30) / (energies[1] + 1e-30))
    middles = (np.arange(count) + 0.5) * BLOCK
    return np.interp(np.arange(before.samples), middles, gains).astype(np.float32)


def changes(path: Path, numbers: Numbers, material: Material, track: int) -> Iterator[np.ndarray]:
    """What a compressed track changes by in the mix, over a small step of each number of its path and compressor."""
    here = rendered(path, numbers, material, track)
    yield here * np.float32(NEPERS_PER_DB)  # the threshold goes with the gain
    angle = np.pi / 2 * path.pan
    yield here * (np.pi / 2 * np.array([-np.tan(angle), 1 / np.tan(angle)], np.float32)[:, None])
    of_bands = np.tile(BAND_STEPS, len(path.bands))
    for place, step in enumerate(of_bands, LEVEL_NUMBERS):
        moved = path.numbers
        moved[place] += step
        yield (rendered(path.moved(moved), numbers, material, track) - here) / np.float32(step)
    for place, step in enumerate(COMPRESSOR_STEPS):
        moved = numbers.copy()
        moved[place] += step
        yield (rendered(path, moved, material, track) - here) / np.float32(step)

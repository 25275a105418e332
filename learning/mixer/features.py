"""Distance of two mixes by features of their signals: loudness, crest, width and the levels of Bark bands.

The features are those of Diff-MST's audio feature loss (S. Vanka et al., ISMIR 2024), in decibels, with K-weighted
loudness in place of the level.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from mixprior.mixing.rules.masking import BARKS, bark
from mixprior.stats.loudness_blocks import k_weighting

UNITS_DB = {"loudness_lufs": 4.0, "crest_db": 3.0, "width_db": 3.0, "bark_db": 4.0}
"""A distance of so much counts as 1."""
_LEAST = 1e-10
_FLOOR = 1e-6
"""Of the wanted energy: a Bark band or a side signal that is quieter counts as that."""


def feature_distance(found: torch.Tensor, wanted: torch.Tensor, rate_hz: float) -> torch.Tensor:
    """Mean distance over features, in `UNITS_DB`.

    Args:
        found: (batch, 2, samples), full scale 1.0.
        wanted: the same shape.
        rate_hz: sample rate.

    Returns:
        One number, 0 for the same mix.

    >>> mixed = torch.randn(1, 2, 8192, generator=torch.manual_seed(0))
    >>> round(float(feature_distance(mixed / 2, mixed, 44_100.0)), 2)  # 6.02 dB in loudness and in bands
    0.75
    """
    quietest = _FLOOR * wanted.square().mean(dim=(1, 2)).clamp(_LEAST)
    ours, theirs = (features(each, rate_hz, quietest) for each in (found, wanted))
    off = [(ours[name] - theirs[name]).abs().mean() / unit for name, unit in UNITS_DB.items()]
    return torch.stack(off).mean()


def features(mixed: torch.Tensor, rate_hz: float, quietest: torch.Tensor) -> dict[str, torch.Tensor]:
    """Features of mixes.

    Args:
        mixed: (batch, 2, samples).
        rate_hz: sample rate.
        quietest: (batch,), energies below which differences do not count.

    Returns:
        `loudness_lufs`, (batch,), ungated; `crest_db`, (batch, 2), of left and right; `width_db`, (batch,), energy of
        the side over that of the middle; `bark_db`, (batch, 2, 24), of middle and side.
    """
    middle_and_side = torch.stack([mixed[:, 0] + mixed[:, 1], mixed[:, 0] - mixed[:, 1]], dim=1) / 2
    energies = middle_and_side.square().mean(dim=2) + quietest[:, None]
    rms = (mixed.square().mean(dim=2) + quietest[:, None]).sqrt()
    power = _power(mixed)
    bands = _barks(mixed.shape[2], rate_hz).to(mixed)
    bark = _power(middle_and_side) @ bands + quietest[:, None, None]
    loudness = (power * _k_power(mixed.shape[2], rate_hz).to(mixed)).sum(dim=(1, 2))
    return {
        "loudness_lufs": _db(loudness + quietest) - 0.691,
        "crest_db": 2 * _db((mixed.abs().amax(dim=2) + quietest[:, None].sqrt()) / rms),
        "width_db": _db(energies[:, 1]) - _db(energies[:, 0]),
        "bark_db": _db(bark),
    }


def _db(power: torch.Tensor) -> torch.Tensor:
    return 10 * torch.log10(power)


def _power(sound: torch.Tensor) -> torch.Tensor:
    """Mean squares by frequency, (batch, 2, bins): their sum is that of the sound."""
    spectra = torch.fft.rfft(sound, dim=2)
    power = (spectra.real.square() + spectra.imag.square()) / sound.shape[2] ** 2
    twice = torch.full((power.shape[2],), 2.0).to(power)
    twice[0] = 1.0
    if sound.shape[2] % 2 == 0:
        twice[-1] = 1.0
    return power * twice


@lru_cache(maxsize=4)
def _barks(samples: int, rate_hz: float) -> torch.Tensor:
    """Which bin is in which critical band, (bins, 24)."""
    bins_hz = torch.arange(samples // 2 + 1) * rate_hz / samples
    bands = bark(bins_hz).floor().clamp(0, BARKS - 1).long()
    return torch.nn.functional.one_hot(bands, BARKS).float()


@lru_cache(maxsize=4)
def _k_power(samples: int, rate_hz: float) -> torch.Tensor:
    """The K filter's gain of energy by bin (ITU-R BS.1770)."""
    turn = 2 * torch.pi * torch.arange(samples // 2 + 1, dtype=torch.float64) / samples
    late = torch.exp(-1j * turn[:, None] * torch.arange(3))
    gain = torch.ones_like(turn)
    for b, a in torch.from_numpy(k_weighting(rate_hz)).unflatten(1, (2, 3)):
        gain = gain * ((late @ b.to(late)).abs() / (late @ a.to(late)).abs()).square()
    return gain.float()

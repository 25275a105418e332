"""How far a mix is from another: spectra of sum and difference at several resolutions."""

from __future__ import annotations

import torch

SIZES = (4096, 1024, 256)
_LEAST = 1e-7
_FLOOR = 1e-3
"""Of the wanted mean magnitude: what is quieter counts as that."""


def sum_and_difference(found: torch.Tensor, wanted: torch.Tensor, sizes: tuple[int, ...] = SIZES) -> torch.Tensor:
    """Compare the magnitudes of left plus right and of left minus right.

    Spectral convergence and the mean distance of log magnitudes, at each size of the transform (C. J. Steinmetz et al.,
    ICASSP 2021, as in the network of this folder). Which side is which does not count: where all tracks are in the
    centre, no panning has a gradient.

    Args:
        found: (batch, 2, samples), full scale 1.0.
        wanted: the same shape.
        sizes: of the transforms, in samples; a quarter of each is the hop.

    Returns:
        One number, 0 for the same mix.

    >>> mixed = torch.randn(1, 2, 8192, generator=torch.manual_seed(0))
    >>> float(sum_and_difference(mixed, mixed)), float(sum_and_difference(mixed / 2, mixed)) > 0.5
    (0.0, True)
    """
    total = found.new_zeros(())
    for size in sizes:
        ours, theirs = _magnitudes(found, size), _magnitudes(wanted, size)
        convergence = torch.linalg.vector_norm(ours - theirs) / torch.linalg.vector_norm(theirs).clamp(_LEAST)
        floor = (_FLOOR * theirs.mean()).clamp(_LEAST)
        total = total + convergence + (torch.log(ours + floor) - torch.log(theirs + floor)).abs().mean()
    return total / len(sizes)


def _magnitudes(mixed: torch.Tensor, size: int) -> torch.Tensor:
    both = torch.cat([mixed[:, 0] + mixed[:, 1], mixed[:, 0] - mixed[:, 1]])
    spectra = torch.stft(both, size, size // 4, window=torch.hann_window(size).to(mixed), return_complex=True)
    return (spectra.real.square() + spectra.imag.square()).clamp(_LEAST**2).sqrt()

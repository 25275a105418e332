"""The equaliser with gradients: bands designed in torch, run by recursion, and back by the reversed recursion.

The filter y = B / A x of a band is linear, so that the adjoint runs backwards in time. With w the gradient of y, passed
backwards through 1 / A, the gradient of x[n] is b0 w[n] + b1 w[n+1] + b2 w[n+2], that of b_k the sum of w[n] x[n-k],
and that of a_k minus the sum of w[n] y[n-k] (S. Forgione and D. Piga, "dynoNet: a neural network architecture for
learning dynamical systems", Int. J. Adaptive Control and Signal Processing 35(4), 2021). Nothing is truncated, as
sampling in frequency would; both ways cost two multiplications a coefficient and sample.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
import torch

from mixprior.mixing.effects.settings import KINDS
from mixprior.stats.biquad import LEAST_HZ

PEAK, LOW_SHELF, HIGH_SHELF = (KINDS.index(kind) for kind in ("peak", "low shelf", "high shelf"))
_SILENCE = 1e-30  # as in `mixprior.mixing.effects.equaliser`
_NEARLY_HALF = 0.499
"""Of the rate: where what is designed for bands above half of it, and not used, stays finite."""


def equalise(
    audio: torch.Tensor,
    rate_hz: float,
    kind: torch.Tensor,
    frequency_hz: torch.Tensor,
    gain_db: torch.Tensor,
    q: torch.Tensor,
) -> torch.Tensor:
    """Pass sounds through bands in series, as `mixprior.mixing.effects.equaliser.Equaliser` does.

    Args:
        audio: shape (rows, channels, samples), float32 or float64; within, it is float64.
        rate_hz: sample rate.
        kind: whole numbers, (rows, bands), indices into `KINDS`.
        frequency_hz: (rows, bands), above 0.
        gain_db: (rows, bands); a band of 0 dB leaves the sound as it is, and its gradient is that at 0 dB.
        q: (rows, bands), above 0.

    Returns:
        Shape and type of `audio`. Gradients reach the sound, frequencies, gains and qualities.

    >>> at = lambda value: torch.tensor([[value]])
    >>> equalise(torch.ones(1, 1, 3), 44_100.0, at(LOW_SHELF), at(30_000.0), at(20.0), at(0.7))
    tensor([[[10., 10., 10.]]])
    """
    coefficients = design(kind, frequency_hz, gain_db, q, rate_hz)
    return _Bands.apply(audio, coefficients)  # type: ignore[no-untyped-call]


def design(
    kind: torch.Tensor, frequency_hz: torch.Tensor, gain_db: torch.Tensor, q: torch.Tensor, rate_hz: float
) -> torch.Tensor:
    """Design bands as `mixprior.stats.biquad` does; see there for the formulae and what is done at the limits.

    Args:
        kind: see `equalise`; any shape.
        frequency_hz: the same shape.
        gain_db: the same shape.
        q: the same shape.
        rate_hz: sample rate.

    Returns:
        float64, (*shape, 5): b0, b1, b2, a1, a2, divided by a0.
    """
    frequency_hz, gain_db, q = (each.double() for each in (frequency_hz, gain_db, q))
    a = 10 ** (gain_db / 40)
    w = 2 * torch.pi / rate_hz * frequency_hz.clamp(LEAST_HZ, _NEARLY_HALF * rate_hz)
    bands = torch.where((kind == PEAK)[..., None], _peak(w, q, a), _shelf(w, q, a, kind))
    unity = torch.ones_like(a)
    flat = torch.nn.functional.pad(torch.where(kind == LOW_SHELF, a * a, unity)[..., None], (0, 4))
    return torch.where((frequency_hz >= rate_hz / 2)[..., None], flat, bands)


def _peak(w: torch.Tensor, q: torch.Tensor, a: torch.Tensor) -> torch.Tensor:
    alpha, middle = torch.sin(w) / (2 * q), -2 * torch.cos(w)
    return torch.stack([1 + alpha * a, middle, 1 - alpha * a, middle, 1 - alpha / a], -1) / (1 + alpha / a)[..., None]


def _shelf(w: torch.Tensor, q: torch.Tensor, a: torch.Tensor, kind: torch.Tensor) -> torch.Tensor:
    side = torch.where(kind == LOW_SHELF, 1.0, -1.0).to(a)
    c = side * torch.cos(w)
    beta = torch.sin(w) * torch.sqrt(a) / q
    b0 = a * ((a + 1) - (a - 1) * c + beta)
    b1 = side * 2 * a * ((a - 1) - (a + 1) * c)
    b2 = a * ((a + 1) - (a - 1) * c - beta)
    a0 = (a + 1) + (a - 1) * c + beta
    a1 = side * -2 * ((a - 1) + (a + 1) * c)
    a2 = (a + 1) + (a - 1) * c - beta
    return torch.stack([b0, b1, b2, a1, a2], -1) / a0[..., None]


class _Bands(torch.autograd.Function):
    """Biquads in series on the processor, whatever device the tensors are on."""

    @staticmethod
    def forward(ctx: Any, audio: torch.Tensor, coefficients: torch.Tensor) -> torch.Tensor:
        sound = audio.detach().cpu().contiguous()
        stages = torch.empty((coefficients.shape[1] + 1, *sound.shape), dtype=sound.dtype)
        stages[0] = sound
        _filter(stages.numpy(), coefficients.detach().cpu().contiguous().numpy())
        ctx.save_for_backward(stages, coefficients)
        return stages[-1].to(audio.device, copy=True)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        stages, coefficients = ctx.saved_tensors
        of_sound = gradient.detach().cpu().clone(memory_format=torch.contiguous_format)
        of_coefficients = torch.zeros(coefficients.shape, dtype=torch.float64)
        _adjoint(
            stages.numpy(),
            coefficients.detach().cpu().contiguous().numpy(),
            of_sound.numpy(),
            of_coefficients.numpy(),
        )
        return of_sound.to(gradient.device), of_coefficients.to(coefficients.device)


@numba.njit(cache=True, nogil=True)
def _filter(stages: np.ndarray, coefficients: np.ndarray) -> None:
    """Fill `stages`, (bands + 1, rows, channels, samples), from the first on; transposed direct form 2."""
    bands, rows, channels, samples = stages.shape
    for row in range(rows):
        for band in range(bands - 1):
            b0, b1, b2, a1, a2 = coefficients[row, band]
            for channel in range(channels):
                sound, out = stages[band, row, channel], stages[band + 1, row, channel]
                first = second = 0.0
                for n in range(samples):
                    x = np.float64(sound[n])
                    y = b0 * x + first
                    y = y if abs(y) > _SILENCE else 0.0
                    first = (b1 * x + second) - a1 * y
                    second = b2 * x - a2 * y
                    out[n] = y


@numba.njit(cache=True, nogil=True)
def _adjoint(stages: np.ndarray, coefficients: np.ndarray, gradient: np.ndarray, of_coefficients: np.ndarray) -> None:
    """Turn the gradient of the last stage, in place, into that of the first, and add up those of the coefficients.

    Samples before the first and after the last are silent.
    """
    bands, rows, channels, samples = stages.shape
    for row in range(rows):
        for band in range(bands - 2, -1, -1):
            b0, b1, b2, a1, a2 = coefficients[row, band]
            s0 = s1 = s2 = r1 = r2 = 0.0
            for channel in range(channels):
                x, y, g = stages[band, row, channel], stages[band + 1, row, channel], gradient[row, channel]
                w1 = w2 = 0.0  # w one and two samples later
                for n in range(samples - 1, -1, -1):
                    w = g[n] - a1 * w1 - a2 * w2
                    w = w if abs(w) > _SILENCE else 0.0
                    g[n] = b0 * w + b1 * w1 + b2 * w2
                    s0 += w * x[n]
                    s1 += w1 * x[n]
                    s2 += w2 * x[n]
                    r1 += w1 * y[n]
                    r2 += w2 * y[n]
                    w1, w2 = w, w1
            sums = of_coefficients[row, band]
            sums[0], sums[1], sums[2], sums[3], sums[4] = s0, s1, s2, -r1, -r2

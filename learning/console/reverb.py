"""The reverb with gradients: a response of FdnReverb as a function of its settings, and the convolution with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import scipy.fft
import torch

from mixprior.mixing.effects import reverb
from mixprior.stats.reverb.fdn.network import impulse_response
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings

SMOOTH = tuple(each.name for each in PARAMETERS if each.name not in ("room_size", "dry_wet", "fdn_size"))
"""Settings that a response depends on smoothly."""

_STEP = 1e-5
"""Of the range of a setting: how far to each side the response is rendered for a gradient. Responses are float64, so
that the difference is right to about 1e-8 of it."""


def response(settings: FdnReverbSettings, rate_hz: float) -> torch.Tensor:
    """The wet response until it has ended; the settings' `dry_wet` does not count.

    Args:
        settings: see `mixprior.mixing.effects.reverb.response`.
        rate_hz: sample rate.

    Returns:
        float64, (2 inputs, 2 outputs, samples).

    Raises:
        InputError: see `mixprior.mixing.effects.reverb.response`.
    """
    return torch.from_numpy(reverb.response(replace(settings, dry_wet=1.0), rate_hz))


def response_of(settings: FdnReverbSettings, rate_hz: float, **learned: torch.Tensor) -> torch.Tensor:
    """The wet response, with gradients of settings that it depends on smoothly.

    The gradient of a setting is a central difference of two responses, which costs as much as rendering them.

    Args:
        settings: those that are not learned, or where to begin.
        rate_hz: sample rate.
        **learned: settings by name, each one number, any of `SMOOTH`; in place of those of `settings`.

    Returns:
        float64, (2 inputs, 2 outputs, samples).

    Raises:
        InputError: see `mixprior.mixing.effects.reverb.response`.
        KeyError: for a setting that is not one of `SMOOTH`.

    >>> time_s = torch.tensor(0.5, requires_grad=True)
    >>> response_of(FdnReverbSettings(1), 8_000.0, reverberation_time_s=time_s).square().sum().backward()
    >>> bool(time_s.grad > 0)
    True
    """
    for name in learned:
        if name not in SMOOTH:
            raise KeyError(f"{name} has no gradient; those that have: {', '.join(SMOOTH)}")
    numbers: dict[str, Any] = {name: float(value.detach()) for name, value in learned.items()}
    at = replace(settings, dry_wet=1.0, **numbers)
    found: torch.Tensor = _Response.apply(at, rate_hz, tuple(learned), *learned.values())  # type: ignore[no-untyped-call]
    return found


def reverberate(audio: torch.Tensor, dry_wet: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """Add reverb, as `mixprior.mixing.effects.reverb.Reverb` does, within rounding.

    Args:
        audio: (..., 2, samples); leading shapes of all three arguments broadcast.
        dry_wet: (...): the reverb has so much amplitude, the dry sound the rest.
        responses: (..., 2 inputs, 2 outputs, samples of the response), see `response`.

    Returns:
        (..., 2, samples), as long as the sound; of its type.
    """
    wet = dry_wet[..., None, None].to(audio)
    return (1 - wet) * audio + wet * convolved(audio, responses)


def convolved(audio: torch.Tensor, responses: torch.Tensor) -> torch.Tensor:
    """The wet sound alone; arguments as those of `reverberate`."""
    samples = audio.shape[-1]
    size = scipy.fft.next_fast_len(samples + responses.shape[-1] - 1, real=True)
    spectra = torch.fft.rfft(responses.to(audio), size)
    heard = torch.fft.rfft(audio, size)
    return torch.fft.irfft(torch.einsum("...is,...ios->...os", heard, spectra), size)[..., :samples]


def filtered(audio: torch.Tensor, taps: torch.Tensor) -> torch.Tensor:
    """Pass sounds through linear-phase filters, as `mixprior.mixing.effects.matching.MatchingFilter` does.

    Args:
        audio: (rows, channels, samples).
        taps: (rows, taps), an odd number of them, the middle one undelayed.

    Returns:
        Shape and type of `audio`.
    """
    samples, reach = audio.shape[-1], taps.shape[-1] // 2
    size = scipy.fft.next_fast_len(samples + taps.shape[-1] - 1, real=True)
    spectra = torch.fft.rfft(audio, size) * torch.fft.rfft(taps.to(audio), size)[:, None]
    return torch.fft.irfft(spectra, size)[..., reach : reach + samples]


def stacked(responses: list[torch.Tensor]) -> torch.Tensor:
    """Responses side by side, (responses, 2, 2, samples of the longest); silence follows the shorter ones."""
    longest = max(each.shape[-1] for each in responses)
    return torch.stack([torch.nn.functional.pad(each, (0, longest - each.shape[-1])) for each in responses])


class _Response(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, at: FdnReverbSettings, rate_hz: float, names: tuple[str, ...], *values: torch.Tensor
    ) -> torch.Tensor:
        rendered = response(at, rate_hz)
        ctx.at, ctx.rate_hz, ctx.names, ctx.values = at, rate_hz, names, values
        ctx.duration_s = rendered.shape[-1] / rate_hz
        return rendered

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        of_response = gradient.detach().cpu().double().numpy()
        slopes: list[torch.Tensor | None] = []
        for name, value, needed in zip(ctx.names, ctx.values, ctx.needs_input_grad[3:], strict=True):
            slope = _slope(of_response, ctx.at, name, ctx.rate_hz, ctx.duration_s) if needed else None
            slopes.append(None if slope is None else torch.full_like(value, slope))
        return None, None, None, *slopes


def _slope(of_response: np.ndarray, at: FdnReverbSettings, name: str, rate_hz: float, duration_s: float) -> float:
    """The gradient of a setting, from that of the response."""
    [parameter] = [each for each in PARAMETERS if each.name == name]
    value, step = getattr(at, name), _STEP * (parameter.high - parameter.low)
    if name == "fade_in_s" and value == 0:  # the second network comes at once with the first bit of a fade-in
        return 0.0
    low, high = max(value - step, parameter.low), min(value + step, parameter.high)
    below, above = (impulse_response(replace(at, **{name: each}), rate_hz, duration_s) for each in (low, high))
    return float(np.vdot(of_response, above - below)) / (high - low)

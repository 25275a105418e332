"""Tracks and controls in, a mix out: `mixprior.mixing.effects.chain` with gradients."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from mixprior.learning.console.compressor import compress
from mixprior.learning.console.controls import OF_BANDS, OF_COMPRESSOR, Controls
from mixprior.learning.console.equaliser import equalise
from mixprior.learning.console.reverb import convolved, filtered, reverberate


@dataclass(frozen=True)
class Buses:
    """Buses between the tracks and the mix, each with a strip of its own.

    Attributes:
        controls: (batch, buses); their `gain_db` does not count.
        of_track: whole numbers, (batch, tracks): the bus a track goes to, or -1 for the mix directly.
        responses: as of `mix`, a bus in place of a track.
        filters: likewise.
    """

    controls: Controls
    of_track: torch.Tensor
    responses: torch.Tensor | None = None
    filters: torch.Tensor | None = None


def mix(
    tracks: torch.Tensor,
    controls: Controls,
    rate_hz: float,
    *,
    responses: torch.Tensor | None = None,
    filters: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
    buses: Buses | None = None,
) -> torch.Tensor:
    """Mix a batch of songs.

    Args:
        tracks: shape (batch, tracks, channels, samples), one or two channels, full scale 1.0.
        controls: of as many mixes and tracks.
        rate_hz: sample rate.
        responses: of the reverb, (batch or 1, tracks or 1, 2, 2, samples), see `reverb.response`; one for all tracks of
            a mix is convolved with the sum of what is sent to it. None for no reverb, whatever `dry_wet` says.
        filters: taps of matching filters, (batch or 1, tracks or 1, taps), see `reverb.filtered`; None for none.
        mask: bool, (batch, tracks): which tracks there are; None for all. Others take no time, and have no gradient.
        buses: None for none.

    Returns:
        (batch, 2, samples): the sum of the tracks at the gain of the mix, before its limiter.

    >>> silence = mix(torch.zeros(1, 2, 1, 5), Controls.at_rest(1, 2), 44_100.0)
    >>> silence.shape
    torch.Size([1, 2, 5])
    """
    if buses is not None:
        done = strips(tracks, controls, rate_hz, responses=responses, filters=filters, mask=mask)
        goes = torch.nn.functional.one_hot(buses.of_track + 1, buses.controls.tracks[1] + 1).to(done)
        sums = torch.einsum("btcn,btk->bkcn", done, goes)
        through = strips(sums[:, 1:], buses.controls, rate_hz, responses=buses.responses, filters=buses.filters)
        total = sums[:, 0] + through.sum(dim=1)
    elif responses is None or responses.shape[1] != 1 or controls.tracks[1] == 1:
        total = strips(tracks, controls, rate_hz, responses=responses, filters=filters, mask=mask).sum(dim=1)
    else:
        dry = _panned(tracks, controls, rate_hz, filters, mask) * _gain(controls.output_gain_db).to(tracks)
        wet = controls.dry_wet[..., None, None].to(tracks)
        total = ((1 - wet) * dry).sum(dim=1) + convolved((wet * dry).sum(dim=1), responses[:, 0])
    return total * _gain(controls.gain_db).to(tracks)


def strips(
    tracks: torch.Tensor,
    controls: Controls,
    rate_hz: float,
    *,
    responses: torch.Tensor | None = None,
    filters: torch.Tensor | None = None,
    mask: torch.Tensor | None = None,
) -> torch.Tensor:
    """Pass tracks through their strips; arguments as those of `mix`.

    Returns:
        (batch, tracks, 2, samples): the tracks as `mix` sums them, before the gain of the mix; silence for those that
        are not there.
    """
    done = _panned(tracks, controls, rate_hz, filters, mask)
    if responses is not None:
        done = reverberate(done, controls.dry_wet, responses)
    return done * _gain(controls.output_gain_db).to(tracks)


def pan_gains(position: torch.Tensor) -> torch.Tensor:
    """Gains of left and right at constant power, 1 in the centre: `mixprior.mixing.effects.panner`.

    Returns:
        Of the shape of `position`, and a last axis of 2.

    >>> pan_gains(torch.tensor(0.5)).round(decimals=4)
    tensor([1., 1.])
    """
    return math.sqrt(2) * torch.sin(math.pi / 2 * torch.stack([1 - position, position], dim=-1))


def _panned(
    tracks: torch.Tensor,
    controls: Controls,
    rate_hz: float,
    filters: torch.Tensor | None,
    mask: torch.Tensor | None,
) -> torch.Tensor:
    """Strips up to the panner, (batch, tracks, 2, samples)."""
    batch, count = controls.tracks
    if tracks.ndim != 4 or tracks.shape[:2] != (batch, count) or tracks.shape[2] not in (1, 2):
        raise ValueError(
            f"the console takes (batch, tracks, 1 or 2 channels, samples) with {batch} x {count} tracks, "
            f"not {tuple(tracks.shape)}"
        )
    rows = tracks.flatten(0, 1)
    taps = None if filters is None else filters.expand(batch, count, -1).flatten(0, 1)
    if mask is None:
        return _strip(rows, controls.rows(), rate_hz, taps).unflatten(0, (batch, count))
    there = mask.flatten().nonzero()[:, 0]
    done = _strip(rows[there], controls.rows(there), rate_hz, None if taps is None else taps[there])
    silence = torch.zeros((batch * count, *done.shape[1:]), dtype=done.dtype, device=done.device)
    return silence.index_copy(0, there, done).unflatten(0, (batch, count))


def _strip(audio: torch.Tensor, controls: Controls, rate_hz: float, taps: torch.Tensor | None) -> torch.Tensor:
    """From the first gain to the panner, (rows, channels, samples) to (rows, 2, samples)."""
    audio = audio * _gain(controls.input_gain_db[0]).to(audio)
    if taps is not None:
        audio = filtered(audio, taps)
    if controls.band_kind.shape[-1]:
        shapes = (getattr(controls, name)[0] for name in ("band_kind", *OF_BANDS))
        audio = equalise(audio, rate_hz, *shapes)
    if bool((controls.ratio != 1).any()):
        audio = compress(audio, rate_hz, *(getattr(controls, name)[0] for name in OF_COMPRESSOR))
    else:
        audio = audio * _gain(controls.makeup_db[0]).to(audio)
    return audio * pan_gains(controls.pan[0])[..., None].to(audio)


def _gain(gain_db: torch.Tensor) -> torch.Tensor:
    """A factor for each, with axes for channels and samples."""
    return (10 ** (gain_db / 20))[..., None, None]

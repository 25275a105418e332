"""The network of the console mixer: an encoder for all tracks, what the others sound like, controls about a centre.

After the differentiable mixing console (C. J. Steinmetz et al., "Automatic multitrack mixing with a differentiable
mixing console of neural audio effects", ICASSP 2021), whose controls had no centre, and whose context was the mean.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from mixprior.learning.console.controls import Controls
from mixprior.mixing.effects.settings import RANGES
from mixprior.mixing.learned.console import GROUPED, HEADS, NEPERS, OUTPUTS, REACH_SD
from mixprior.mixing.learned.mel import BANDS
from mixprior.mixing.learned.network import SCALE_DB

_KERNEL = 5


class ConsoleMixer(nn.Module):
    """Moves controls of tracks about a centre: what the posterior rule set, or the medians of priors.

    A control is `centre + REACH_SD x spread x tanh(answer / REACH_SD)`, within its range. The last layer begins at 0:
    untrained, the controls are those of the centre. All tracks share all weights, and see the mean of the others and
    what attention finds among them, so that any number of tracks in any order are mixed. Spectra are read without their
    mean, so that the level of a file changes nothing.

    Args:
        bands: of the equaliser whose gains are moved.
        statistics: numbers of a track that may be asked for, as by a reference; 0 for none.
        width: of an encoding; a multiple of `HEADS`.

    >>> mixer = ConsoleMixer(width=16)
    >>> centre = Controls.at_rest(1, 3)
    >>> moved = mixer(torch.zeros(1, 3, 128, 20), centre, {"pan": torch.tensor(0.2)})
    >>> bool((moved.pan == centre.pan).all())
    True
    """

    def __init__(self, bands: int = 0, statistics: int = 0, width: int = 32) -> None:
        super().__init__()
        self.statistics = statistics
        self.frame = nn.Conv1d(GROUPED, width, 1)
        self.time = nn.Conv1d(width, width, _KERNEL, padding=_KERNEL // 2)
        self.encode = nn.Sequential(nn.Linear(GROUPED + 2 * (GROUPED + 2 * width), width), nn.PReLU())
        self.attention = nn.MultiheadAttention(width, HEADS, batch_first=True)
        self.joined = nn.Sequential(nn.Linear(3 * width + 1 + 2 * statistics, 2 * width), nn.PReLU())
        self.last = nn.Linear(2 * width, len(OUTPUTS) + bands)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)

    def forward(
        self,
        mel_db: torch.Tensor,
        centre: Controls,
        spread: Mapping[str, torch.Tensor],
        *,
        mask: torch.Tensor | None = None,
        balance: torch.Tensor | None = None,
        statistics: torch.Tensor | None = None,
        known: torch.Tensor | None = None,
    ) -> Controls:
        """Controls of a batch of mixes.

        Args:
            mel_db: (batch, tracks, 128, frames), as `mixprior.mixing.learned.mel.log_mel_db` makes them; any length.
            centre: of as many mixes and tracks.
            spread: standard deviations, by control, those of `OUTPUTS` and `band_gain_db`, of shapes that broadcast
                with it; a control without one is not moved.
            mask: bool, (batch, tracks): which tracks there are; None for all.
            balance: (batch, tracks), of left and right, as `mixprior.mixing.learned.heard.balance_of` has it; None
                where all are in the centre.
            statistics: (batch, tracks, statistics), what a track is to have more of than by the centre; None where none
                is asked for.
            known: bool, the same shape: which of them are asked for; None for all. What is not known is not read.

        Returns:
            The centre, and what was moved.
        """
        encoded = self.encoded(mel_db)
        there = torch.ones(encoded.shape[:2], dtype=torch.bool, device=encoded.device) if mask is None else mask
        share = there[..., None].to(encoded)
        mean = (encoded * share).sum(1, keepdim=True) / share.sum(1, keepdim=True).clamp(1)
        heard, _ = self.attention(encoded, encoded, encoded, key_padding_mask=~there, need_weights=False)
        facts = self._facts(encoded, balance, statistics, known)
        answer = self.last(self.joined(torch.cat([encoded, mean.expand_as(encoded), heard, facts], dim=-1)))
        answers = {
            **{name: answer[..., k] for k, name in enumerate(OUTPUTS)},
            "band_gain_db": answer[..., len(OUTPUTS) :],
        }
        moved = {name: _moved(name, getattr(centre, name), sd, answers[name]) for name, sd in spread.items()}
        return replace(centre, **moved)

    def encoded(self, mel_db: torch.Tensor) -> torch.Tensor:
        """What each track sounds like, (batch, tracks, width)."""
        batch, tracks, _, frames = mel_db.shape
        grouped = mel_db.reshape(batch * tracks, GROUPED, BANDS // GROUPED, frames).mean(dim=2)
        x = (grouped - grouped.mean(dim=(1, 2), keepdim=True)) / SCALE_DB
        first = torch.relu(self.frame(x))
        second = torch.relu(self.time(first))
        pooled = [part for each in (x, first, second) for part in (each.mean(dim=2), each.std(dim=2, correction=0))]
        # The mean of powers: where a track pauses, its mean in decibels is that of the pauses.
        power = (torch.logsumexp(x * NEPERS, dim=2) - math.log(frames)) / NEPERS
        found: torch.Tensor = self.encode(torch.cat([power, *pooled], dim=1)).unflatten(0, (batch, tracks))
        return found

    def _facts(
        self,
        encoded: torch.Tensor,
        balance: torch.Tensor | None,
        statistics: torch.Tensor | None,
        known: torch.Tensor | None,
    ) -> torch.Tensor:
        """The balance of each track; what is asked for, 0 where it is not known; and which of it is known."""
        centred = encoded.new_zeros((*encoded.shape[:2], 1)) if balance is None else balance[..., None].to(encoded)
        if statistics is None:
            return torch.cat([centred, encoded.new_zeros((*encoded.shape[:2], 2 * self.statistics))], dim=-1)
        known = torch.ones_like(statistics, dtype=torch.bool) if known is None else known
        return torch.cat([centred, torch.where(known, statistics, 0.0), known.to(encoded)], dim=-1)

    def arrays(self) -> dict[str, np.ndarray]:
        """The weights as `mixprior.mixing.learned.console` reads them."""
        return {name: each.detach().cpu().numpy() for name, each in self.state_dict().items()}


def _moved(name: str, centre: torch.Tensor, spread: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
    """A control about its centre, within its range; a centre out of its range is its own bound."""
    over = RANGES[name]
    value = centre + REACH_SD * spread * torch.tanh(answer / REACH_SD)
    return torch.maximum(torch.minimum(value, centre.clamp(min=over.high)), centre.clamp(max=over.low))

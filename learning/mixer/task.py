"""The training of the console mixer: songs whose controls are known, and the loss that the loop makes small."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch

from mixprior.learning.console.controls import Controls
from mixprior.learning.console.mixing import mix
from mixprior.learning.mixer.features import feature_distance
from mixprior.learning.mixer.loss import sum_and_difference
from mixprior.learning.mixer.network import ConsoleMixer
from mixprior.learning.training.digest import digest
from mixprior.stats.statistic import SAMPLE_RATE_HZ


@dataclass(frozen=True, eq=False)
class Example:
    """A song to train on.

    Attributes:
        mel_db: of its tracks, (tracks, 128, frames).
        centre: where the controls begin, of a batch of one: what the posterior rule sets.
        wanted: the controls that it was mixed by.
        tracks: (tracks, channels, samples), 44.1 kHz, for a loss on the mix; None for one on the controls alone.
        balance: of left and right of each track, (tracks,); None where all are in the centre.
        statistics: what may be asked for of each, (tracks, statistics), see `ConsoleMixer`; NaN where it is not known,
            None for nothing.
    """

    mel_db: torch.Tensor
    centre: Controls
    wanted: Controls
    tracks: torch.Tensor | None = None
    balance: torch.Tensor | None = None
    statistics: torch.Tensor | None = None

    @property
    def parts(self) -> list[np.ndarray]:
        """All of it, as a digest takes it."""
        controls = [getattr(each, field.name) for each in (self.centre, self.wanted) for field in fields(Controls)]
        given = (self.mel_db, *controls, self.tracks, self.balance, self.statistics)
        return [np.empty(0) if each is None else each.detach().cpu().numpy() for each in given]


@dataclass(frozen=True, eq=False)
class ConsoleTask:
    """What `mixprior.learning.training.loop.train` trains: a console mixer on examples.

    Attributes:
        examples: to train on.
        choosing: to choose by when to stop; none of them, nor their artists, among the examples.
        spread: standard deviations by control, as `ConsoleMixer` takes them; the loss on controls is in these.
        width: of the network.
        mix_weight: of the losses on the mix, spectra of sum and difference and features, beside that on the controls; a
            batch with a song without tracks has none.
        asked: share of statistics that are asked for in training; the others are masked, anew for each example.
    """

    examples: Sequence[Example]
    choosing: Sequence[Example]
    spread: Mapping[str, torch.Tensor]
    width: int = 32
    mix_weight: float = 0.0
    asked: float = 0.5

    @property
    def digest(self) -> str:
        """Of the examples of both sides, and of how they are weighed."""
        settings = f"{len(self.examples)} {self.width} {self.mix_weight} {self.asked}"
        given = [each for name, sd in sorted(self.spread.items()) for each in (name, sd.cpu().numpy())]
        return digest(settings, *given, *(part for each in (*self.examples, *self.choosing) for part in each.parts))

    def model(self) -> ConsoleMixer:
        """A new network, for the bands and the statistics of the examples."""
        first = self.examples[0]
        count = 0 if first.statistics is None else first.statistics.shape[1]
        return ConsoleMixer(first.centre.band_kind.shape[-1], count, self.width)

    def loss(self, model: torch.nn.Module, rng: np.random.Generator, batch: int) -> torch.Tensor:
        """Loss of examples that are drawn."""
        drawn = [self.examples[k] for k in rng.integers(0, len(self.examples), batch)]
        asked = [
            rng.random(() if each.statistics is None else tuple(each.statistics.shape)) < self.asked for each in drawn
        ]
        return self._loss(model, drawn, [torch.from_numpy(np.asarray(each)) for each in asked])

    def choosing_loss(self, model: torch.nn.Module) -> float:
        """Loss of the choosing examples, nothing asked for."""
        return self._loss(model, self.choosing, None).item()

    def _loss(
        self, model: torch.nn.Module, examples: Sequence[Example], asked: Sequence[torch.Tensor] | None
    ) -> torch.Tensor:
        device = next(model.parameters()).device
        centre, wanted = (_side_by_side([getattr(e, name) for e in examples], device) for name in ("centre", "wanted"))
        mel_db, mask = _padded([each.mel_db for each in examples], device)
        given = _given(examples, asked, device)
        spread = {name: sd.to(device) for name, sd in self.spread.items()}
        found = model(mel_db, centre, spread, mask=mask, **given)
        off = [((getattr(found, name) - getattr(wanted, name)) / sd)[mask] for name, sd in spread.items()]
        loss = torch.stack([each.square().mean() for each in off]).mean()
        sounds = [each.tracks for each in examples if each.tracks is not None]
        if self.mix_weight and len(sounds) == len(examples):
            tracks, _ = _padded(sounds, device)
            ours, theirs = (mix(tracks, each, SAMPLE_RATE_HZ, mask=mask) for each in (found, wanted))
            on_the_mix = sum_and_difference(ours, theirs) + feature_distance(ours, theirs, SAMPLE_RATE_HZ)
            loss = loss + self.mix_weight * on_the_mix
        return loss


def _given(
    examples: Sequence[Example], asked: Sequence[torch.Tensor] | None, device: torch.device
) -> dict[str, torch.Tensor]:
    """Balances, and the statistics that are asked for, as `ConsoleMixer` takes them."""
    found = {}
    balances = [each.balance for each in examples if each.balance is not None]
    if len(balances) == len(examples):
        found["balance"] = _rows(balances, device)
    statistics = [each.statistics for each in examples if each.statistics is not None]
    if asked is not None and len(statistics) == len(examples):
        known = [each & torch.isfinite(of) for each, of in zip(asked, statistics, strict=True)]
        found["statistics"] = _rows([torch.nan_to_num(each) for each in statistics], device)
        found["known"] = _rows(known, device)
    return found


def _rows(songs: Sequence[torch.Tensor], device: torch.device) -> torch.Tensor:
    """Songs, (tracks, ...), side by side; 0 for tracks that are not there."""
    return torch.nn.utils.rnn.pad_sequence(list(songs), batch_first=True).to(device)


def _padded(songs: Sequence[torch.Tensor], device: torch.device) -> tuple[torch.Tensor, torch.Tensor]:
    """Songs, (tracks, ..., time), side by side, shorter ones over again; and which tracks there are."""
    longest = max(each.shape[-1] for each in songs)
    filled = [each if each.shape[-1] == longest else _over_again(each, longest) for each in songs]
    padded = torch.nn.utils.rnn.pad_sequence(filled, batch_first=True)
    counts = torch.tensor([len(each) for each in songs])
    return padded.to(device), (torch.arange(padded.shape[1]) < counts[:, None]).to(device)


def _over_again(song: torch.Tensor, length: int) -> torch.Tensor:
    """A song repeated to a length: what the network reads of it, means and spreads over time, stays nearly the same."""
    return song[..., torch.arange(length, device=song.device) % song.shape[-1]]


def _side_by_side(songs: Sequence[Controls], device: torch.device) -> Controls:
    """Controls of batches of one as one batch; tracks that are not there are at 0, and are masked."""
    joined = {}
    for each in fields(Controls):
        values = [getattr(song, each.name) for song in songs]
        rows = torch.cat(values).to(device) if each.name == "gain_db" else _rows([value[0] for value in values], device)
        joined[each.name] = rows
    return Controls(**joined)

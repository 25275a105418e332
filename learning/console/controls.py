"""The controls of a console as tensors: one number a track of each setting of `mixprior.mixing.effects.settings`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch

from mixprior.learning.console.equaliser import PEAK
from mixprior.mixing.effects.settings import RANGES

OF_BANDS = ("band_frequency_hz", "band_gain_db", "band_q")
OF_COMPRESSOR = ("threshold_dbfs", "ratio", "attack_s", "release_s", "knee_db", "makeup_db")
REST = {
    "input_gain_db": 0.0,
    "band_frequency_hz": 1000.0,
    "band_gain_db": 0.0,
    "band_q": 0.7071,
    "threshold_dbfs": 0.0,
    "ratio": 1.0,
    "attack_s": 0.03,
    "release_s": 0.15,
    "knee_db": 6.0,
    "makeup_db": 0.0,
    "pan": 0.5,
    "dry_wet": 0.0,
    "output_gain_db": 0.0,
    "gain_db": 0.0,
}
"""What changes no sound, by control."""


@dataclass(frozen=True)
class Controls:
    """All controls of a batch of mixes, in the units of the settings.

    Attributes:
        input_gain_db: (batch, tracks), before everything else.
        band_kind: whole numbers, (batch, tracks, bands): indices into `mixprior.mixing.effects.settings.KINDS`.
        band_frequency_hz: (batch, tracks, bands).
        band_gain_db: (batch, tracks, bands).
        band_q: (batch, tracks, bands).
        threshold_dbfs: (batch, tracks).
        ratio: (batch, tracks); 1 for no compression.
        attack_s: (batch, tracks).
        release_s: (batch, tracks).
        knee_db: (batch, tracks).
        makeup_db: (batch, tracks).
        pan: (batch, tracks), 0 left, 0.5 centre, 1 right; the law is constant power.
        dry_wet: (batch, tracks): the reverb has so much amplitude, the dry sound the rest.
        output_gain_db: (batch, tracks), after everything else.
        gain_db: (batch,), of the mix.
    """

    input_gain_db: torch.Tensor
    band_kind: torch.Tensor
    band_frequency_hz: torch.Tensor
    band_gain_db: torch.Tensor
    band_q: torch.Tensor
    threshold_dbfs: torch.Tensor
    ratio: torch.Tensor
    attack_s: torch.Tensor
    release_s: torch.Tensor
    knee_db: torch.Tensor
    makeup_db: torch.Tensor
    pan: torch.Tensor
    dry_wet: torch.Tensor
    output_gain_db: torch.Tensor
    gain_db: torch.Tensor

    @classmethod
    def at_rest(
        cls, batch: int, tracks: int, bands: int = 0, *, dtype: torch.dtype = torch.float32, device: str = "cpu"
    ) -> Controls:
        """Controls that change no sound; the bands are peaks.

        >>> Controls.at_rest(1, 3, bands=4).band_q.shape
        torch.Size([1, 3, 4])
        """
        found = {
            name: torch.full(_shape(name, batch, tracks, bands), value, dtype=dtype, device=device)
            for name, value in REST.items()
        }
        return cls(band_kind=torch.full((batch, tracks, bands), PEAK, device=device), **found)

    @property
    def tracks(self) -> tuple[int, int]:
        """Mixes in the batch, and tracks of each."""
        batch, tracks = self.pan.shape
        return batch, tracks

    def mapped(self, change: Callable[[torch.Tensor], torch.Tensor]) -> Controls:
        """Change each tensor but the kinds of bands, such as to `requires_grad` or to another type."""
        return replace(self, **{name: change(getattr(self, name)) for name in REST})

    def rows(self, chosen: torch.Tensor | slice = slice(None)) -> Controls:
        """The same with batch and tracks in one, (1, rows), and of these those that are `chosen`; without `gain_db`."""
        flat = {
            each.name: getattr(self, each.name).flatten(0, 1)[chosen][None]
            for each in fields(self)
            if each.name != "gain_db"
        }
        return Controls(**flat, gain_db=self.gain_db[:1])

    def at(self, way: dict[str, torch.Tensor]) -> Controls:
        """Set controls to parts of the way along their ranges (`RANGES`), by name, each from 0 to 1.

        >>> Controls.at_rest(1, 1).at({"pan": torch.tensor([[0.25]])}).pan
        tensor([[0.2500]])
        """
        return replace(self, **{name: RANGES[name].at(part) for name, part in way.items()})

    def way(self, name: str) -> torch.Tensor:
        """Which part of the way along its range a control is: what `at` takes."""
        value, over = getattr(self, name), RANGES[name]
        if over.log:
            return torch.log(value / over.low) / torch.log(torch.as_tensor(over.high / over.low).to(value))
        return (value - over.low) / (over.high - over.low)


def _shape(name: str, batch: int, tracks: int, bands: int) -> tuple[int, ...]:
    if name == "gain_db":
        return (batch,)
    return (batch, tracks, bands) if name in OF_BANDS else (batch, tracks)

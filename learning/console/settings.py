"""From settings of a mix, as a recipe holds them, to controls, and back."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import torch

from mixprior.learning.console.controls import OF_COMPRESSOR, REST, Controls
from mixprior.learning.console.mixing import Buses, mix
from mixprior.learning.console.reverb import response, stacked
from mixprior.mixing.effects.matching import taps
from mixprior.mixing.effects.settings import (
    KINDS,
    Band,
    Chain,
    CompressorSettings,
    Curve,
    MixSettings,
    PanSettings,
)
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

_UNUSED = Band("peak", REST["band_frequency_hz"], REST["band_gain_db"], REST["band_q"])
_AS_IT_IS = CompressorSettings(**{name: REST[name] for name in OF_COMPRESSOR})


@dataclass(frozen=True)
class Desk:
    """A mix on the console.

    Attributes:
        controls: of a batch of one.
        names: of the tracks, in their order.
        rooms: the reverbs of those tracks that have one; their `dry_wet` is that of the controls.
        curves: the matching filters of those tracks that have one.
        buses: the buses in place of tracks; None without buses.
        routing: by name of a track, the bus it goes to.
    """

    controls: Controls
    names: tuple[str, ...]
    rooms: Mapping[str, FdnReverbSettings]
    curves: Mapping[str, Curve]
    buses: Desk | None = None
    routing: Mapping[str, str] = field(default_factory=dict)

    def mix(self, tracks: torch.Tensor, rate_hz: float) -> torch.Tensor:
        """Mix, with all that there is: (1, tracks, channels, samples) to (1, 2, samples), see `mixing.mix`.

        Raises:
            InputError: see `responses`.
        """
        given = {"responses": self.responses(rate_hz), "filters": self.filters(rate_hz)}
        return mix(tracks, self.controls, rate_hz, **given, buses=self.buses_of(rate_hz))

    def buses_of(self, rate_hz: float) -> Buses | None:
        """The buses as `mixing.mix` takes them; None without buses. Raises as `responses`."""
        if self.buses is None:
            return None
        order = [self.buses.names.index(self.routing[name]) if name in self.routing else -1 for name in self.names]
        return Buses(
            self.buses.controls, torch.tensor([order]), self.buses.responses(rate_hz), self.buses.filters(rate_hz)
        )

    def responses(self, rate_hz: float) -> torch.Tensor | None:
        """Responses as `mixing.mix` takes them: one a track, or one for all where all that there are, are the same.

        Args:
            rate_hz: sample rate.

        Returns:
            float64, (1, tracks or 1, 2, 2, samples); None without a reverb.

        Raises:
            InputError: see `reverb.response`.
        """
        rooms = {name: replace(room, dry_wet=1.0) for name, room in self.rooms.items()}
        rendered = {room: response(room, rate_hz) for room in set(rooms.values())}
        if len(rendered) <= 1:
            return next((each[None, None] for each in rendered.values()), None)
        silence = torch.zeros((2, 2, 1), dtype=torch.float64)
        return stacked([rendered[rooms[name]] if name in rooms else silence for name in self.names])[None]

    def filters(self, rate_hz: float) -> torch.Tensor | None:
        """Taps of the matching filters as `mixing.mix` takes them.

        Args:
            rate_hz: sample rate.

        Returns:
            float64, (1, tracks, taps); None without such a filter.

        Raises:
            InputError: see `mixprior.mixing.effects.matching.taps`.
        """
        if not self.curves:
            return None
        flat = Curve((1000.0,), (0.0,))
        return torch.from_numpy(np.stack([taps(self.curves.get(name, flat), rate_hz) for name in self.names]))[None]

    def settings(self) -> MixSettings:
        """Read the settings off the console; the limiter is not on it."""
        found = settings_of(self.controls, self.names, self.rooms)
        tracks = {name: replace(chain, match=self.curves.get(name)) for name, chain in found.tracks.items()}
        buses = self.buses.settings().tracks if self.buses else {}
        return MixSettings(tracks, buses, self.routing, found.gain_db)


def desk(settings: MixSettings, *, dtype: torch.dtype = torch.float32) -> Desk:
    """Put a mix on the console. The limiter is left to `mixprior.mixing.effects.chain.finish`.

    Where no bus does more than a gain, the gains of buses go to their tracks, and there are no buses. A linear pan law
    becomes the same gains at constant power.

    Args:
        settings: of a mix.
        dtype: of the controls.

    >>> found = desk(MixSettings({"bass": Chain(pan=PanSettings(0.25)), "kick": Chain(output_gain_db=-3.0)}))
    >>> found.names, found.controls.output_gain_db
    (('bass', 'kick'), tensor([[ 0., -3.]]))
    """
    gains_alone = all(replace(bus, input_gain_db=0.0, output_gain_db=0.0) == Chain() for bus in settings.buses.values())
    if gains_alone:
        chains = {name: _with_gain(chain, _bus_gain_db(settings, name)) for name, chain in settings.tracks.items()}
        return _desk(chains, settings.gain_db, dtype)
    found = _desk(settings.tracks, settings.gain_db, dtype)
    return replace(found, buses=_desk(settings.buses, 0.0, dtype), routing=settings.routing)


def _desk(chains: Mapping[str, Chain], gain_db: float, dtype: torch.dtype) -> Desk:
    most = max((len(chain.bands) for chain in chains.values()), default=0)
    rows = [_row(chain, most) for chain in chains.values()]
    found = {name: torch.tensor([[row[name] for row in rows]], dtype=dtype) for name in rows[0]} if rows else {}
    kinds = [[KINDS.index(band.kind) for band in _bands(chain, most)] for chain in chains.values()]
    rest = Controls.at_rest(1, len(rows), most, dtype=dtype)
    controls = replace(
        rest,
        **found,
        band_kind=torch.tensor([kinds], dtype=torch.int64).reshape(rest.band_kind.shape),
        gain_db=torch.tensor([gain_db], dtype=dtype),
    )
    rooms = {name: chain.reverb for name, chain in chains.items() if chain.reverb is not None}
    curves = {name: chain.match for name, chain in chains.items() if chain.match is not None}
    return Desk(controls, tuple(chains), rooms, curves)


def settings_of(
    controls: Controls, names: Sequence[str], rooms: Mapping[str, FdnReverbSettings] | None = None, at: int = 0
) -> MixSettings:
    """Read the settings off the console: what does nothing is left out.

    Args:
        controls: of a batch.
        names: of the tracks, in their order; tracks after the last of them are left out.
        rooms: the reverbs of tracks, by name; None for none.
        at: which of the batch.

    >>> settings_of(Controls.at_rest(1, 1), ["bass"])
    MixSettings(tracks={'bass': Chain(input_gain_db=0.0, match=None, bands=(), compressor=None, pan=None, reverb=None, \
output_gain_db=0.0)}, buses={}, routing={}, gain_db=0.0, limiter=None)
    """
    tracks = {name: _chain(controls, at, row, (rooms or {}).get(name)) for row, name in enumerate(names)}
    return MixSettings(tracks, gain_db=float(controls.gain_db[at]))


def _chain(controls: Controls, at: int, row: int, room: FdnReverbSettings | None) -> Chain:
    number = {name: getattr(controls, name)[at, row].tolist() for name in REST if name != "gain_db"}
    kinds = controls.band_kind[at, row].tolist()
    bands = zip(kinds, number["band_frequency_hz"], number["band_gain_db"], number["band_q"], strict=True)
    compressor = CompressorSettings(**{name: number[name] for name in OF_COMPRESSOR})
    acts = compressor.ratio > 1 or compressor.makeup_db != 0
    return Chain(
        input_gain_db=number["input_gain_db"],
        bands=tuple(Band(KINDS[kind], *rest) for kind, *rest in bands if rest[1] != 0),
        compressor=compressor if acts else None,
        pan=PanSettings(number["pan"]) if number["pan"] != REST["pan"] else None,
        reverb=replace(room, dry_wet=number["dry_wet"]) if room is not None and number["dry_wet"] > 0 else None,
        output_gain_db=number["output_gain_db"],
    )


def _row(chain: Chain, bands: int) -> dict[str, float | list[float]]:
    """The numbers of a chain, by control."""
    each = _bands(chain, bands)
    position, gain_db = _pan(chain.pan)
    return {
        "input_gain_db": chain.input_gain_db,
        "band_frequency_hz": [band.frequency_hz for band in each],
        "band_gain_db": [band.gain_db for band in each],
        "band_q": [band.q for band in each],
        **{name: getattr(chain.compressor or _AS_IT_IS, name) for name in OF_COMPRESSOR},
        "pan": position,
        "dry_wet": 0.0 if chain.reverb is None else chain.reverb.dry_wet,
        "output_gain_db": chain.output_gain_db + gain_db,
    }


def _bands(chain: Chain, count: int) -> list[Band]:
    return [*chain.bands, *[_UNUSED] * (count - len(chain.bands))]


def _pan(pan: PanSettings | None) -> tuple[float, float]:
    """Position at constant power, and a gain in dB, with the gains of any law."""
    if pan is None:
        return REST["pan"], 0.0
    if pan.law == "constant power":
        return pan.position, 0.0
    left, right = 1 - pan.position, pan.position
    return math.atan2(right, left) * 2 / math.pi, 10 * math.log10(2 * (left**2 + right**2))


def _bus_gain_db(settings: MixSettings, track: str) -> float:
    if track not in settings.routing:
        return 0.0
    bus = settings.buses[settings.routing[track]]
    return bus.input_gain_db + bus.output_gain_db


def _with_gain(chain: Chain, gain_db: float) -> Chain:
    return replace(chain, output_gain_db=chain.output_gain_db + gain_db)

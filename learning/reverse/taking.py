"""A mix and its tracks in; what was done to each of them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from mixprior.learning.reverse import excerpt, figures, linear, residual, send
from mixprior.learning.reverse.alignment import alignment
from mixprior.learning.reverse.figures import TrackFigures
from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.intervals import Spread
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import Path
from mixprior.learning.reverse.residual import Residual
from mixprior.learning.reverse.send import Sends
from mixprior.learning.reverse.statistics import Statistics
from mixprior.mixing.effects.settings import Chain, MixSettings, PanSettings
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

SECONDS = 60.0
"""Of a song that are compared."""
LEAST_S = 0.6
"""Of sound that mix and tracks have in common."""
_SILENT = 1e-9
Stage = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Found:
    """A mix taken apart.

    Attributes:
        settings: with the tracks, shifted by the offset, they make the mix again.
        tracks: what is known of each, with intervals.
        residual: what the settings leave of the mix.
        offset_samples: by which the mix begins after the tracks, at the rate of the tracks.
        delay_samples: by how much of a sample the mix is late beside that.
        turned: whether the whole mix has the other polarity.
        turned_tracks: tracks whose polarity is another than that of the rest.
        limit_hz: from which on the mix holds nothing, as a coder or its sample rate cut it off; None for none.
        compared_s: seconds of the song that were compared.
        rate_hz: sample rate of the settings.
    """

    settings: MixSettings
    tracks: Mapping[str, TrackFigures]
    residual: Residual
    offset_samples: int
    delay_samples: float
    turned: bool
    turned_tracks: tuple[str, ...]
    limit_hz: float | None
    compared_s: float
    rate_hz: int


def take_apart(
    tracks: Mapping[str, Sound],
    mix: Sound,
    seconds: float = SECONDS,
    stage: Stage = lambda what, done, total: None,
    reverb: bool = False,
) -> Found:
    """Find what was done to tracks to make a mix.

    Args:
        tracks: by name, two channels each, of one rate; read one at a time.
        mix: two channels, of any rate.
        seconds: of a long song that are compared.
        stage: called with what is done next.
        reverb: whether to look for an FdnReverb that tracks share.

    Raises:
        InputError: if the mix does not hold the tracks, or is too short; if seconds are out of range.
    """
    if not 0 < seconds < np.inf:
        raise InputError(f"{seconds:g} seconds to compare are out of range: a finite number above 0")
    if not tracks:
        raise InputError("there is no track: give those that the mix was made of")
    rate_hz = next(iter(tracks.values())).rate_hz
    mix = mix.at(rate_hz, "VHQ")
    stage("aligning", 0, 1)
    placed = alignment(tracks, mix)
    end = max(sound.samples for sound in tracks.values()) - placed
    common_s = (min(mix.samples, end) - max(0, -placed)) / rate_hz
    if common_s < LEAST_S:
        raise InputError(
            f"too short to be taken apart: {LEAST_S:g} s are needed, mix and tracks share {common_s:.2f} s"
        )
    stage("reading", 0, 1)
    everything = excerpt.material(tracks, mix, placed, seconds)
    material = _sounding(everything)
    stage("fitting", 0, 1)
    statistics, limit_hz = linear.limited(Statistics.of(material))
    fit = linear.fitted(statistics, rate_hz)
    delay = fit.delay
    fit, material, turned = _straight(fit, material)
    sent_to, dry = None, material
    if reverb:
        stage("looking for a reverb", 0, 1)
        fit, sent_to, dry = _with_sends(fit, material)
    others = _turned(fit, material)
    spread = Spread.of(fit, dry)
    found = {name: figures.of_track(fit, spread, k, material.names) for k, name in enumerate(material.names)}
    chains = _direct(fit, material)
    if sent_to is not None:
        for name, amount in zip(material.names, sent_to.amounts, strict=True):
            chains[name] = send.sent(chains[name], amount, sent_to)
            found[name] = figures.with_send(found[name], amount)
    settings = MixSettings({name: chains.get(name, Chain()) for name in everything.names})
    return Found(
        settings,
        {name: found.get(name, figures.SILENT) for name in everything.names},
        residual.residual(material, settings, others),
        placed - round(delay),
        delay - round(delay),
        turned,
        others,
        limit_hz,
        sum(stop - start for start, stop in material.counted) / rate_hz,
        rate_hz,
    )


def _direct(fit: Fit, material: Material) -> dict[str, Chain]:
    return {name: _chain(path) for name, path in zip(material.names, fit.paths, strict=True)}


def _turned(fit: Fit, material: Material) -> tuple[str, ...]:
    return tuple(name for name, path in zip(material.names, fit.paths, strict=True) if path.turned)


def _with_sends(fit: Fit, material: Material) -> tuple[Fit, Sends | None, Material]:
    """Find a shared reverb, and fit the direct paths again to the mix without it."""
    direct, others = MixSettings(_direct(fit, material)), _turned(fit, material)
    found = send.sends(material, direct, others)
    if found is None:
        return fit, None, material
    wet = MixSettings(
        {name: send.sent(direct.tracks[name], a, found) for name, a in zip(material.names, found.amounts, strict=True)}
    )
    late = residual.rendered(material, wet, others) - residual.rendered(material, direct, others)
    dry = replace(material, mix=material.mix - late)
    statistics = Statistics.of(dry).below(len(fit.statistics.bands))
    better = linear.again(replace(fit, statistics=statistics))
    settings = MixSettings(_direct(better, material))
    return better, send.again(material, settings, _turned(better, material), found), dry


def _sounding(material: Material) -> Material:
    """The tracks that are no silence beside the loudest in what is compared."""
    pieces = [material.tracks[:, :, start:stop] for start, stop in material.counted]
    energy = np.sum([np.square(piece).sum(axis=(1, 2), dtype=np.float64) for piece in pieces], axis=0)
    heard = np.flatnonzero(energy > _SILENT * energy.max())
    if heard.size == len(energy):
        return material
    return replace(material, names=tuple(material.names[k] for k in heard), tracks=material.tracks[heard])


def _straight(fit: Fit, material: Material) -> tuple[Fit, Material, bool]:
    """Take the delay and the polarity of the mix out of it; whether the polarity was the other one."""
    signs = [-1.0 if path.turned else 1.0 for path in fit.paths]
    loud = np.sqrt((np.abs(fit.gains) ** 2 * fit.statistics.energy).sum(axis=(0, 1)))
    sign = -1.0 if float(loud @ signs) < 0 else 1.0
    paths = tuple(replace(path, turned=path.turned != (sign < 0)) for path in fit.paths)
    mix = residual.advanced(material.mix, fit.delay) if fit.delay else material.mix
    statistics = replace(fit.statistics, with_mix=sign * fit.with_mix)
    straight = Fit(statistics, fit.rate_hz, paths, fit.weights)
    return straight, replace(material, mix=np.float32(sign) * mix), sign < 0


def _chain(path: Path) -> Chain:
    return Chain(input_gain_db=path.gain_db, bands=path.bands, pan=PanSettings(path.pan))

"""A mix and its tracks in; what was done to each of them out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from mixprior.learning.reverse import compression, compressor, excerpt, figures, linear, residual, send
from mixprior.learning.reverse.alignment import alignment
from mixprior.learning.reverse.compression import Numbers
from mixprior.learning.reverse.compressor import CompressorFigures
from mixprior.learning.reverse.figures import TrackFigures
from mixprior.learning.reverse.fit import Fit
from mixprior.learning.reverse.intervals import Spread
from mixprior.learning.reverse.joint import Joint
from mixprior.learning.reverse.joint_search import complete
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.path import Path
from mixprior.learning.reverse.residual import Residual
from mixprior.learning.reverse.send import Sends
from mixprior.learning.reverse.statistics import Power, Statistics
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
    compressors: bool = False,
) -> Found:
    """Find what was done to tracks to make a mix.

    Args:
        tracks: by name, two channels each, of one rate; read one at a time.
        mix: two channels, of any rate.
        seconds: of a long song that are compared.
        stage: called with what is done next.
        reverb: whether to look for an FdnReverb that tracks share.
        compressors: whether to look for compressors of tracks.

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
    effects = _Effects.of(fit, material)
    if compressors:
        stage("looking for compressors", 0, 1)
        effects = effects.with_compressors()
    if reverb:
        stage("looking for a reverb", 0, 1)
        effects = effects.with_sends()
    found, chains = effects.figures(), effects.chains()
    others = _turned(effects.fit, material)
    settings = MixSettings({name: chains.get(name, Chain()) for name in everything.names})
    return Found(
        settings,
        {name: found.get(name, figures.SILENT) for name in everything.names},
        residual.residual(effects.whole, settings, others),
        placed - round(effects.delay),
        effects.delay - round(effects.delay),
        effects.turned,
        others,
        limit_hz,
        sum(stop - start for start, stop in material.counted) / rate_hz,
        rate_hz,
    )


@dataclass(frozen=True, eq=False)
class _Effects:
    """Direct paths, and what was found beside them.

    Attributes:
        fit: of the direct paths.
        whole: tracks and mix, that are not late and not turned against each other.
        material: tracks, compressed where a compressor was found, and the mix without reverb: the fit is to these.
        delay: by which the mix was late, in samples.
        turned: whether it was turned.
        numbers: of compressors, by the number of the track.
        sends: None for none.
        late: the reverb in the mix, (2, samples) or 0.
    """

    fit: Fit
    whole: Material
    material: Material
    delay: float
    turned: bool
    numbers: Mapping[int, Numbers] = field(default_factory=dict)
    sends: Sends | None = None
    late: np.ndarray | float = 0.0

    @classmethod
    def of(cls, fit: Fit, material: Material) -> _Effects:
        """Without effects."""
        direct, material, turned = linear.straight(fit, material)
        return cls(direct, material, material, fit.delay, turned)

    def with_compressors(self) -> _Effects:
        """Look for compressors, and fit the direct paths again to compressed tracks."""
        found = compression.squeezed(self.fit, self.whole)
        if found is None:
            return self
        numbers = complete(Joint(found.fit, found.compressors.numbers, found.material))
        if not numbers.numbers:
            return self
        fit, after = numbers.linear()
        delay, turned = self.delay + found.delay, self.turned != found.turned
        return _Effects(fit, found.material, after, delay, turned, numbers.numbers)

    def with_sends(self) -> _Effects:
        """Find a shared reverb, and fit the direct paths again to the mix without it."""
        fit, material = self.fit, self.material
        direct, others = MixSettings(_direct(fit, material)), _turned(fit, material)
        found = send.sends(material, direct, others)
        if found is None:
            return self
        amounts = dict(zip(material.names, found.amounts, strict=True))
        wet = MixSettings({name: send.sent(direct.tracks[name], a, found) for name, a in amounts.items()})
        late = residual.rendered(material, wet, others) - residual.rendered(material, direct, others)
        dry = replace(material, mix=material.mix - late)
        statistics = Statistics.of(dry).below(len(fit.statistics.bands))
        better = linear.again(replace(fit, statistics=statistics))
        settings = MixSettings(_direct(better, material))
        sends = send.again(material, settings, _turned(better, material), found)
        return replace(self, fit=better, material=dry, sends=sends, late=late)

    def figures(self) -> dict[str, TrackFigures]:
        """What is known of each track."""
        spread, power, names = Spread.of(self.fit, self.material), Power.of(self.whole), self.material.names
        squeezed: dict[int, tuple[CompressorFigures, float]] = {}
        if self.numbers:
            joint = Joint(self.fit, self.numbers, replace(self.whole, mix=self.whole.mix - self.late)).reweighted()
            spread = joint.spread(spread)
            squeezed = {k: (each, joint.lower_db(k)) for k, each in compressor.figures(joint, spread).items()}
        found = {name: figures.of_track(self.fit, spread, power, k, names) for k, name in enumerate(names)}
        for k, (each, lower_db) in squeezed.items():
            found[names[k]] = figures.with_compressor(found[names[k]], each, lower_db)
        for k, twin in self._compressed_twins():
            found[names[k]] = figures.without_twin(found[names[k]], names[twin])
        if self.sends is not None:
            for name, amount in zip(names, self.sends.amounts, strict=True):
                found[name] = figures.with_send(found[name], amount)
        return found

    def _compressed_twins(self) -> Iterator[tuple[int, int]]:
        """Tracks that sound alike before compressors, where one of the two was compressed: each with the other."""
        if self.numbers:
            alike = Statistics.of(self.whole).likeness() > figures.ALIKE
            for k, twin in np.argwhere(np.triu(alike, 1)):
                if not self.numbers.keys().isdisjoint((int(k), int(twin))):
                    yield from ((int(k), int(twin)), (int(twin), int(k)))

    def chains(self) -> dict[str, Chain]:
        """Settings of each track."""
        made = _direct(self.fit, self.material)
        if self.sends is not None:
            for name, amount in zip(made, self.sends.amounts, strict=True):
                made[name] = send.sent(made[name], amount, self.sends)
        for k, numbers in self.numbers.items():
            name = self.material.names[k]
            compressor = compression.settings_of(numbers, made[name].input_gain_db)
            made[name] = replace(made[name], compressor=compressor)
        return made


def _direct(fit: Fit, material: Material) -> dict[str, Chain]:
    return {name: _chain(path) for name, path in zip(material.names, fit.paths, strict=True)}


def _turned(fit: Fit, material: Material) -> tuple[str, ...]:
    return tuple(name for name, path in zip(material.names, fit.paths, strict=True) if path.turned)


def _sounding(material: Material) -> Material:
    """The tracks that are no silence beside the loudest in what is compared."""
    pieces = [material.tracks[:, :, start:stop] for start, stop in material.counted]
    energy = np.sum([np.square(piece).sum(axis=(1, 2), dtype=np.float64) for piece in pieces], axis=0)
    heard = np.flatnonzero(energy > _SILENT * energy.max())
    if heard.size == len(energy):
        return material
    return replace(material, names=tuple(material.names[k] for k in heard), tracks=material.tracks[heard])


def _chain(path: Path) -> Chain:
    return Chain(input_gain_db=path.gain_db, bands=path.bands, pan=PanSettings(path.pan))

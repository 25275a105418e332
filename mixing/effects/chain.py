"""Settings and sounds in, a mix out: the one place where sound is made."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.effects.effect import Effect, render_all
from mixprior.mixing.effects.equaliser import Equaliser
from mixprior.mixing.effects.gain import Gain
from mixprior.mixing.effects.limiter import Limiter, gains
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.effects.panner import Panner
from mixprior.mixing.effects.reverb import Reverb
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

VOCALS, BACKING = "vocals", "backing"
"""Names of the vocals, where a mix has any, and of all the rest."""


NONE_KNOWN: Mapping[str, BusSum] = {}


@dataclass(frozen=True)
class Sum:
    """A mix before its gain and limiter.

    Attributes:
        sound: the sum, two channels.
        parts: what was summed last, by name: the buses, and the tracks that go to the mix directly.
        backing: all but the vocals; None where there are no vocals, or nothing else.
    """

    sound: Sound
    parts: Mapping[str, Sound]
    backing: Sound | None

    @property
    def with_backing(self) -> dict[str, Sound]:
        """The parts, and "backing" among them where there is one."""
        return {**self.parts, **({} if self.backing is None else {BACKING: self.backing})}


@dataclass(frozen=True)
class BusSum:
    """What a bus sums, before its chain.

    Attributes:
        chains: of the tracks in it, by name.
        sound: their sum.
    """

    chains: Mapping[str, Chain]
    sound: Sound


def sum_up(settings: MixSettings, sounds: Mapping[str, Sound], known: Mapping[str, BusSum] = NONE_KNOWN) -> Sum:
    """Render all of a mix but its end; the same settings and sounds always give the same samples.

    Args:
        settings: whose tracks are the names of the sounds.
        sounds: two channels each and all of one rate, by name; all start at 0, and silence follows the shorter ones.
            One is read at a time, so that a mapping may load them when they are read.
        known: sums of buses that were made of the same sounds; where the chains of the tracks are the same they are not
            made again.

    Raises:
        InputError: if the names differ.
    """
    running = Total()
    found: dict[str, Sound] = {}
    backing: Sound | None = None
    for name, sound in parts(settings, sounds, known):
        if name == VOCALS and found:
            backing = found.get(BACKING) or running.sound()
        found[name] = sound
        running.add(sound)
    return Sum(running.sound(), found, backing)


def parts(
    settings: MixSettings, sounds: Mapping[str, Sound], known: Mapping[str, BusSum] = NONE_KNOWN
) -> Iterator[tuple[str, Sound]]:
    """What is summed last, the buses and the tracks without one, each processed; the vocals come last.

    Arguments and errors are those of `sum_up`.
    """
    if set(settings.tracks) != set(sounds):
        raise InputError(
            f"the settings are for the tracks {', '.join(sorted(settings.tracks))}, "
            f"and the sounds are {', '.join(sorted(sounds))}"
        )
    direct = [name for name in settings.tracks if name not in settings.routing]
    for name in sorted([*direct, *settings.buses], key=lambda part: part == VOCALS):
        if name in direct:
            yield name, process(settings.tracks[name], sounds[name])
            continue
        chains = {track: chain for track, chain in settings.tracks.items() if settings.routing.get(track) == name}
        bus = known.get(name)
        if bus is None or bus.chains != chains:
            bus = bus_sum(chains, sounds)
        yield name, process(settings.buses[name], bus.sound)


def bus_sum(chains: Mapping[str, Chain], sounds: Mapping[str, Sound]) -> BusSum:
    """Sum tracks, each through its chain."""
    return BusSum(chains, total(process(chain, sounds[track]) for track, chain in chains.items()))


def total(sounds: Iterable[Sound]) -> Sound:
    """Sum sounds as `Total` does, one at a time: those of a generator need not be kept. Empty without a sound."""
    running = Total()
    for sound in sounds:
        running.add(sound)
    return running.sound()


def finish(sound: Sound, settings: MixSettings) -> Sound:
    """Apply the gain and the limiter of the mix to a sum."""
    effects: list[Effect] = [*_gain(settings.gain_db)]
    if settings.limiter is not None:
        effects.append(Limiter(settings.limiter, sound.rate_hz))
    return _through(effects, sound)


def finished_parts(summed: Sum, settings: MixSettings) -> dict[str, Sound]:
    """What was summed, and the backing, as it is in the mix: each at the gain of the mix and of its limiter.

    Without the backing they sum to what `finish` makes of the sum, but for rounding.
    """
    gained = {name: sound.gained(settings.gain_db) for name, sound in summed.with_backing.items()}
    if settings.limiter is None:
        return gained
    gain = gains(settings.limiter, summed.sound.gained(settings.gain_db))
    return {name: Sound(sound.audio * gain[: sound.samples], sound.rate_hz) for name, sound in gained.items()}


def process(chain: Chain, sound: Sound) -> Sound:
    """Send a sound of two channels through its chain: as long as it was, and the same object where nothing is done."""
    return _through(list(_effects(chain, sound.rate_hz)), sound)


def _through(effects: Sequence[Effect], sound: Sound) -> Sound:
    return Sound(render_all(effects, sound.audio), sound.rate_hz) if effects else sound


class Total:
    """A running sum of sounds that start together, two channels each and all of one rate."""

    def __init__(self) -> None:
        self._sum = Sound(np.zeros((2, 0), np.float32), SAMPLE_RATE_HZ)
        self._known_to_others = True  # and so not to be changed

    def add(self, sound: Sound) -> None:
        """Add a sound; silence follows the shorter ones."""
        shorter, longer = sorted((self._sum, sound), key=lambda one: one.samples)
        if shorter.samples == 0:
            self._sum, self._known_to_others = longer, True
            return
        if self._known_to_others or longer is sound:
            longer = Sound(longer.audio.copy(), longer.rate_hz)
        longer.audio[:, : shorter.samples] += shorter.audio
        self._sum, self._known_to_others = longer, False

    def sound(self) -> Sound:
        """The sum so far; empty without a sound."""
        self._known_to_others = True
        return self._sum


def _effects(chain: Chain, rate_hz: int) -> Iterator[Effect]:
    yield from _gain(chain.input_gain_db)
    if chain.match is not None:
        yield MatchingFilter(chain.match, rate_hz)
    if chain.bands:
        yield Equaliser(chain.bands, rate_hz)
    if chain.compressor is not None:
        yield Compressor(chain.compressor, rate_hz)
    if chain.pan is not None:
        yield Panner(chain.pan)
    if chain.reverb is not None:
        yield Reverb(chain.reverb, rate_hz)
    yield from _gain(chain.output_gain_db)


def _gain(gain_db: float) -> Iterator[Effect]:
    if gain_db != 0:
        yield Gain(gain_db)

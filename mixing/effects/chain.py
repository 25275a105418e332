"""Settings and sounds in, a mix out: the one place where sound is made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mixprior.mixing.effects.compressor import Compressor
from mixprior.mixing.effects.effect import Effect, render
from mixprior.mixing.effects.equaliser import Equaliser
from mixprior.mixing.effects.limiter import Limiter
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.effects.panner import Panner
from mixprior.mixing.effects.reverb import Reverb
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.stats import loudness_blocks
from mixprior.stats.errors import InputError
from mixprior.stats.loudness_blocks import Blocks

VOICES = ("vocal", "vocals")
"""Names of the part that sings, if there is one."""
BACKING = "backing"


@dataclass(frozen=True)
class Sum:
    """A mix before its gain and limiter.

    Attributes:
        audio: float32, (2, samples).
        parts: energies of what was summed last, by name: the buses, and the sounds that go to the mix directly. With
            one of `VOICES` among them "backing" is there, too: all the rest.
    """

    audio: np.ndarray
    parts: Mapping[str, Blocks]


def sum_up(settings: MixSettings, sounds: Mapping[str, np.ndarray], rate_hz: int) -> Sum:
    """Make all of a mix but its end; the same settings and sounds always give the same samples.

    Args:
        settings: whose tracks are the names of the sounds.
        sounds: float32, (2, samples), by name; all start at 0, and silence follows the shorter ones. One is asked for
            at a time, so that a mapping may read them when they are asked for.
        rate_hz: sample rate of all.

    Raises:
        InputError: if the names differ.
    """
    total = np.zeros((2, 0), np.float32)
    measured: dict[str, Blocks] = {}
    for name, audio in parts(settings, sounds, rate_hz):
        if name in VOICES and BACKING not in measured and measured:
            measured[BACKING] = loudness_blocks.measure(total, rate_hz)
        measured[name] = loudness_blocks.measure(audio, rate_hz)
        total = add(total, audio)
    return Sum(total, measured)


def parts(settings: MixSettings, sounds: Mapping[str, np.ndarray], rate_hz: int) -> Iterator[tuple[str, np.ndarray]]:
    """What is summed last, the buses and the sounds without one, each processed; the voice comes at the end.

    Arguments and errors are those of `sum_up`.
    """
    if set(settings.tracks) != set(sounds):
        raise InputError(
            f"the settings are for the tracks {', '.join(sorted(settings.tracks))}, "
            f"and the sounds are {', '.join(sorted(sounds))}"
        )
    direct = [name for name in settings.tracks if name not in settings.routing]
    for name in sorted([*direct, *settings.buses], key=lambda part: part in VOICES):
        if name in direct:
            yield name, process(settings.tracks[name], sounds[name], rate_hz)
            continue
        bus = np.zeros((2, 0), np.float32)
        for track, chain in settings.tracks.items():
            if settings.routing.get(track) == name:
                bus = add(bus, process(chain, sounds[track], rate_hz))
        yield name, process(settings.buses[name], bus, rate_hz)


def finish(audio: np.ndarray, settings: MixSettings, rate_hz: int) -> np.ndarray:
    """Apply the gain and the limiter of the mix to a sum."""
    audio = gained(audio, settings.gain_db)
    return audio if settings.limiter is None else render(Limiter(settings.limiter, rate_hz), audio)


def process(chain: Chain, audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Send one sound through its chain: float32, (2, samples), as long as it was."""
    audio = gained(audio, chain.input_gain_db)
    for effect in _effects(chain, rate_hz):
        audio = render(effect, audio)
    return gained(audio, chain.output_gain_db)


def gained(audio: np.ndarray, gain_db: float) -> np.ndarray:
    """Amplify; 0 dB is the same array."""
    return audio if gain_db == 0 else audio * np.float32(10 ** (gain_db / 20))


def add(total: np.ndarray, audio: np.ndarray) -> np.ndarray:
    """Add two sounds that start together; as long as the longer one, the first one is added to where it can be."""
    if audio.shape[1] > total.shape[1]:
        total = np.pad(total, ((0, 0), (0, audio.shape[1] - total.shape[1])))
    total[:, : audio.shape[1]] += audio
    return total


def _effects(chain: Chain, rate_hz: int) -> Iterator[Effect]:
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

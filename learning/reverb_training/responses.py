"""Wet-only responses of many kinds of reverb, drawn at random, and their measured reverberation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numba
import numpy as np
from scipy import fft

from mixprior.pipeline.audio import audio_file
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.energy_decay import (
    DIRECT_WINDOW_S,
    OCTAVE_BANDS_HZ,
    octave_reverberation_times_s,
    reverberation_time_s,
)
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.reverb.response import without_direct

SHORTEST_S, LONGEST_S = 0.25, 4.5
"""Broadband reverberation times are drawn log-uniformly between these."""

_BANDS_HZ = 125.0 * 2.0 ** np.arange(7)
_DECAY_DB = 70.0


@dataclass(frozen=True)
class Response:
    """A wet-only response and its parameters.

    Attributes:
        audio: float32, shape (2, samples); the energy of a channel, averaged over both, is 1.
        kind: network, noise, room, comb or file.
        parameters: what was drawn.
    """

    audio: np.ndarray
    kind: str
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Truth:
    """Targets of the estimator.

    Attributes:
        reverberation_time_s: T20 over all frequencies; None if it cannot be measured.
        octave_reverberation_times_s: T20 in the octaves 250 to 4000 Hz.
        octave_gains_db: energy per hertz in those octaves against that of a unit impulse; shape (5,).
    """

    reverberation_time_s: float | None
    octave_reverberation_times_s: tuple[float | None, ...]
    octave_gains_db: np.ndarray


def truth(response: Response, sample_rate_hz: int) -> Truth:
    """Measure the reverberation times (ISO 3382-1, T20) and the energy by octave of a response."""
    power = np.mean(np.abs(fft.rfft(response.audio.astype(np.float64), axis=1)) ** 2, axis=0)
    hz = fft.rfftfreq(response.audio.shape[1], 1 / sample_rate_hz)
    density = np.array([power[(hz >= c / 2**0.5) & (hz < c * 2**0.5)].mean() for c in OCTAVE_BANDS_HZ])
    return Truth(
        reverberation_time_s(response.audio, sample_rate_hz),
        octave_reverberation_times_s(response.audio, sample_rate_hz),
        10 * np.log10(density + 1e-12),
    )


def draw(rng: np.random.Generator, sample_rate_hz: int, files: tuple[Path, ...] = ()) -> Response:
    """Draw a response of any kind: our network, shaped noise, an image-source room, comb filters, or a file.

    Rooms need pyroomacoustics, and responses of files need files; kinds that are not available are left out.

    Args:
        rng: draws everything.
        sample_rate_hz: of the response, 16 kHz or more.
        files: measured responses, with or without their direct sound, which is removed; their decay is changed.
    """
    kinds: list[tuple[float, Callable[[np.random.Generator, int], Response]]] = [
        (3.0, draw_network),
        (4.0, draw_noise),
        (1.5, draw_comb),
    ]
    if has_rooms():
        kinds.append((1.0, draw_room))
    if files:
        kinds.append((3.0, lambda rng, rate_hz: draw_file(rng, rate_hz, files[rng.integers(len(files))])))
    weights = np.array([weight for weight, _ in kinds])
    return kinds[rng.choice(len(kinds), p=weights / weights.sum())][1](rng, sample_rate_hz)


def draw_network(rng: np.random.Generator, sample_rate_hz: int) -> Response:
    """Draw settings of our network (IEM FdnReverb) and render them without their dry path."""
    time_s = _time_s(rng)
    settings = FdnReverbSettings(
        room_size=int(rng.integers(1, 31)),
        reverberation_time_s=time_s,
        lows_cutoff_hz=float(np.exp(rng.uniform(np.log(60), np.log(500)))),
        lows_q=float(rng.uniform(0.3, 0.9)),
        lows_gain_db_s=float(rng.uniform(-20, min(6.0, 30 / time_s))),
        highs_cutoff_hz=float(np.exp(rng.uniform(np.log(1000), np.log(12_000)))),
        highs_q=float(rng.uniform(0.3, 0.9)),
        highs_gain_db_s=float(rng.uniform(-60, 0)),
        dry_wet=1.0,
        fade_in_s=float(rng.uniform(0.05, 0.7) * time_s) if rng.random() < 0.5 else 0.0,
        fdn_size=int(rng.choice((16, 32, 64), p=(0.15, 0.15, 0.7))),
    )
    try:
        audio = vocal_response(settings, sample_rate_hz, _length_s(time_s), wet_only=True)
    except InputError:  # the gain at low frequencies makes the loop unstable
        settings = replace(settings, lows_gain_db_s=-abs(settings.lows_gain_db_s))
        audio = vocal_response(settings, sample_rate_hz, _length_s(time_s), wet_only=True)
    # Without fade-in the shelves pass a copy of the input before the shortest delay (0.3 ms): that is direct sound.
    return Response(_normalised(audio[:, round(0.00025 * sample_rate_hz) :]), "network", vars(settings).copy())


def draw_noise(rng: np.random.Generator, sample_rate_hz: int) -> Response:
    """Draw noise that decays exponentially in each octave, after early reflections, a pre-delay and a build-up."""
    middle_s = _time_s(rng)
    slope = rng.uniform(-0.35, 0.12, 2)
    octaves = np.log2(_BANDS_HZ / 1000)
    times_s = middle_s * 2 ** (np.where(octaves > 0, slope[0], -slope[1]) * octaves + rng.normal(0, 0.06, octaves.size))
    levels_db = rng.uniform(-4, 1) * np.maximum(octaves, 0) + rng.uniform(-3, 2) * np.maximum(-octaves, 0)
    return noise(
        rng,
        sample_rate_hz,
        times_s=np.clip(times_s, 0.2, LONGEST_S),
        levels_db=levels_db + rng.normal(0, 1, octaves.size),
        predelay_s=float(rng.uniform(0, 0.08)),
        buildup_s=float(rng.choice((0.0, rng.uniform(0, 0.1)))),
        early_db=float(rng.uniform(-25, 0)),
    )


def noise(
    rng: np.random.Generator,
    sample_rate_hz: int,
    *,
    times_s: np.ndarray,
    levels_db: np.ndarray,
    predelay_s: float = 0.0,
    buildup_s: float = 0.0,
    early_db: float | None = None,
) -> Response:
    """Shape stereo noise by octaves (after Moorer, Computer Music Journal 3 (2), 1979).

    Args:
        rng: draws the noise and the reflections.
        sample_rate_hz: of the response.
        times_s: reverberation times in the seven octaves 125 Hz to 8 kHz; the outer ones apply beyond.
        levels_db: initial level of each octave, per hertz.
        predelay_s: silence before the noise.
        buildup_s: time until the noise reaches its maximum.
        early_db: energy of about a dozen single reflections against the noise; None for none.
    """
    samples = round(_length_s(float(times_s.max())) * sample_rate_hz)
    time_s = np.arange(samples) / sample_rate_hz
    bands = _octaves(samples, sample_rate_hz)
    spectrum = fft.rfft(rng.standard_normal((2, samples)), axis=1)
    audio = np.zeros((2, samples))
    for band, reverberation_s, level_db in zip(bands, times_s, levels_db, strict=True):
        envelope = 10 ** (level_db / 20 - 3 * time_s / reverberation_s)
        audio += fft.irfft(spectrum * band, samples, axis=1) * envelope
    if buildup_s > 0:
        audio *= np.minimum(time_s / buildup_s, 1.0)
    if early_db is not None:
        count = int(rng.integers(6, 18))
        early = np.zeros((2, samples))
        at = (rng.uniform(0, 0.08, (2, count)) * sample_rate_hz).astype(int)
        for side in range(2):
            early[side, at[side]] = rng.choice((-1, 1), count) * 10 ** (-at[side] / sample_rate_hz / 0.08)
        audio += early * np.sqrt(10 ** (early_db / 10) * np.sum(audio**2) / np.sum(early**2))
    audio = np.pad(audio, ((0, 0), (round(predelay_s * sample_rate_hz), 0)))
    drawn = {"times_s": times_s.tolist(), "levels_db": levels_db.tolist()}
    drawn |= {"predelay_s": predelay_s, "buildup_s": buildup_s, "early_db": early_db}
    return Response(_normalised(audio), "noise", drawn)


def draw_comb(rng: np.random.Generator, sample_rate_hz: int) -> Response:
    """Draw a reverb of eight damped combs and four allpasses per side (Schroeder 1962; the lay-out of Freeverb).

    The delays are drawn around those of small halls, so that the family is wider than one product.
    """
    time_s, damping = _time_s(rng), float(rng.uniform(0.02, 0.6))
    size = float(rng.uniform(0.6, 1.8))
    combs_s = size * np.sort(rng.uniform(0.025, 0.037, 8))
    allpasses_s = rng.uniform(0.005, 0.0127, 4)
    samples = round(_length_s(time_s) * sample_rate_hz)
    audio = np.zeros((2, samples))
    for side, spread_s in enumerate((0.0, float(rng.uniform(0.0003, 0.0008)))):
        comb_samples = np.round((combs_s + spread_s) * sample_rate_hz).astype(np.int64)
        gains = 10 ** (-3 * comb_samples / sample_rate_hz / time_s)
        _add_combs(audio[side], comb_samples, gains, damping)
        for delay in np.round((allpasses_s + spread_s) * sample_rate_hz).astype(np.int64):
            audio[side] = _allpass(audio[side], delay)
    return Response(_normalised(audio), "comb", {"time_s": time_s, "damping": damping, "size": size})


@numba.njit(cache=True)
def _add_combs(wet: np.ndarray, delays: np.ndarray, gains: np.ndarray, damping: float) -> None:
    # Responses of y[n] = x[n - D] + g lowpass(y[n - D]), added up.
    for comb in range(delays.size):
        delay = delays[comb]
        line = np.zeros(delay)
        line[0] = 1.0
        low = 0.0
        at = 0
        for n in range(delay, wet.size):
            y = line[at]
            wet[n] += y
            low = (1 - damping) * y + damping * low
            line[at] = gains[comb] * low
            at += 1
            if at == delay:
                at = 0


@numba.njit(cache=True)
def _allpass(x: np.ndarray, delay: int) -> np.ndarray:
    y = np.empty_like(x)
    for n in range(x.size):
        y[n] = -0.5 * x[n]
        if n >= delay:
            y[n] += x[n - delay] + 0.5 * y[n - delay]
    return y


def has_rooms() -> bool:
    """Whether pyroomacoustics is installed."""
    try:
        import pyroomacoustics  # noqa: F401
    except ImportError:
        return False
    return True


def draw_room(rng: np.random.Generator, sample_rate_hz: int) -> Response:
    """Draw a box with a source and two microphones, traced by pyroomacoustics, without its direct sound."""
    import pyroomacoustics as pra

    while True:
        edges_m = rng.uniform((3, 3, 2.3), (20, 15, 8))
        time_s = float(np.exp(rng.uniform(np.log(SHORTEST_S), np.log(2.0))))
        try:
            absorption, _ = pra.inverse_sabine(time_s, edges_m)
        except ValueError:  # no wall has so much absorption
            continue
        break
    room = pra.ShoeBox(
        edges_m,
        fs=sample_rate_hz,
        materials=pra.Material(absorption),
        max_order=3,
        ray_tracing=True,
        air_absorption=True,
    )
    source, ear = (rng.uniform(0.5, edges_m - 0.5) for _ in range(2))
    room.add_source(source)
    room.add_microphone_array(np.stack([ear, np.clip(ear + np.array([0.2, 0, 0]), 0.3, edges_m - 0.3)], axis=1))
    room.compute_rir()
    sides = [room.rir[side][0] for side in range(2)]
    audio = np.stack([np.pad(side, (0, max(map(len, sides)) - len(side))) for side in sides])
    return Response(
        _normalised(_without_direct(audio, sample_rate_hz)), "room", {"time_s": time_s, "edges_m": edges_m.tolist()}
    )


def draw_file(rng: np.random.Generator, sample_rate_hz: int, path: Path) -> Response:
    """Take a response from a file, without its direct sound, with a further exponential decay, drawn, in most cases.

    The decay extends the range of reverberation times; they are only shortened, so that no noise is amplified.
    """
    audio = _of_file(path, sample_rate_hz)
    time_s = reverberation_time_s(audio, sample_rate_hz)
    target_s = _time_s(rng)
    if time_s is not None and target_s < time_s:
        rate = 1 / target_s - 1 / time_s
        audio = audio * 10 ** (-3 * rate * np.arange(audio.shape[1]) / sample_rate_hz)
    predelay_s = float(rng.uniform(0, 0.05))
    audio = np.pad(audio, ((0, 0), (round(predelay_s * sample_rate_hz), 0)))
    return Response(_normalised(audio), "file", {"name": path.name, "time_s": target_s, "predelay_s": predelay_s})


@lru_cache(maxsize=64)
def _of_file(path: Path, sample_rate_hz: int) -> np.ndarray:
    return _without_direct(audio_file.read(path).sound.at(sample_rate_hz).audio, sample_rate_hz)


def _without_direct(audio: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    # The strongest peak is a direct sound if a fifth of all energy is within 2.5 ms of it; a wet-only file has none.
    energy = np.sum(np.square(audio, dtype=np.float64), axis=0)
    peak, reach = int(np.argmax(energy)), round(DIRECT_WINDOW_S * sample_rate_hz)
    has_direct = energy[max(peak - reach, 0) : peak + reach + 1].sum() > 0.2 * energy.sum()
    return without_direct(audio, sample_rate_hz) if has_direct else audio


def _time_s(rng: np.random.Generator) -> float:
    return float(np.exp(rng.uniform(np.log(SHORTEST_S), np.log(LONGEST_S))))


def _length_s(time_s: float) -> float:
    return _DECAY_DB / 60 * time_s + 0.2


def _octaves(samples: int, sample_rate_hz: int) -> list[np.ndarray]:
    # Raised-cosine octaves on a log scale, power-complementary; the outer ones reach to 0 and to half the rate.
    place = np.log2(np.maximum(fft.rfftfreq(samples, 1 / sample_rate_hz), 1.0) / _BANDS_HZ[0])
    place = np.clip(place, 0, _BANDS_HZ.size - 1)
    return [np.cos(np.pi / 2 * np.clip(np.abs(place - band), 0, 1)) for band in range(_BANDS_HZ.size)]


def _normalised(audio: np.ndarray) -> np.ndarray:
    energy = float(np.mean(np.sum(np.square(audio, dtype=np.float64), axis=1)))
    return (audio / np.sqrt(energy)).astype(np.float32)

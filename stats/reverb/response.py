"""Impulse responses other than the plug-in's: that of an estimated reverberation, and one without its direct sound."""

from __future__ import annotations

import numpy as np

from mixprior.stats.reverb.blind.decay_features import OCTAVES_HZ
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.energy_decay import DIRECT_WINDOW_S

RATE_HZ = 44_100
"""Of what `synthesise` makes: the rate that vocals are estimated at."""

_DECAY_DB = 90.0  # length of a response: until the slowest octave has fallen by this
_LEAST_REST_DB = -20.0


def synthesise(reverberation: Reverberation, *, seed: int) -> np.ndarray:
    """A response with the estimated reverberation of vocals: a unit impulse, then noise that decays by octave.

    The two channels are independent noises (J. A. Moorer, About this reverberation business, Computer Music Journal
    3(2), 1979) in octaves with brick walls between them; each begins at its estimated level and falls at its rate,
    2.5 ms after the impulse. What is estimated of no octave, below 177 Hz and above 5.7 kHz, decays as the octave next
    to it; the highs have the energy that the octaves lack to the broadband `wet_dry_db`, within 20 dB below the
    loudest octave, and all noise is then set to that level.

    Args:
        reverberation: of `blind.estimate`.
        seed: of the noise.

    Returns:
        float64, shape (2, samples), 44.1 kHz; sample 0 is 1 in both channels.
    """
    times_s = np.concatenate([reverberation.rt60_octaves_s, reverberation.rt60_octaves_s[-1:]])
    levels = 10 ** (reverberation.wet_dry_octaves_db / 10)
    edges_hz = np.array([0.0, *(f * 2**0.5 for f in OCTAVES_HZ), RATE_HZ / 2])
    shares = np.diff(edges_hz) / edges_hz[-1]
    total = 10 ** (reverberation.wet_dry_db / 10)
    rest = (total - levels @ shares[:-1]) / shares[-1]
    levels = np.append(levels, np.clip(rest, levels.max() * 10 ** (_LEAST_REST_DB / 10), levels.max()))
    energies = levels * shares
    energies *= total / energies.sum()

    size = round(times_s.max() * _DECAY_DB / 60 * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal((2, size)))
    frequencies_hz = np.fft.rfftfreq(size, 1 / RATE_HZ)
    since_s = np.arange(size) / RATE_HZ
    tail = np.zeros((2, size))
    for low_hz, high_hz, time_s, energy in zip(edges_hz[:-1], edges_hz[1:], times_s, energies, strict=True):
        inside = (frequencies_hz >= low_hz) & (frequencies_hz < high_hz)
        band = np.fft.irfft(spectrum * inside, size) * 10 ** (-3 * since_s / time_s)
        tail += band * np.sqrt(energy / np.mean(np.sum(band**2, axis=1)))
    direct = np.zeros((2, round(DIRECT_WINDOW_S * RATE_HZ) + 1))
    direct[:, 0] = 1.0
    return np.concatenate([direct, tail], axis=1)


def without_direct(impulse_response: np.ndarray, sample_rate_hz: int) -> np.ndarray:
    """What comes after the direct sound, which is within 2.5 ms of the strongest peak, as in `energy_decay`.

    The reverberation time of a faint reverb is read from this: with the direct sound, its decay would begin below the
    -25 dB where T20 ends.

    Args:
        impulse_response: shape (channels, samples).
        sample_rate_hz: rate.

    Returns:
        float64, shape (channels, fewer samples).
    """
    response = np.asarray(impulse_response, np.float64)
    peak = int(np.argmax(np.sum(response**2, axis=0)))
    return response[:, peak + round(DIRECT_WINDOW_S * sample_rate_hz) + 1 :]

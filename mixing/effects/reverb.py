"""FdnReverb as a convolution: the network's response is rendered once, and a song costs a fraction of running it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numba
import numpy as np
import scipy.fft

from mixprior.mixing.effects.stereo import checked
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.delay_lines import delays
from mixprior.stats.reverb.fdn.network import FdnReverb
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

FRAME = 16_384
"""Samples that are transformed at once: of 8,192, this and 32,768 the fastest at 0.4 and 1 s of reverberation."""

LONGEST_S = 60.0
"""No longer response is held: 85 MB at 44.1 kHz."""

_ENDED_DB = -140.0
_SHORTEST_S = 0.1  # no network of a shorter reverberation time can be had alone
_GRID_HZ = np.geomspace(10.0, 24_000.0, 128)


class Reverb:
    """What `mixprior.stats.reverb.fdn.network.FdnReverb` does, dry sound included, within a millionth of the peak.

    Uniformly partitioned overlap-save (F. Wefers, Partitioned convolution algorithms for real-time auralization, 2015):
    both inputs to both outputs, products in single precision. Frames are at fixed places of the sound, so that calls of
    any length give the same samples.

    Args:
        settings: taken as they are, not rounded to the plug-in's steps.
        rate_hz: sample rate, from 8 kHz.

    Attributes:
        delay: `FRAME` samples.
        response_s: length of the response.

    Raises:
        InputError: if the sample rate is too low, the sound would grow, or would take over 60 s to fall silent.

    >>> reverb = Reverb(FdnReverbSettings(reverberation_time_s=0.2), 44_100)
    >>> reverb.process(np.zeros((2, 100), np.float32)).shape, reverb.delay
    ((2, 100), 16384)
    """

    delay = FRAME

    def __init__(self, settings: FdnReverbSettings, rate_hz: float) -> None:
        wet = response(settings, rate_hz)
        self.response_s = wet.shape[2] / rate_hz
        parts = -(-wet.shape[2] // FRAME)
        self._spectra = np.empty((parts, 2, 2, FRAME + 1), np.complex64)
        for part in range(parts):
            self._spectra[part] = scipy.fft.rfft(wet[..., part * FRAME : (part + 1) * FRAME], 2 * FRAME)
        self._heard = np.zeros((parts, 2, FRAME + 1), np.complex64)
        self._newest = 0
        self._dry = 1.0 - settings.dry_wet
        # The frame before, and the one that is filling. In double precision transforms take no longer (SciPy's run two
        # channels at once then, and only one in single), and their errors do not count.
        self._sound = np.zeros((2, 2 * FRAME))
        self._out = np.zeros((2, FRAME), np.float32)
        self._filled = 0

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Reverberate the next samples.

        Args:
            audio: float32, (2, samples).

        Returns:
            float32, (2, samples), `delay` samples late.

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        audio = checked(audio)
        out = np.empty(audio.shape, np.float32)
        begin = 0
        while begin < audio.shape[1]:
            count = min(audio.shape[1] - begin, FRAME - self._filled)
            place = slice(self._filled, self._filled + count)
            out[:, begin : begin + count] = self._out[:, place]
            self._sound[:, FRAME:][:, place] = audio[:, begin : begin + count]
            begin += count
            self._filled += count
            if self._filled == FRAME:
                self._finish_frame()
        return out

    def _finish_frame(self) -> None:
        self._newest = (self._newest + 1) % len(self._heard)
        self._heard[self._newest] = scipy.fft.rfft(self._sound)
        product = _convolve(self._spectra, self._heard, self._newest)
        wet = scipy.fft.irfft(product.astype(np.complex128), 2 * FRAME)[:, FRAME:]
        self._out = (wet + self._dry * self._sound[:, FRAME:]).astype(np.float32)
        self._sound[:, :FRAME] = self._sound[:, FRAME:]
        self._filled = 0


def response(settings: FdnReverbSettings, rate_hz: float) -> np.ndarray:
    """The wet responses, with their knob, until they have ended: the last stretch has 140 dB less energy than the rest.

    Args:
        settings: see `Reverb`.
        rate_hz: see `Reverb`.

    Returns:
        float64, (2 inputs, 2 outputs, samples).

    Raises:
        InputError: see `Reverb`.
    """
    reverb = FdnReverb(settings, rate_hz)  # refuses what is not stable, or runs at no such rate
    slowest_s = max(settings.decay_time_s(_GRID_HZ, rate_hz).max(), settings.fade_in_s)
    if slowest_s * _ENDED_DB / -60.0 > LONGEST_S:
        raise InputError(
            f"this reverb takes over {LONGEST_S:g} s to fall silent: "
            "lower lows_gain_db_s, highs_gain_db_s, reverberation_time_s or fade_in_s"
        )
    if settings.fade_in_s < _SHORTEST_S:
        return _run([reverb, FdnReverb(settings, rate_hz)], settings, rate_hz)
    # The network of the fade-in mostly ends long before the other, and need not run on with it.
    network, fade_in = (
        response(replace(settings, reverberation_time_s=time_s, fade_in_s=0.0), rate_hz)
        for time_s in (settings.reverberation_time_s, settings.fade_in_s)
    )
    wet = np.zeros((2, 2, max(network.shape[2], fade_in.shape[2])))
    wet[..., : network.shape[2]] = network
    wet[..., : fade_in.shape[2]] -= fade_in
    return wet


def _run(networks: Sequence[FdnReverb], settings: FdnReverbSettings, rate_hz: float) -> np.ndarray:
    """One network for each input, in stretches as long as the longest line: no sound hides in a line for longer."""
    stretch = int(delays(int(settings.room_size), settings.fdn_size, rate_hz).max())
    sound = np.zeros((2, 2, stretch), np.float32)
    sound[[0, 1], [0, 1], 0] = 1.0
    stretches: list[np.ndarray] = []
    energy = last = 0.0
    while not stretches or last > energy * 10 ** (_ENDED_DB / 10):
        stretches.append(np.stack([network.process_exact(each) for network, each in zip(networks, sound, strict=True)]))
        last = float(np.square(stretches[-1]).sum())
        energy += last
        sound[:] = 0.0
    stretches[0][[0, 1], [0, 1], 0] -= 1.0 - settings.dry_wet
    return np.concatenate(stretches, axis=2)


@numba.njit(cache=True, fastmath={"contract"})
def _convolve(spectra: np.ndarray, frames: np.ndarray, newest: int) -> np.ndarray:
    """Sum over parts and inputs: (parts, 2, 2, bins) times (parts, 2, bins), the newest frame by the first part."""
    parts, _, _, bins = spectra.shape
    out = np.zeros((2, bins), np.complex64)
    for part in range(parts):
        frame = (newest - part) % parts
        for side in range(2):
            for k in range(bins):  # named slices of these arrays would take twice as long
                out[side, k] += (
                    spectra[part, 0, side, k] * frames[frame, 0, k] + spectra[part, 1, side, k] * frames[frame, 1, k]
                )
    return out

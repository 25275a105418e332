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

_BINS = 256
_GROUPS = FRAME // _BINS + 1
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

    Raises:
        InputError: if the sample rate is too low, the sound would grow, or would take over 60 s to fall silent.

    >>> reverb = Reverb(FdnReverbSettings(reverberation_time_s=0.2), 44_100)
    >>> reverb.process(np.zeros((2, 100), np.float32)).shape, reverb.delay
    ((2, 100), 16384)
    """

    delay = FRAME

    def __init__(self, settings: FdnReverbSettings, rate_hz: float) -> None:
        wet = response(settings, rate_hz)
        parts = -(-wet.shape[2] // FRAME)
        self._spectra = np.zeros((_GROUPS, parts, 8 * _BINS), np.float32)
        for part in range(parts):
            spectrum = scipy.fft.rfft(wet[..., part * FRAME : (part + 1) * FRAME], 2 * FRAME).reshape(4, -1)
            padded = np.pad(spectrum, ((0, 0), (0, _GROUPS * _BINS - FRAME - 1))).reshape(4, _GROUPS, _BINS)
            apart = np.stack([padded.real, padded.imag], axis=1)
            self._spectra[:, part] = apart.transpose(2, 0, 1, 3).reshape(_GROUPS, -1)
        self._heard = np.zeros((_GROUPS, parts, 4 * _BINS), np.float32)
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
        self._newest = (self._newest + 1) % self._heard.shape[1]
        spectra = scipy.fft.rfft(self._sound)
        _convolve(self._spectra, self._heard, self._newest, spectra)
        wet = scipy.fft.irfft(spectra, overwrite_x=True)[:, FRAME:]
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


@numba.njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _convolve(response: np.ndarray, heard: np.ndarray, newest: int, spectra: np.ndarray) -> None:
    """Turn the spectra of the newest frame, (2, bins), into those of the wet sound: a sum over parts and inputs.

    The response, (groups, parts, 2 inputs x 2 outputs x 2 x bins), and the frames heard, (groups, parts, 2 x 2 x bins),
    keep real and imaginary parts apart, and as few arrays as can be told apart where the loop begins: it fills vector
    registers. The sums of a group of bins stay in the first cache.
    """
    groups, parts, _ = response.shape
    wet = np.empty(4 * _BINS, np.float32)
    for group in range(groups):
        count = min(_BINS, spectra.shape[1] - group * _BINS)
        now = heard[group, newest]
        for side in range(2):
            spectrum = spectra[side, group * _BINS : group * _BINS + count]
            for k in range(count):
                now[2 * side * _BINS + k] = spectrum[k].real
                now[(2 * side + 1) * _BINS + k] = spectrum[k].imag
        wet[:] = 0
        for part in range(parts):
            weight, frame = response[group, part], heard[group, (newest - part) % parts]
            for k in range(_BINS):
                x, ix, y, iy = frame[k], frame[_BINS + k], frame[2 * _BINS + k], frame[3 * _BINS + k]
                a, ia, b, ib = weight[k], weight[_BINS + k], weight[2 * _BINS + k], weight[3 * _BINS + k]
                c, ic, d, i_d = (
                    weight[4 * _BINS + k], weight[5 * _BINS + k], weight[6 * _BINS + k], weight[7 * _BINS + k]
                )  # fmt: skip
                wet[k] += a * x - ia * ix + c * y - ic * iy
                wet[_BINS + k] += a * ix + ia * x + c * iy + ic * y
                wet[2 * _BINS + k] += b * x - ib * ix + d * y - i_d * iy
                wet[3 * _BINS + k] += b * ix + ib * x + d * iy + i_d * y
        for side in range(2):
            spectrum = spectra[side, group * _BINS : group * _BINS + count]
            for k in range(count):
                spectrum[k] = complex(wet[2 * side * _BINS + k], wet[(2 * side + 1) * _BINS + k])

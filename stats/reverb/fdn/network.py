"""The feedback delay network of IEM FdnReverb, written anew from a description of what it computes."""

from __future__ import annotations

from dataclasses import replace

import numba
import numpy as np

from mixprior.stats import biquad
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.delay_lines import delays
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

__all__ = ["FdnReverb", "delays", "impulse_response", "vocal_response"]

LOWEST_RATE_HZ = 8000
_CHANNELS = 2
_LINES = 64  # room in the buffers, whatever the size of the network
_BLOCK = 32  # samples computed together; 64 lines of them stay in the processor's first cache
_SILENCE = 1e-30  # far below any sound, far above the denormal numbers (1e-308) that slow a processor down


class FdnReverb:
    """The reverb as it runs: stereo in, stereo out, in blocks of any length.

    Up to 64 delay lines; the left channel is fed into the first and taken from it, the right from the second. What
    leaves a line passes its high and low shelf and a gain, all the weaker the longer the line, so that every path
    decays alike; an orthonormal Walsh-Hadamard matrix mixes the lines and feeds them back. The plug-in puts the output
    before the gain, so the wet sound begins with an undelayed, shelf-coloured copy of the dry. A fade-in subtracts a
    second network that decays in the fade-in's time.
    Sources: Jot and Chaigne, AES 90th Convention (1991), preprint 3030; for the details IEM Plug-in Suite 1.14.

    Args:
        settings: taken as they are, not rounded to the plug-in's steps: see `FdnReverbSettings.snapped`.
        sample_rate_hz: from 8 kHz.

    Raises:
        InputError: if the sample rate is too low, or the settings make a sound that grows.

    >>> reverb = FdnReverb(FdnReverbSettings(dry_wet=1.0, reverberation_time_s=1.0), 48_000)
    >>> reverb.process(np.zeros((2, 100), np.float32)).shape
    (2, 100)
    """

    def __init__(self, settings: FdnReverbSettings, sample_rate_hz: float) -> None:
        if not LOWEST_RATE_HZ <= sample_rate_hz < np.inf:
            raise InputError(f"the sample rate is {sample_rate_hz} Hz; the reverb needs at least {LOWEST_RATE_HZ} Hz")
        settings.check_stable()
        self.settings = settings
        self.sample_rate_hz = sample_rate_hz
        times_s = [settings.reverberation_time_s, settings.fade_in_s]
        self._networks = [_Network(settings, time_s, sample_rate_hz) for time_s in times_s if time_s > 0]

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Reverberate the next samples; how a sound is cut into blocks does not change a bit of the outcome.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples).

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        return self.process_exact(audio).astype(np.float32)

    def process_exact(self, audio: np.ndarray) -> np.ndarray:
        """Do as `process`, and return float64, the precision of the network within."""
        if audio.ndim != 2 or len(audio) != _CHANNELS:
            raise InputError(f"the reverb takes stereo, shape (2, samples), not {audio.shape}; repeat a mono channel")
        if not np.isfinite(audio).all():
            raise InputError("the sound holds NaN or infinity: a reverb would keep it for ever")
        sound = np.ascontiguousarray(audio, np.float64)
        wet = self._networks[0].process(sound)
        for network in self._networks[1:]:
            wet -= network.process(sound)
        wet *= self.settings.dry_wet
        wet += (1 - self.settings.dry_wet) * sound
        return wet

    def reset(self) -> None:
        """Forget all sound, as if freshly made."""
        for network in self._networks:
            network.reset()


def impulse_response(settings: FdnReverbSettings, sample_rate_hz: float, duration_s: float) -> np.ndarray:
    """Return the four impulse responses.

    Args:
        settings: see `FdnReverb`.
        sample_rate_hz: see `FdnReverb`.
        duration_s: length; not the reverberation time.

    Returns:
        float64, shape (2 inputs, 2 outputs, samples).

    Raises:
        InputError: see `FdnReverb`.
    """
    reverb = FdnReverb(settings, sample_rate_hz)
    impulses = np.zeros((_CHANNELS, _CHANNELS, round(duration_s * sample_rate_hz)), np.float32)
    responses = []
    for channel, impulse in enumerate(impulses):
        impulse[channel, :1] = 1.0
        reverb.reset()
        responses.append(reverb.process_exact(impulse))
    return np.stack(responses)


def vocal_response(
    settings: FdnReverbSettings, sample_rate_hz: float, duration_s: float, *, wet_only: bool = False
) -> np.ndarray:
    """Return the response to a centred sound: the outputs for the same impulse in both inputs.

    Args:
        settings: see `FdnReverb`.
        sample_rate_hz: see `FdnReverb`.
        duration_s: length; not the reverberation time.
        wet_only: leave out the dry path, as if `dry_wet` were 1.

    Returns:
        float64, shape (2 outputs, samples).

    Raises:
        InputError: see `FdnReverb`.
    """
    reverb = FdnReverb(replace(settings, dry_wet=1.0) if wet_only else settings, sample_rate_hz)
    impulse = np.zeros((_CHANNELS, round(duration_s * sample_rate_hz)), np.float32)
    impulse[:, :1] = 1.0
    return reverb.process_exact(impulse)


class _Network:
    """One network: delay lines, their filters, and what is on its way in them."""

    def __init__(self, settings: FdnReverbSettings, time_s: float, sample_rate_hz: float) -> None:
        self.lengths = delays(settings.room_size, settings.fdn_size, sample_rate_hz)
        self.lines = np.zeros(self.lengths.sum())
        self.positions = np.zeros_like(self.lengths)
        self.states = np.zeros(4 * _LINES)
        delays_s = self.lengths / sample_rate_hz
        highs_gain = 10 ** (settings.highs_gain_db_s / 20 * delays_s)
        lows_gain = 10 ** (settings.lows_gain_db_s / 20 * delays_s)
        filters = [
            biquad.high(settings.highs_cutoff_hz, settings.highs_q, highs_gain, sample_rate_hz),
            biquad.low(settings.lows_cutoff_hz, settings.lows_q, lows_gain, sample_rate_hz),
        ]
        self.coefficients = np.zeros((10, _LINES))
        self.coefficients[:, : settings.fdn_size] = np.concatenate(filters)
        # The plug-in keeps the decay of a second in single precision: below a time of 0.08 s it is zero, and only the
        # undelayed copy comes out.
        decay = 10 ** (-3 / time_s)
        decay = decay if decay >= np.finfo(np.float32).tiny else 0.0
        self.gains = decay**delays_s / np.sqrt(settings.fdn_size)

    def process(self, sound: np.ndarray) -> np.ndarray:
        out = np.empty_like(sound)
        _circulate(
            sound, out, self.lines, self.lengths, self.positions, self.coefficients.ravel(), self.states, self.gains
        )
        return out

    def reset(self) -> None:
        self.lines[:] = 0.0
        self.states[:] = 0.0
        self.positions[:] = 0


@numba.njit(cache=True, fastmath={"contract"}, error_model="numpy")
def _circulate(
    sound: np.ndarray,
    out: np.ndarray,
    lines: np.ndarray,
    lengths: np.ndarray,
    positions: np.ndarray,
    coefficients: np.ndarray,
    states: np.ndarray,
    gains: np.ndarray,
) -> None:
    """Run a network over `sound`, shape (2, samples), and leave what comes out of the first two lines in `out`.

    No sound passes any line within a block shorter than the shortest, so a block is done step by step for all samples:
    first with the lines side by side (filters), then with the samples side by side (matrix and delay).
    """
    size = len(lengths)
    block = min(_BLOCK, lengths.min())
    if block > 8:
        block -= block % 8  # whole registers
    by_sample = np.zeros(_BLOCK * _LINES)
    by_line = np.zeros(_BLOCK * _LINES)
    starts = np.cumsum(lengths) - lengths
    for begin in range(0, sound.shape[1], block):
        count = min(block, sound.shape[1] - begin)
        for line in range(size):
            start, length, position = starts[line], lengths[line], positions[line]
            whole = min(count, length - position)
            for k in range(whole):
                by_sample[k * _LINES + line] = lines[start + position + k]
            for k in range(whole, count):
                by_sample[k * _LINES + line] = lines[start + k - whole]
        for k in range(count):
            row = k * _LINES
            by_sample[row] += sound[0, begin + k]
            by_sample[row + 1] += sound[1, begin + k]
            _filter(by_sample[row : row + size], coefficients, states)
            out[0, begin + k] = by_sample[row]
            out[1, begin + k] = by_sample[row + 1]
        for line in range(size):
            gain = gains[line]
            for k in range(count):
                by_line[line * _BLOCK + k] = gain * by_sample[k * _LINES + line]
        _mix(by_line, size, count)
        for line in range(size):
            start, length, position = starts[line], lengths[line], positions[line]
            whole = min(count, length - position)
            for k in range(whole):
                lines[start + position + k] = by_line[line * _BLOCK + k]
            for k in range(whole, count):
                lines[start + k - whole] = by_line[line * _BLOCK + k]
            positions[line] = (position + count) % length


@numba.njit(cache=True, fastmath={"contract"}, inline="always")
def _filter(values: np.ndarray, c: np.ndarray, s: np.ndarray) -> None:
    """Pass a sample of each line through its high and its low shelf (transposed direct form 2)."""
    for i in range(len(values)):
        x = values[i]
        y = c[i] * x + s[i]
        y = y if abs(y) > _SILENCE else 0.0
        s[i] = c[_LINES + i] * x - c[3 * _LINES + i] * y + s[_LINES + i]
        s[_LINES + i] = c[2 * _LINES + i] * x - c[4 * _LINES + i] * y
        z = c[5 * _LINES + i] * y + s[2 * _LINES + i]
        z = z if abs(z) > _SILENCE else 0.0
        s[2 * _LINES + i] = c[6 * _LINES + i] * y - c[8 * _LINES + i] * z + s[3 * _LINES + i]
        s[3 * _LINES + i] = c[7 * _LINES + i] * y - c[9 * _LINES + i] * z
        values[i] = z


@numba.njit(cache=True)
def _mix(by_line: np.ndarray, size: int, count: int) -> None:
    """Multiply by the Walsh-Hadamard matrix in natural order, in place, without its 1 / sqrt(size).

    Two of the fast transform's stages are done at a time, to touch memory half as often; the last of 32 lines alone.
    """
    half = 1
    while 2 * half < size:
        for first in range(0, size, 4 * half):
            for line in range(first, first + half):
                a = line * _BLOCK
                b, c, d = a + half * _BLOCK, a + 2 * half * _BLOCK, a + 3 * half * _BLOCK
                for k in range(count):
                    p, q, r, s = by_line[a + k], by_line[b + k], by_line[c + k], by_line[d + k]
                    by_line[a + k] = (p + q) + (r + s)
                    by_line[b + k] = (p - q) + (r - s)
                    by_line[c + k] = (p + q) - (r + s)
                    by_line[d + k] = (p - q) - (r - s)
        half *= 4
    if half < size:
        for line in range(half):
            a, b = line * _BLOCK, (line + half) * _BLOCK
            for k in range(count):
                p, q = by_line[a + k], by_line[b + k]
                by_line[a + k] = p + q
                by_line[b + k] = p - q

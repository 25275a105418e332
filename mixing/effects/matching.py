"""The matching filter: a linear-phase filter whose gain follows a curve."""

from __future__ import annotations

import numpy as np
import scipy.fft

from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.effects.stereo import checked
from mixprior.stats.errors import InputError

_REACH_S = 0.37
"""How far the impulse response reaches to either side. With it a bump a third of an octave wide at 45 Hz is followed
within 0.01 dB; half of it would leave 0.12 dB."""
_FLAT = 0.5
"""Part of the reach that is left as it is; the rest fades out (cosine). A bump that decays within it keeps its height;
a window that falls from the middle on (Hann) would leave 0.27 dB of that at 45 Hz."""
_REACHES = 8
"""Length of a transform in reaches, two of which overlap with the next one: long enough that the curve, sampled as
finely, folds nothing back into the reach."""


class MatchingFilter:
    """A finite impulse response, symmetric in time, applied by overlap-save in float64.

    Its transforms are at fixed places of the sound, whatever the blocks it comes in. Straight lines of a curve meet in
    corners, and these are rounded at low frequencies: by 0.04 dB where a slope begins of 6 dB per octave at 40 Hz, by
    half of it an octave higher.

    Args:
        curve: the gain to have, or that of the left and of the right channel.
        rate_hz: sample rate.

    Attributes:
        delay: samples by which the output lags behind the input: 2.6 s, most of it for a long transform.

    Raises:
        InputError: see `gain_db`.

    >>> MatchingFilter(Curve((100.0, 1000.0), (0.0, -3.0)), 44_100).delay
    114755
    """

    def __init__(self, curve: Curve | tuple[Curve, Curve], rate_hz: float) -> None:
        reach = round(_REACH_S * rate_hz)
        self._size = 2 * scipy.fft.next_fast_len(_REACHES // 2 * reach, real=True)
        curves = (curve,) if isinstance(curve, Curve) else curve
        self._response = np.stack([_response(each, rate_hz, reach, self._size) for each in curves])
        self._hop = self._size - 2 * reach
        self._reach = reach
        self.delay = self._hop + reach
        self._frame = np.zeros((2, self._size))  # the newest samples; the last hop of them is being filled
        self._filled = 0
        self._ready = np.zeros((2, self._hop), np.float32)

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Filter the next samples.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples), `delay` samples late.

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        audio = checked(audio)
        out = np.empty_like(audio)
        done = 0
        while done < audio.shape[1]:
            count = min(audio.shape[1] - done, self._hop - self._filled)
            new, filled = slice(done, done + count), slice(self._filled, self._filled + count)
            self._frame[:, -self._hop :][:, filled] = audio[:, new]
            out[:, new] = self._ready[:, filled]
            done += count
            self._filled += count
            if self._filled == self._hop:
                self._transform()
        return out

    def _transform(self) -> None:
        spectra = scipy.fft.rfft(self._frame)
        spectra *= self._response
        filtered = scipy.fft.irfft(spectra, self._size, overwrite_x=True)
        self._ready[:] = filtered[:, self._reach : self._reach + self._hop]
        self._frame[:, : -self._hop] = self._frame[:, self._hop :]
        self._filled = 0


def gain_db(curve: Curve, frequencies_hz: np.ndarray) -> np.ndarray:
    """Read a curve: straight lines in dB over log frequency, level beyond the ends.

    Args:
        curve: the gain to have.
        frequencies_hz: any shape, from 0.

    Returns:
        float64, shape of the frequencies, in dB.

    Raises:
        InputError: if the curve is empty, its frequencies do not ascend from above 0, or a gain is not finite.

    >>> gain_db(Curve((100.0, 400.0), (0.0, -6.0)), np.array([0.0, 200.0, 800.0]))
    array([ 0., -3., -6.])
    """
    knots_hz, gains_db = np.array(curve.frequencies_hz, np.float64), np.array(curve.gains_db, np.float64)
    if not (0 < len(knots_hz) == len(gains_db) and np.isfinite([knots_hz, gains_db]).all()):
        raise InputError("a curve needs as many gains as frequencies, at least one of each, and all of them finite")
    if not (knots_hz[0] > 0 and (np.diff(knots_hz) > 0).all()):
        raise InputError("the frequencies of a curve must ascend, the first of them above 0 Hz")
    return np.interp(np.log(np.maximum(frequencies_hz, knots_hz[0])), np.log(knots_hz), gains_db)


def taps(curve: Curve, rate_hz: float) -> np.ndarray:
    """The filter itself: its impulse response.

    Args:
        curve: the gain to have.
        rate_hz: sample rate.

    Returns:
        float64, (2 x reach + 1,): symmetric about its middle, which is the undelayed sample.

    Raises:
        InputError: see `gain_db`.

    >>> response = taps(Curve((100.0,), (-6.0,)), 8000)
    >>> response.shape, float(response[2960].round(3))
    ((5921,), 0.501)
    """
    reach = round(_REACH_S * rate_hz)
    right = _right(curve, rate_hz, reach, 2 * scipy.fft.next_fast_len(_REACHES // 2 * reach, real=True))[: reach + 1]
    return np.concatenate([right[:0:-1], right])


def _response(curve: Curve, rate_hz: float, reach: int, size: int) -> np.ndarray:
    """Real gain at the frequencies of a transform of `size` samples, of a filter that ends `reach` from its middle."""
    right = _right(curve, rate_hz, reach, size)
    return scipy.fft.rfft(np.concatenate([right, right[-2:0:-1]])).real


def _right(curve: Curve, rate_hz: float, reach: int, size: int) -> np.ndarray:
    """The impulse response from its middle on, (size / 2 + 1,); 0 from `reach` on."""
    wanted = 10 ** (gain_db(curve, scipy.fft.rfftfreq(size, 1 / rate_hz)) / 20)
    impulse = scipy.fft.irfft(wanted, size)[: size // 2 + 1]  # from its middle on
    lags = np.arange(len(impulse)) / reach
    fade = 0.5 + 0.5 * np.cos(np.pi * np.clip((lags - _FLAT) / (1 - _FLAT), 0, 1))
    return np.asarray(impulse * fade)

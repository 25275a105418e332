"""Bands of equal width on the mel scale, bit for bit those of librosa, which takes over half a second to load."""

from __future__ import annotations

import numpy as np

from mixprior.stats.statistic import SAMPLE_RATE_HZ

BANDS = 128

_LINEAR_HZ = 200.0 / 3  # of a mel, up to 1 kHz
_CORNER_HZ = 1000.0
_OCTAVES = np.log(6.4) / 27.0  # of a mel, above: natural logarithm of the ratio


def mel_filters(frame: int) -> np.ndarray:
    """Return the weights of `librosa.filters.mel(sr=44_100, n_fft=frame)`: triangles of equal area in hertz.

    The scale is that of M. Slaney's Auditory Toolbox (1998): linear up to 1 kHz, logarithmic above.

    Args:
        frame: samples of the transform.

    Returns:
        float32, shape (128, frame // 2 + 1).

    >>> weights = mel_filters(2048)
    >>> weights.shape, int(weights[100].argmax())
    ((128, 1025), 418)
    """
    corners = np.linspace(0.0, _mel(SAMPLE_RATE_HZ / 2), BANDS + 2)
    corners_hz = _hz(corners)
    ramps = np.subtract.outer(corners_hz, np.fft.rfftfreq(frame, 1.0 / SAMPLE_RATE_HZ))
    widths_hz = np.diff(corners_hz)
    rising = -ramps[:-2] / widths_hz[:-1, np.newaxis]
    falling = ramps[2:] / widths_hz[1:, np.newaxis]
    weights = np.maximum(0, np.minimum(rising, falling)).astype(np.float32)
    weights *= (2.0 / (corners_hz[2:] - corners_hz[:-2]))[:, np.newaxis]
    return weights


def _mel(hz: float) -> float:
    return float(_CORNER_HZ / _LINEAR_HZ + np.log(hz / _CORNER_HZ) / _OCTAVES)


def _hz(mel: np.ndarray) -> np.ndarray:
    corner = _CORNER_HZ / _LINEAR_HZ
    return np.where(mel >= corner, _CORNER_HZ * np.exp(_OCTAVES * (mel - corner)), _LINEAR_HZ * mel)

"""Where a sound sits between left and right: similarity, position, mid energy.

Panning similarity (SPS) after Tzanetakis, Jones and McNally, "Stereo panning features for classifying recording
production style" (ISMIR 2007), as FxNorm-automix computes it: phi = 2 |L R*| / (|L|^2 + |R|^2) is 1 for equal channels
and 0 for a sound on one side only; SPS is (1 - phi), negative where the left channel is the louder one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np
import scipy.fft
import scipy.signal

from mixprior.stats.long_term_spectra import BINS as LONG_BINS
from mixprior.stats.long_term_spectra import FRAME as LONG_FRAME
from mixprior.stats.long_term_spectra import POOL, excitation_floors, pool
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.statistic import SAMPLE_RATE_HZ, Column, Family, Statistic, Value

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

FRAME = 2048
HOP = 1024
BANDS_HZ = {"full": (0, 22_050), "low": (0, 250), "mid": (250, 2500), "high": (2500, 22_050)}
_TITLE_ENDS = {
    "full": ", all frequencies",
    "low": " below 250 Hz",
    "mid": ", 250 Hz to 2.5 kHz",
    "high": " above 2.5 kHz",
}

_WINDOW = np.sqrt(scipy.signal.get_window("hann", FRAME)).astype(np.float32)
_FRAMES_AT_ONCE = 32
# First and past-the-last bin of each band, edges rounded down as in FxNorm-automix.
_BAND_BINS = np.array(list(BANDS_HZ.values())) * FRAME // SAMPLE_RATE_HZ


def sps_rms(audio: np.ndarray) -> dict[str, float | None]:
    """Measure how far from the middle a sound lies, band by band: P = sqrt(mean of SPS^2 over the band's bins).

    Frames of 2,048 samples every 1,024 (square root of a Hann window) give a value each, and their mean is returned.
    Left out are frames more than 60 dB below the loudest one and bins more than 120 dB below the frame's mean bin.

    Args:
        audio: float32, shape (2, samples), with sound in it. Shorter than a frame, it is padded to one.

    Returns:
        A value from 0 (all in the middle) to 1 (all on one side, or on both sides but never in the same bin) for each
        of `BANDS_HZ`; None for a band without sound.
    """
    if audio.shape[-1] < FRAME:
        audio = np.pad(audio, ((0, 0), (0, FRAME - audio.shape[-1])))
    floors = excitation_floors(audio, FRAME, HOP)
    frames = np.lib.stride_tricks.sliding_window_view(audio, FRAME, axis=-1)[:, ::HOP]
    values = np.empty((len(floors), len(BANDS_HZ)))
    for start in range(0, len(floors), _FRAMES_AT_ONCE):
        part = slice(start, start + _FRAMES_AT_ONCE)
        left, right = scipy.fft.rfft(frames[:, part] * _WINDOW, axis=-1, overwrite_x=True)
        _band_rms(left, right, floors[part], _BAND_BINS, values[part])
    known = np.isfinite(values)
    return {
        band: float(column[heard].mean()) if heard.any() else None
        for band, column, heard in zip(BANDS_HZ, values.T, known.T, strict=True)
    }


@numba.njit(cache=True, error_model="numpy", fastmath={"reassoc"})
def _band_rms(left: np.ndarray, right: np.ndarray, floors: np.ndarray, bands: np.ndarray, values: np.ndarray) -> None:
    """Fill `values`, shape (frames, bands), from spectra of shape (frames, bins); NaN where no bin is excited."""
    bins = left.shape[1]
    square, excited = np.empty(bins, np.float32), np.empty(bins, np.float32)
    for frame in range(len(floors)):
        for k in range(bins):
            left_power = left[frame, k].real ** 2 + left[frame, k].imag ** 2
            right_power = right[frame, k].real ** 2 + right[frame, k].imag ** 2
            both = left_power + right_power
            difference = np.sqrt(left_power) - np.sqrt(right_power)
            unlike = difference * difference / both  # 1 - phi, without the loss of digits
            heard = both > floors[frame]
            square[k] = unlike * unlike if heard else 0.0
            excited[k] = 1.0 if heard else 0.0
        for band in range(len(bands)):
            first, end = bands[band]
            values[frame, band] = np.sqrt(square[first:end].sum() / excited[first:end].sum())


def pan_position(left_energy: float, right_energy: float) -> float:
    """Position between left (0) and right (1): rms_R / (rms_L + rms_R), exact for the linear pan law.

    Weighted with energy, so that silence and bleed do not pull it: a mono sound with gains 1 - p and p reads p.

    >>> round(pan_position(0.3**2, 0.7**2), 9)
    0.7
    """
    left, right = np.sqrt(left_energy), np.sqrt(right_energy)
    return float(right / (left + right))


def mid_energy_fraction(left_energy: float, right_energy: float, cross_energy: float) -> float:
    """Energy of the mid (L + R) over that of mid and side: 1 mono, 0.5 one-sided or unrelated, 0 in opposite phase.

    >>> mid_energy_fraction(1.0, 0.0, 0.0)
    0.5
    """
    return 0.5 + cross_energy / (left_energy + right_energy)


@numba.njit(cache=True, fastmath={"reassoc"})
def energies(audio: np.ndarray) -> tuple[float, float, float]:
    """Sums of L^2, R^2 and L R over a sound of shape (2, samples), in float64."""
    left = right = cross = 0.0
    for i in range(audio.shape[1]):
        a, b = np.float64(audio[0, i]), np.float64(audio[1, i])
        left += a * a
        right += b * b
        cross += a * b
    return left, right, cross


def _measure(stem: Stem) -> dict[str, Value]:
    if integrated_lufs(stem.blocks.weighted) is None:
        return dict.fromkeys((column.name for column in STATISTIC.columns), None)
    left, right, cross = energies(stem.audio)
    return {
        "sps_phi": pool(stem.spectra.phi),
        **{f"sps_rms_{band}": value for band, value in sps_rms(stem.audio).items()},
        "pan_position": pan_position(left, right),
        "mid_energy_fraction": mid_energy_fraction(left, right, cross),
    }


STATISTIC = Statistic(
    columns=(
        Column(
            "sps_phi",
            "1",
            "panning similarity 2 |L R*| / (|L|^2 + |R|^2) (FxNorm-automix), mean over the frames of 65,536 samples "
            "that are less than 60 dB below the loudest, pooled to 2,049 bins",
            0.001,
            tuple((np.arange(0, LONG_BINS, POOL) * SAMPLE_RATE_HZ / LONG_FRAME).tolist()),
            title="Panning similarity",
            family=Family.STEREO,
        ),
        *(
            Column(
                f"sps_rms_{band}",
                "1",
                f"root mean square of 1 - phi over the bins from {low} to {high} Hz, mean over the frames of 2,048 "
                "samples that are less than 60 dB below the loudest (FxNorm-automix)",
                0.001,
                title=f"Panning{_TITLE_ENDS[band]}",
                family=Family.STEREO,
            )
            for band, (low, high) in BANDS_HZ.items()
        ),
        Column(
            "pan_position",
            "1",
            "rms R / (rms L + rms R): 0 left, 0.5 centre, 1 right",
            0.001,
            title="Pan position",
            family=Family.STEREO,
        ),
        Column(
            "mid_energy_fraction",
            "1",
            "energy of (L + R) over the energy of (L + R) and (L - R)",
            0.001,
            title="Share of energy in the middle",
            family=Family.STEREO,
        ),
    ),
    rows=None,
    measure=_measure,
)

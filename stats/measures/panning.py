"""Where a sound sits between left and right: similarity, position, mid energy.

Panning similarity (SPS) after Tzanetakis, Jones and McNally, "Stereo panning features for classifying recording
production style" (ISMIR 2007), as FxNorm-automix computes it: phi = 2 |L R*| / (|L|^2 + |R|^2) is 1 for equal channels
and 0 for a sound on one side only; SPS is (1 - phi), negative where the left channel is the louder one. It compares
magnitudes and ignores phase: R = -L, which has no middle at all, reads as a sound in the middle, like R = L. Of the
two, `mid_energy_fraction` distinguishes them: 0 and 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

from mixprior.stats.fft import real
from mixprior.stats.fft.lanes import LANES, all_of, load, root, store, times_plus, where_above, zeros
from mixprior.stats.frames import Frames, Stack, sum_of_members
from mixprior.stats.hop_energies import FrameEnergies, HopEnergies
from mixprior.stats.long_term_spectra import BINS as LONG_BINS
from mixprior.stats.long_term_spectra import FRAME as LONG_FRAME
from mixprior.stats.long_term_spectra import POOL, POOLED_EDGES_HZ, UNEXCITED_BIN, audible, pool
from mixprior.stats.measures.band_limit import carried
from mixprior.stats.statistic import SAMPLE_RATE_HZ, Column, Family, Statistic, Value
from mixprior.stats.windows import periodic_hann

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

_POOLED_HZ = np.arange(0, LONG_BINS, POOL) * SAMPLE_RATE_HZ / LONG_FRAME
# First and past-the-last bin of each band, edges rounded down as in FxNorm-automix.
_BAND_BINS = np.array(list(BANDS_HZ.values())) * FRAME // SAMPLE_RATE_HZ
_EDGE_BINS = np.unique(_BAND_BINS)
# Which stretches between edges make up each band, shape (stretches, bands).
_PARTS_OF_BANDS = (_EDGE_BINS[:-1, None] >= _BAND_BINS[:, 0]) & (_EDGE_BINS[1:, None] <= _BAND_BINS[:, 1])


def sps_rms(audio: np.ndarray) -> dict[str, float | None]:
    """Measure how far from the middle a sound is, band by band: P = sqrt(mean of SPS^2 over the band's bins).

    Frames of 2,048 samples every 1,024 (square root of a Hann window) give a value each, and their mean is returned.
    Left out are frames more than 60 dB below the loudest one and bins more than 120 dB below the frame's mean bin.

    Args:
        audio: float32, shape (2, samples), with sound in it. Shorter than a frame, it is padded to one.

    Returns:
        A value from 0 (equally loud in both channels, in whatever phase) to 1 (all on one side, or on both sides but
        never in the same bin) for each of `BANDS_HZ`; None for a band without sound.
    """
    return sps_rms_all({"": audio}, {})[""]


def sps_rms_all(
    sounds: Mapping[str, np.ndarray], sums: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float | None]]:
    """`sps_rms` of stereo sounds that are equally long.

    Args:
        sounds: float32, shape (2, samples).
        sums: those of them that are sums of others, and of which.
    """
    frames = SpsFrames(sounds, sums)
    frames.add(sounds)
    return frames.result()


class SpsFrames:
    """`sps_rms_all` of sounds that come in pieces of any length.

    Args:
        names: of the sounds.
        sums: those of them that are sums of others, and of which.
    """

    def __init__(self, names: Iterable[str], sums: Mapping[str, Sequence[str]]) -> None:
        self._stack = Stack(names, sums)
        self._frames = Frames(FRAME, HOP, LANES)
        self._energies = [FrameEnergies(FRAME, HOP) for _ in self._stack.names]
        self._energy = np.zeros((len(self._energies), 0))  # of frames that wait for their batch to be full
        self._parts: list[tuple[np.ndarray, np.ndarray]] = []
        self._work = zeros(2, LANES // 2 * FRAME)
        self._spectra = zeros(self._stack.channels * 2 * LANES * (FRAME // 2 + 1))
        self._samples = 0

    def add(self, sounds: Mapping[str, np.ndarray], hops: Mapping[str, np.ndarray] | None = None) -> None:
        """Take the next piece of each sound.

        Args:
            sounds: float32, shape (2, samples).
            hops: what `HopEnergies.add` returned for each of them, where it is known.
        """
        pairs = zip(self._energies, self._stack.names, strict=True)
        known = [each.add(sounds[name]) if hops is None else each.of_hops(hops[name]) for each, name in pairs]
        self._energy = np.append(self._energy, np.stack(known), axis=1)
        stacked = self._stack.of(sounds)
        self._samples += stacked.shape[1]
        for batch in self._frames.add(stacked):
            self._measure(batch)

    def result(self) -> dict[str, dict[str, float | None]]:
        """Return the value of each band over all pieces, for each sound; to be called once."""
        if self._samples < FRAME:
            silence = np.zeros((2, FRAME - self._samples), np.float32)
            self.add(dict.fromkeys(self._stack.names, silence))
        self._measure(self._frames.last())
        energies = np.concatenate([energy for energy, _ in self._parts], axis=1)
        sums = np.concatenate([sums for _, sums in self._parts], axis=-1).astype(np.float64)
        of_bands = np.stack([sums[:, :, chosen].sum(axis=2) for chosen in _PARTS_OF_BANDS.T], axis=-1)
        with np.errstate(invalid="ignore"):
            values = np.sqrt(of_bands[:, 0] / of_bands[:, 1])
        return {name: _means(*each) for name, *each in zip(self._stack.names, energies, values, strict=True)}

    def _measure(self, batch: np.ndarray) -> None:
        frames = batch.shape[1]
        if not frames:
            return
        energy, self._energy = self._energy[:, :frames], self._energy[:, frames:]
        sums = np.zeros((len(energy), 2, len(_EDGE_BINS) - 1, -(-frames // LANES) * LANES), np.float32)
        floors = (UNEXCITED_BIN * energy).astype(np.float32)
        _squares(batch, floors, self._stack.members, _plan(), _EDGE_BINS, self._work, self._spectra, sums)
        self._parts.append((energy, sums[..., :frames]))


def _means(energy: np.ndarray, values: np.ndarray) -> dict[str, float | None]:
    """Mean of each band over the frames that are not silent, by values of shape (frames, bands)."""
    known = np.isfinite(values) & audible(energy)[:, np.newaxis]
    return {
        band: float(column[valid].mean()) if valid.any() else None
        for band, column, valid in zip(BANDS_HZ, values.T, known.T, strict=True)
    }


@cache
def _plan() -> real.Plan:
    return real.plan(np.sqrt(periodic_hann(FRAME)))


@numba.njit(cache=True, error_model="numpy")
def _squares(
    batch: np.ndarray,
    floors: np.ndarray,
    members: np.ndarray,
    plan: real.Plan,
    edges: np.ndarray,
    work: np.ndarray,
    spectra: np.ndarray,
    sums: np.ndarray,
) -> None:
    """Sum (1 - phi)^2 and count excited bins between edges.

    Args:
        batch: float32, shape (channels, frames, samples), of the stack.
        floors: float32, shape (sounds, frames).
        members: of the stack.
        plan: of the frames.
        edges: bins.
        work: as `real.frames` takes it.
        spectra: float32, of the size of the spectra of `LANES` frames of each channel; overwritten.
        sums: float32, shape (sounds, 2, parts, frames, filled up to a multiple of `LANES`): filled.
    """
    channels, frames = batch.shape[:2]
    size = spectra.size // (2 * channels)
    floor, total = np.empty(LANES, np.float32), np.empty(4 * size, np.float32)
    for first in range(0, frames, LANES):
        count = min(LANES, frames - first)
        for channel in range(channels):
            re, im = (spectra[size * (2 * channel) :], spectra[size * (2 * channel + 1) :])
            real.frames(batch[channel, first], HOP, count, plan, work, re, im)
        for sound in range(len(sums)):
            floor[:count] = floors[sound, first : first + count]
            own = sum_of_members(spectra, members[sound], total)
            for part in range(edges.size - 1):
                square, excited = _part(own, size, edges[part], edges[part + 1], load(floor, 0))
                store(sums[sound, 0, part], first, square)
                store(sums[sound, 1, part], first, excited)


@numba.njit
def _part(spectra: np.ndarray, size: int, begin: int, end: int, floor: Any) -> tuple[Any, Any]:
    """Sum (1 - phi)^2 over the bins from `begin` to before `end` of frames, and count the bins that have any."""
    square = excited = all_of(np.float32(0))
    one = all_of(np.float32(1))
    for at in range(LANES * begin, LANES * end, LANES):
        left_re, left_im = load(spectra, at), load(spectra, at + size)
        right_re, right_im = load(spectra, at + 2 * size), load(spectra, at + 3 * size)
        left_power = times_plus(left_re, left_re, left_im * left_im)
        right_power = times_plus(right_re, right_re, right_im * right_im)
        both, difference = left_power + right_power, root(left_power) - root(right_power)
        unlike = difference * difference / both  # 1 - phi, without the loss of digits
        square = square + where_above(both, floor, unlike * unlike)
        excited = excited + where_above(both, floor, one)
    return square, excited


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


def energies(audio: np.ndarray) -> tuple[float, float, float]:
    """Sums of L^2, R^2 and L R over a sound of shape (2, samples), in float64."""
    sums = HopEnergies()
    sums.add(audio)
    return sums.sums()


def _measure(stem: Stem) -> dict[str, Value]:
    if stem.silent:
        return dict.fromkeys((column.name for column in STATISTIC.columns), None)
    left, right, cross = stem.energies
    return {
        "sps_phi": np.where(carried(POOLED_EDGES_HZ, stem.song.band_limit_hz), pool(stem.spectra.phi), np.nan),
        **{f"sps_rms_{band}": value for band, value in stem.sps_rms.items()},
        "pan_position": pan_position(left, right),
        "mid_energy_fraction": mid_energy_fraction(left, right, cross),
    }


STATISTIC = Statistic(
    columns=(
        Column(
            "sps_phi",
            "1",
            "panning similarity 2 |L R*| / (|L|^2 + |R|^2) (FxNorm-automix), mean over the frames of 65,536 samples "
            "that are less than 60 dB below the loudest, pooled to 2,049 bins; blind to phase: 1 for R = L and for R = "
            "-L; null above band_limit_hz",
            0.001,
            tuple(_POOLED_HZ.tolist()),
            title="Panning similarity",
            family=Family.STEREO,
        ),
        *(
            Column(
                f"sps_rms_{band}",
                "1",
                f"root mean square of 1 - phi over the bins from {low} to {high} Hz, mean over the frames of 2,048 "
                "samples that are less than 60 dB below the loudest (FxNorm-automix); blind to phase: 0 for R = L and "
                "for R = -L",
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

"""A fitted reverb beside what it was fitted to, as a picture: decay by octave, and reverberation time by frequency."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from mixprior.analysis import picture
from mixprior.mixing.reverb.decay import Decay
from mixprior.stats.reverb.energy_decay import OCTAVE_BANDS_HZ, EnergyDecay, resolved_cells
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SHOWN_DB = 65.0
_FREQUENCIES_HZ = np.geomspace(100.0, 12_000.0, 200)
_TARGET: dict[str, Any]
_FIT: dict[str, Any]
_TARGET, _FIT = {"color": "0.7", "linewidth": 4.0}, {"color": "C3", "linewidth": 1.3}


def octave_levels_db(decay: EnergyDecay) -> np.ndarray:
    """Levels of the octaves 250 Hz to 4 kHz, (5, frames), from third octaves; NaN before a band's windows resolve it.

    >>> from mixprior.stats.reverb.energy_decay import on_grid
    >>> octave_levels_db(on_grid(np.full((22, 36), -30.0)))[0, -1].round(6).tolist()
    -30.0
    """
    power = np.where(resolved_cells(), 10 ** (decay.level_db / 10), np.nan)
    width_hz = np.diff(decay.edges_hz)
    levels = []
    for octave_hz in OCTAVE_BANDS_HZ:
        middle = int(np.argmin(np.abs(np.log(decay.centres_hz / octave_hz))))
        thirds = slice(middle - 1, middle + 2)
        levels.append(10 * np.log10(np.average(power[thirds], axis=0, weights=width_hz[thirds])))
    return np.array(levels)


def plot(
    path: str | Path,
    times_s: np.ndarray,
    levels_db: tuple[np.ndarray, np.ndarray],
    decays: tuple[Decay, Decay],
    settings: FdnReverbSettings,
    title: str,
) -> None:
    """Draw target and fit into a file (.png, .pdf or .svg).

    Args:
        path: file to write.
        times_s: after the direct sound, (frames,).
        levels_db: of target and fit, each (5, frames): energy per second against that of the direct sound.
        decays: of target and fit.
        settings: that were fitted; their decay by frequency is drawn as a line.
        title: what the target is.

    Raises:
        InputError: if matplotlib is not installed, or the file cannot be written.
    """
    picture.check(path)
    figure = picture.figure(9.0, 5.0)
    figure.suptitle(title, fontsize="medium")
    axes = figure.subplots(2, 3)
    loudest = max(float(np.nanmax(level)) for level in levels_db)
    for k, (place, octave_hz) in enumerate(zip(axes.flat, OCTAVE_BANDS_HZ, strict=False)):
        place.plot(times_s, levels_db[0][k], label="target", **_TARGET)
        place.plot(times_s, levels_db[1][k], label="fit", **_FIT)
        place.set_title(f"{octave_hz:g} Hz", fontsize="small")
        place.set_ylim(loudest - _SHOWN_DB, loudest + 5)
        place.set_xlim(0, float(times_s[-1]))
        place.grid(alpha=0.3)
    for place in axes[:, 0]:
        place.set_ylabel("energy per s to direct (dB)", fontsize="small")
    for place in axes[-1, :2]:
        place.set_xlabel("time after the direct sound (s)", fontsize="small")
    axes[0, 0].legend(fontsize="small")
    _times(axes[1, 2], decays, settings)
    picture.write(figure, path, dpi=120)


def _times(axes: Axes, decays: tuple[Decay, Decay], settings: FdnReverbSettings) -> None:
    for name, decay, style, mark in zip(("target", "fit"), decays, (_TARGET, _FIT), ("o", "x"), strict=True):
        times_s = np.array(decay.rt60_octaves_s, np.float64)  # None becomes NaN, which is not drawn
        axes.plot(OCTAVE_BANDS_HZ, times_s, mark, color=style["color"], label=name)
    axes.plot(_FREQUENCIES_HZ, settings.decay_time_s(_FREQUENCIES_HZ), label="of the settings", **_FIT)
    axes.set_xscale("log")
    axes.set_ylim(0, 1.15 * max(np.nanmax(line.get_ydata(), initial=0.0) for line in axes.get_lines()))
    axes.set_title("reverberation time", fontsize="small")
    axes.set_xlabel("frequency (Hz)", fontsize="small")
    axes.set_ylabel("s", fontsize="small")
    axes.grid(alpha=0.3)
    axes.legend(fontsize="small")

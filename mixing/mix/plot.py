"""A mix as a picture: spectra and levels of its parts before and after, over what the priors have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mixprior.analysis import picture
from mixprior.analysis.errors import PriorsLookupError
from mixprior.mixing.effects.chain import VOCALS, Sum
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.plan.targets import QUARTILE_SD, Targets, half_of
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_BEFORE, _AFTER, _BAND = "0.45", "C3", "C0"
_LOWEST_DB = -45.0


@dataclass(frozen=True)
class _Part:
    """Spectrum of a part of a mix, and its loudness over that of all parts together."""

    third_octave_db: np.ndarray
    share_lu: float


def untouched(settings: MixSettings) -> MixSettings:
    """The same tracks and buses with nothing done to them."""
    return MixSettings(
        dict.fromkeys(settings.tracks, Chain()), dict.fromkeys(settings.buses, Chain()), settings.routing
    )


def write(path: Path, before: Sum, after: Sum, targets: Targets) -> None:
    """Draw spectra and levels of what is summed, before and after mixing, and the middle half of the priors.

    Args:
        path: .png, .pdf or .svg to write; `picture.check` it first.
        before: the sum of the sounds as they are.
        after: the sum of the mix.
        targets: whose songs to draw.

    Raises:
        InputError: if the picture cannot be written.
    """
    parts_before, parts_after = _parts(before), _parts(after)
    names = [name for name in parts_before if name in parts_after]
    targets = replace(targets, sung=VOCALS in names)
    figure = picture.figure(4.2 * (len(names) + 1), 3.6)
    axes = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for axis, name in zip(axes, names, strict=False):
        band = _band(targets, name)
        if band is not None:
            axis.fill_between(BAND_CENTRES_HZ, *band, color=_BAND, alpha=0.2, label="half of the songs")
        axis.plot(BAND_CENTRES_HZ, parts_before[name].third_octave_db, color=_BEFORE, label="before")
        axis.plot(BAND_CENTRES_HZ, parts_after[name].third_octave_db, color=_AFTER, label="after")
        axis.set(xscale="log", ylim=(_LOWEST_DB, 0), title=name, xlabel="Hz", ylabel="third octave, dB of the whole")
        axis.grid(alpha=0.3)
    if names:
        axes[0].legend(fontsize="small")
    _draw_levels(axes[-1], parts_before, parts_after, targets)
    picture.write(figure, path, dpi=110)


def _parts(summed: Sum) -> dict[str, _Part]:
    whole_lufs = summed.sound.integrated_lufs
    return {
        name: _Part(third_octave_db(at_44100(sound).spectra.power), sound.integrated_lufs - whole_lufs)
        for name, sound in summed.with_backing.items()
        if sound.integrated_lufs is not None and whole_lufs is not None
    }


def _draw_levels(axis: Axes, before: Mapping[str, _Part], after: Mapping[str, _Part], targets: Targets) -> None:
    for row, name in enumerate(before):
        try:
            prior = targets.lookup(name, "loudness_vs_mixture_lu")[0]
        except PriorsLookupError:
            prior = None
        half = None if prior is None else half_of(prior)
        if half is not None:
            axis.barh(row, half[1] - half[0], left=half[0], color=_BAND, alpha=0.2)
        axis.plot(before[name].share_lu, row, "o", color=_BEFORE)
        if name in after:
            axis.plot(after[name].share_lu, row, "o", color=_AFTER)
    axis.set_yticks(range(len(before)), list(before))
    axis.invert_yaxis()
    axis.set(title="levels", xlabel="LU over the whole")
    axis.grid(alpha=0.3)


def _band(targets: Targets, stem: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Quartiles of the third octaves, as far as priors have them."""
    try:
        source = targets.source([(stem, "third_octave_db")])
    except PriorsLookupError:
        return None
    rows = source.priors.rows(stem, "third_octave_db", source.group).sort_by("bin")
    low, high = (np.array(rows[name].to_pylist(), np.float64) for name in ("p25", "p75"))
    if np.isnan(low).all():
        mean, sd = (np.array(rows[name].to_pylist(), np.float64) for name in ("mean", "sd"))
        low, high = mean - QUARTILE_SD * sd, mean + QUARTILE_SD * sd
    return low, high

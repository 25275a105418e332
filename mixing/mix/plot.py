"""A mix as a picture: spectra and levels of its parts before and after, over what the priors have."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mixprior.analysis.priors import PriorsLookupError
from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import BACKING, VOICES
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain, MixSettings
from mixprior.mixing.mix.sounds import Sounds
from mixprior.mixing.plan.targets import QUARTILE_SD, Targets, half_of
from mixprior.stats import long_term_spectra
from mixprior.stats.errors import InputError
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_FORMATS = (".png", ".pdf", ".svg")
_BEFORE, _AFTER, _BAND = "0.45", "C3", "C0"
_LOWEST_DB = -45.0


@dataclass(frozen=True)
class _Part:
    """Spectrum of a part of a mix, and its loudness over that of all parts together."""

    third_octave_db: np.ndarray
    share_lu: float


def check(picture: Path) -> None:
    """Refuse a picture that cannot be drawn, before any work is done.

    Raises:
        InputError: if matplotlib is not installed, the name ends with no format, or its folder does not exist.
    """
    if importlib.util.find_spec("matplotlib") is None:
        raise InputError("plots need matplotlib: pip install 'mixprior[plot]'")
    if picture.suffix.lower() not in _FORMATS:
        raise InputError(f"{picture}: pictures are {', '.join(_FORMATS)}")
    if not picture.parent.is_dir():
        raise InputError(f"{picture}: there is no folder {picture.parent}; make it first")


def write(settings: MixSettings, paths: Mapping[str, str | Path], picture: Path, targets: Targets) -> None:
    """Draw spectra and levels of what is summed, without and with the settings, and the middle half of the priors.

    Args:
        settings: of the mix.
        paths: its files, by name of the track.
        picture: .png, .pdf or .svg to write.
        targets: whose songs to draw.

    Raises:
        InputError: if the picture cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    sounds = Sounds(paths)
    untouched = MixSettings(
        dict.fromkeys(settings.tracks, Chain()), dict.fromkeys(settings.buses, Chain()), settings.routing
    )
    before, after = (_parts(each, sounds) for each in (untouched, settings))
    names = [name for name in before if name in after]
    figure = Figure(figsize=(4.2 * (len(names) + 1), 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(names) + 1, squeeze=False)[0]
    for axis, name in zip(axes, names, strict=False):
        band = _band(targets, _stem(name))
        if band is not None:
            axis.fill_between(BAND_CENTRES_HZ, *band, color=_BAND, alpha=0.2, label="half of the songs")
        axis.plot(BAND_CENTRES_HZ, before[name].third_octave_db, color=_BEFORE, label="before")
        axis.plot(BAND_CENTRES_HZ, after[name].third_octave_db, color=_AFTER, label="after")
        axis.set(xscale="log", ylim=(_LOWEST_DB, 0), title=name, xlabel="Hz", ylabel="third octave, dB of the whole")
        axis.grid(alpha=0.3)
    if names:
        axes[0].legend(fontsize="small")
    _draw_levels(axes[-1], before, after, targets)
    try:
        figure.savefig(picture, dpi=110)
    except OSError as error:
        raise InputError(f"{picture} cannot be written ({error})") from error


def _parts(settings: MixSettings, sounds: Sounds) -> dict[str, _Part]:
    rate_hz = sounds.rate_hz
    loudnesses, spectra = {}, {}
    total = rest = np.zeros((2, 0), np.float32)

    def add(name: str, audio: np.ndarray) -> None:
        lufs = integrated(audio, rate_hz)
        if lufs is not None:
            loudnesses[name] = lufs
            spectra[name] = third_octave_db(long_term_spectra.measure(at_44100(audio, rate_hz)).power)

    for name, audio in chain.parts(settings, sounds, rate_hz):
        add(name, audio)
        if name not in VOICES:
            rest = chain.add(rest, audio)
        total = chain.add(total, audio)
    if BACKING not in loudnesses and any(name in VOICES for name in loudnesses):
        add(BACKING, rest)
    whole = integrated(total, rate_hz)
    return {name: _Part(spectra[name], lufs - whole) for name, lufs in loudnesses.items() if whole is not None}


def _draw_levels(axis: Axes, before: Mapping[str, _Part], after: Mapping[str, _Part], targets: Targets) -> None:
    for row, name in enumerate(before):
        try:
            prior = targets.chain.lookup(_stem(name), "loudness_vs_mixture_lu", targets.group)[0]
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


def _stem(name: str) -> str:
    return "vocals" if name in VOICES else name


def _band(targets: Targets, stem: str) -> tuple[np.ndarray, np.ndarray] | None:
    """Quartiles of the third octaves, as far as priors have them."""
    try:
        source = targets.chain.source([(stem, "third_octave_db")], targets.group)
    except PriorsLookupError:
        return None
    rows = source.priors.rows(stem, "third_octave_db", source.group).sort_by("bin")
    low, high = (np.array(rows[name].to_pylist(), np.float64) for name in ("p25", "p75"))
    if np.isnan(low).all():
        mean, sd = (np.array(rows[name].to_pylist(), np.float64) for name in ("mean", "sd"))
        low, high = mean - QUARTILE_SD * sd, mean + QUARTILE_SD * sd
    return low, high

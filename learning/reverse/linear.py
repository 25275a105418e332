"""The linear part of a mix: gains, pans and equalisers of all tracks, and a delay of less than a sample."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from mixprior.learning.reverse import fit as fits
from mixprior.learning.reverse.equaliser import MOST_BANDS, with_bands, without_idle_bands
from mixprior.learning.reverse.fit import Fit, free_gains
from mixprior.learning.reverse.material import Material
from mixprior.learning.reverse.residual import advanced
from mixprior.learning.reverse.statistics import Statistics

_ROUNDS = 4
_HEARD = 1e-3
"""Below this share of what the tracks hold, the mix holds nothing of a band: a coder or its sample rate cut it off."""
_TELLING, _ROUGH_BANDS = 6, 2
_BETTER = 0.8
"""Another delay has to bring the error down to this share of what the nearest whole sample leaves."""
_NOTHING_LEFT = 1e-4
"""Where this little is left, no part of a sample is looked for."""
_GAINED = 1e-3
_ROUGH_PENALTY = 1000.0


def fitted(statistics: Statistics, rate_hz: float) -> Fit:
    """Fit the direct paths of all tracks, and by how much the mix is late: whole samples, where they explain as much.

    Args:
        statistics: of tracks and mix.
        rate_hz: sample rate.
    """
    near = round(_delay(fits.start(statistics, rate_hz).refined(5)))
    firsts = [fits.start(statistics, rate_hz, float(near + step)) for step in (0, -1, 1)]
    tried = [_rounds(first.refined(5), 1, _loudest(first), _ROUGH_BANDS) for first in firsts]
    best = min(tried, key=_left)
    whole = _rounds(_rounds(best if _left(best) < _BETTER * _left(tried[0]) else tried[0], 2), anew=True)
    found = whole
    if _left(whole) > _NOTHING_LEFT:
        parted = _rounds(whole, delayed=True)
        found = parted if _left(parted) < _BETTER * _left(whole) else whole
    return _pruned(_rounds(found, 1, anew=True))


def rough(statistics: Statistics, rate_hz: float) -> Fit:
    """Fit the direct paths of all tracks, from the beginning, to a mix that is not late, and not only linear.

    What effects leave hangs together over time, so that bands explain some of it by chance: they have to bring more.
    """
    first = replace(fits.start(statistics, rate_hz), penalty=_ROUGH_PENALTY).refined(5)
    return _pruned(_rounds(_rounds(first, 2), anew=True))


def again(found: Fit) -> Fit:
    """Fit paths that are nearly right to other statistics."""
    return _pruned(_rounds(found.reweighted().refined().reweighted(), 2, anew=True))


def _pruned(found: Fit) -> Fit:
    """Without the bands that explain nothing."""
    pruned = fits.with_paths(found, [without_idle_bands(found, k) for k in range(len(found.paths))])
    return pruned.refined().reweighted()


def _left(found: Fit) -> float:
    """Error that a fit leaves, each band counted by the energy that it has: as loud bands do not drown the others."""
    whole = found.statistics.mix
    return float(np.exp(np.mean(np.log(found.error.sum(axis=1) / whole.sum(axis=1) + 1e-8))))


def _loudest(found: Fit) -> list[int]:
    """The tracks that tell most about a delay: the loudest in the mix."""
    in_mix = (np.abs(found.gains) ** 2 * found.statistics.energy).sum(axis=(0, 1))
    return [int(k) for k in np.argsort(-in_mix)[:_TELLING]]


def _delay(found: Fit) -> float:
    """The delay at which gains and pans alone explain most, within three samples."""
    pull = (found.weights[..., None] * np.conj(found.gains) * found.statistics.with_mix).sum(axis=(1, 2))
    samples = np.arange(-3, 3.01, 0.05)
    heard = (pull * np.exp(-found.turn * samples[:, None])).sum(axis=1).real
    return float(samples[np.argmax(heard)])


def _rounds(
    found: Fit,
    rounds: int = _ROUNDS,
    tracks: Sequence[int] | None = None,
    bands: int = MOST_BANDS,
    delayed: bool = False,
    anew: bool = False,
) -> Fit:
    """Add bands to one track after the other and improve all together, until little is gained."""
    last = np.inf
    for number in range(rounds):
        chosen = range(len(found.paths)) if tracks is None else tracks
        paths = list(found.paths)
        for k in chosen:
            paths[k] = with_bands(found, k, bands, anew and number == 0)
        found = fits.with_paths(found, paths).reweighted()
        found = found.refined(delayed=delayed).reweighted()
        left = float(found.error.sum())
        if left > (1 - _GAINED) * last:
            break
        last = left
    return found


def limited(statistics: Statistics) -> tuple[Statistics, float | None]:
    """Leave out the bands that a coder, or its sample rate, cut off the mix; and the frequency from which on."""
    free = np.abs(free_gains(statistics))
    level = np.sum(free * statistics.energy, axis=0) / np.maximum(statistics.energy.sum(axis=0), 1e-30)
    wanted = (statistics.energy * np.square(level)).sum(axis=(1, 2))
    held = statistics.mix.sum(axis=1) > _HEARD * wanted
    loud = wanted > 1e-12 * wanted.max()
    if not (held & loud).any():
        return statistics, None
    last = int(np.flatnonzero(held & loud)[-1]) + 1
    if not loud[last:].any():
        return statistics, None
    return statistics.below(last), float(statistics.bands.centres_hz[last])


def straight(fit: Fit, material: Material) -> tuple[Fit, Material, bool]:
    """Take the delay and the polarity of the mix out of it; whether the polarity was the other one."""
    signs = [-1.0 if path.turned else 1.0 for path in fit.paths]
    loud = np.sqrt((np.abs(fit.gains) ** 2 * fit.statistics.energy).sum(axis=(0, 1)))
    sign = -1.0 if float(loud @ signs) < 0 else 1.0
    paths = tuple(replace(path, turned=path.turned != (sign < 0)) for path in fit.paths)
    mix = advanced(material.mix, fit.delay) if fit.delay else material.mix
    statistics = replace(fit.statistics, with_mix=sign * fit.with_mix)
    return Fit(statistics, fit.rate_hz, paths, fit.weights), replace(material, mix=np.float32(sign) * mix), sign < 0

"""The reverb of a song: the blind estimate, the fit to it, and the fit to a response."""

from __future__ import annotations

from typing import Any

import numpy as np

from tools.benches.comparison import Comparison, Peer, before, difference
from tools.benches.sounds import MINUTES, voice_and_backing

TARGETS = 8


def blind_estimate(sounds: tuple[np.ndarray, np.ndarray]) -> dict[str, Any]:
    from mixprior.stats.reverb.blind import estimate

    found = estimate.estimate(*sounds)
    assert found is not None
    return {"wet_dry_db": found.wet_dry_db, "rt60_s": list(found.rt60_octaves_s)}


def fits(decays: list[Any]) -> list[float]:
    """Reverberation times that `fit` finds."""
    from mixprior.stats.reverb.fdn.fit import fit

    return [fit(decay, seed=seed).settings.reverberation_time_s for seed, decay in enumerate(decays)]


def fits_by_scipy(decays: list[Any]) -> list[float]:
    """The same by differential evolution on the same objective."""
    from mixprior.stats.reverb.fdn import coding
    from mixprior.stats.reverb.fdn.closed_form import Target
    from mixprior.stats.reverb.fdn.fit import FitOptions
    from tools.benches.reverb_fit import KnownLevel, scipy_evolution

    found = []
    for seed, decay in enumerate(decays):
        fitter = KnownLevel(Target.of(decay), FitOptions(), {})
        genes = scipy_evolution(fitter, fitter.loss, seed)
        knobs = np.clip(fitter.knobs(genes), fitter.low, fitter.high)
        found.append(coding.to_settings(knobs).reverberation_time_s)
    return found


def decays() -> list[Any]:
    from tools.benches.reverb_fit import TRUTH_SEED
    from tools.reverb.truths import known_decays

    return [decay for _, decay in known_decays(TARGETS, TRUTH_SEED)]


ROWS = (
    Comparison(
        "fit",
        f"fit of FdnReverb to {TARGETS} exact responses",
        fits,
        Peer("scipy, differential_evolution", fits_by_scipy),
        decays,
    ),
    Comparison(
        "fit-before",
        f"fit of FdnReverb to {TARGETS} exact responses",
        fits,
        before(fits),
        decays,
        difference,
        "s",
        bar_s=0.025 * TARGETS,
    ),
    Comparison(
        "blind-before",
        f"blind estimate of the reverb of {MINUTES} minutes",
        blind_estimate,
        before(blind_estimate),
        voice_and_backing,
        bar_s=0.05 * MINUTES,  # the model is another since: results do not compare
    ),
)

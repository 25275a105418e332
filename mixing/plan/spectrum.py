"""The equaliser step towards a catalog's mean spectrum: for a voice, or for a class of tracks."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules import spectrum
from mixprior.stats import long_term_spectra
from mixprior.stats.measures.loudness import integrated

LIMIT_DB = 6.0
"""Nothing is raised or cut by more: a catalog's mean spectrum is no song's."""

_OCTAVE = np.array([1, 2, 3, 2, 1]) / 9.0  # weights of thirds of an octave


def match(
    of: str, stem: str, audio: np.ndarray, rate_hz: int, targets: Targets, amount: float = 1.0
) -> tuple[Curve | None, Step]:
    """Choose a filter towards the mean spectrum of a stem, smoothed over an octave.

    Args:
        of: name of the sound.
        stem: whose spectrum.
        audio: float32, (2, samples).
        rate_hz: sample rate.
        targets: what the priors say.
        amount: share of the gains.

    Raises:
        InputError: if no priors know the spectrum.
    """
    if amount == 0 or integrated(audio, rate_hz) is None:
        why = "it is silent, or shorter than 0.4 s" if amount else "none of the way was to be gone"
        return None, Step("eq", of, f"{of} left as it is: {why}")
    reference, told = targets.spectrum(stem)
    own = long_term_spectra.measure(at_44100(audio, rate_hz)).magnitude
    curve = spectrum.matching_curve(own, reference)
    if curve is None:
        return None, Step("eq", of, f"{of} has the mean spectrum of {told['n']} songs already", priors=(told,))
    padded = np.pad(curve.gains_db, len(_OCTAVE) // 2, mode="edge")
    gains_db = np.clip(amount * np.convolve(padded, _OCTAVE, mode="valid"), -LIMIT_DB, LIMIT_DB).round(2)
    curve = replace(curve, gains_db=tuple(gains_db.tolist()))
    reason = (
        f"{of} towards the mean spectrum of {told['n']} songs, smoothed over an octave, by at most {LIMIT_DB:g} dB "
        f"(here {np.abs(gains_db).max():.1f})"
    )
    return curve, Step(
        "eq", of, reason, target={"spectrum": "magnitude_spectrum"}, setting=asdict(curve), priors=(told,)
    )

"""The equaliser step towards a catalog's mean spectrum: for the vocals, or for a class of tracks."""

from __future__ import annotations

from dataclasses import asdict, replace

import numpy as np

from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import Targets, Unreliable
from mixprior.mixing.rules import spectrum
from mixprior.stats.sound import Sound

LIMIT_DB = 6.0
"""Nothing is raised or cut by more: a catalog's mean spectrum is no song's."""

_OCTAVE = np.array([1, 2, 3, 2, 1]) / 9.0  # weights of thirds of an octave


def match(of: str, stem: str, sound: Sound, targets: Targets, amount: float = 1.0) -> tuple[Curve | None, Step]:
    """Choose a filter towards the mean spectrum of a stem, smoothed over an octave.

    Args:
        of: name of the sound.
        stem: whose spectrum.
        sound: the sound, two channels.
        targets: priors and group.
        amount: share of the gains.

    Raises:
        InputError: if no priors hold the spectrum.
    """
    if amount == 0 or sound.silent:
        why = "silent, or shorter than 0.4 s" if amount else "--amount is 0"
        return None, Step(name="eq", of=of, reason=f"no equaliser for {of}: {why}")
    try:
        reference, prior = targets.spectrum(stem)
    except Unreliable as error:
        return None, error.step("eq", of)
    own = at_44100(sound).spectra.magnitude
    curve = spectrum.matching_curve(own, reference)
    if curve is None:
        reason = f"{of} has the mean spectrum of {prior['n']} songs already"
        return None, Step(name="eq", of=of, reason=reason, priors=(prior,))
    padded = np.pad(curve.gains_db, len(_OCTAVE) // 2, mode="edge")
    gains_db = np.clip(amount * np.convolve(padded, _OCTAVE, mode="valid"), -LIMIT_DB, LIMIT_DB).round(2)
    curve = replace(curve, gains_db=tuple(gains_db.tolist()))
    reason = (
        f"{of} towards the mean spectrum of {prior['n']} songs, smoothed over an octave, by at most {LIMIT_DB:g} dB "
        f"(here {np.abs(gains_db).max():.1f})"
    )
    step = Step(
        name="eq",
        of=of,
        reason=reason,
        target={"spectrum": "magnitude_spectrum"},
        setting=asdict(curve),
        priors=(prior,),
    )
    return curve, step

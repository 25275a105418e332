"""The equaliser step: `mixprior.mixing.rules.timbre`, by the priors and the options of the mix."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mixprior.analysis.packaged.default_priors import Source, title
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.raw_error import RawError, raw_error
from mixprior.mixing.plan.step import Step
from mixprior.mixing.plan.targets import THIRD_OCTAVES, Targets, Unreliable
from mixprior.mixing.rules import mix_spectrum
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.timbre import LIMIT_DB, Shrinkage, shrink
from mixprior.stats.measures.band_limit import band_limit_hz
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, third_octave_db
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import MIXTURE

ASSUMED = RawError(1.0, None, "as of vocals")
"""Where `raw_errors.csv` says nothing of a stem."""

_MOST_TRUST = 100.0
"""With full trust raw material counts as so many times as far off: that is at the centre, within the limit."""


def equalise(of: str, sound: Sound, targets: Targets, options: Options) -> tuple[Curve | None, Step]:
    """Choose a filter towards the third-octave levels of a class, by the posterior given all of its bands.

    Args:
        of: the class, and the stem of the priors.
        sound: two channels.
        targets: priors and group.
        options: how it is mixed.

    Raises:
        InputError: if no priors hold the spectrum.
    """
    if options.amount == 0 or sound.silent:
        why = "silent, or shorter than 0.4 s" if options.amount else "--amount is 0"
        return None, Step(name="eq", of=of, reason=f"no equaliser for {of}: {why}")
    try:
        prior, source, (facts, *_) = targets.spectrum(of)
    except Unreliable as error:
        return None, error.step("eq", of)
    power = at_44100(sound).spectra.power
    off = raw_error("eq", THIRD_OCTAVES, of) or ASSUMED
    found = shrink(third_octave_db(power), prior, _factor(options) * off.sd, band_limit_hz(power), options.amount)
    warnings, notes = targets.warnings_and_notes(source.notes)
    warnings += tuple(Notice("unreliable", each) for each in source.unknown)
    if found is None:
        reason = f"no equaliser for {of}: hardly a band that {title(source.priors)} knows is in it"
        return None, Step(name="eq", of=of, reason=reason, priors=(facts,), warnings=warnings, notes=notes)
    curve = None if found.is_flat else Curve(tuple(BAND_CENTRES_HZ.tolist()), tuple(found.gains_db.round(2).tolist()))
    step = Step(
        name="eq",
        of=of,
        reason=_reason(of, found, off, _songs(facts, source)),
        measured={"above_centre_db": [None if np.isnan(each) else round(each, 2) for each in found.above_db.tolist()]},
        target={"spectrum": THIRD_OCTAVES, "share": round(found.share, 3), "error_sd_db": off.sd},
        setting={} if curve is None else asdict(curve),
        priors=(facts,),
        warnings=warnings,
        notes=notes,
    )
    return curve, step


def equalise_mix(parts: Iterable[Sound], targets: Targets, options: Options) -> tuple[Curve | None, Step]:
    """Choose a filter of the whole mix, towards that of the songs it is to be like, drawn towards the priors' mixtures.

    It takes the place of the classes' equalisers: the spectrum of a mixture is known of any song, that of its stems
    with the errors of separation. With both, five multitracks came no nearer to three songs of role `choose`.

    Args:
        parts: what is summed, at its levels: two channels each.
        targets: priors, group and songs to be like.
        options: how it is mixed.

    Raises:
        InputError: if no priors hold the spectrum of mixtures.
    """
    mix = Sound.sum(parts)
    if options.amount == 0 or mix.silent:
        return None, Step(name="eq", of="mix", reason="no equaliser for the mix: it is silent, or --amount is 0")
    prior, source, (facts, *references) = targets.spectrum(MIXTURE)
    power = at_44100(mix).spectra.power
    off = raw_error("eq", THIRD_OCTAVES, MIXTURE) or ASSUMED
    trust = 1.0 if options.aim == "centre" else options.trust
    found = mix_spectrum.towards(third_octave_db(power), prior, off.sd, trust, band_limit_hz(power), options.amount)
    songs = targets.like.songs_of(references, _songs(facts, source))
    if found is None:
        reason = f"no equaliser for the mix: it has the spectrum of {songs} already, or hardly a band that is known"
        return None, Step(name="eq", of="mix", reason=reason, priors=(facts, *references))
    curve = Curve(tuple(BAND_CENTRES_HZ.tolist()), tuple(found.gains_db.round(2).tolist()))
    most_db = float(np.abs(found.gains_db).max())
    step = Step(
        name="eq",
        of="mix",
        reason=f"all of the mix equalised by up to {most_db:.1f} dB (at most {mix_spectrum.LIMIT_DB:g}), smoothed over "
        f"an octave: {found.share:.0%} of the way from {found.away_db:.1f} dB a band to {songs}; what is measured is "
        f"{off.sd:g} dB off ({off})",
        target={"spectrum": THIRD_OCTAVES, "share": round(found.share, 3), "error_sd_db": off.sd},
        setting=asdict(curve),
        priors=(facts, *references),
    )
    return curve, step


def _songs(facts: Mapping[str, Any], source: Source) -> str:
    return f"{facts['n']} songs of {title(source.priors)} (group {source.group})"


def _factor(options: Options) -> float:
    if options.aim == "centre" or options.trust == 1:
        return _MOST_TRUST
    return min(options.trust / (1 - options.trust), _MOST_TRUST)


def _reason(of: str, found: Shrinkage, error: RawError, songs: str) -> str:
    away_db = float(np.sqrt(np.nanmean(np.square(found.above_db))))
    most_db = float(np.abs(found.gains_db).max())
    done = "not equalised" if found.is_flat else f"equalised by up to {most_db:.1f} dB (at most {LIMIT_DB:g})"
    return (
        f"{of} {done}: {found.share:.0%} of its difference from the mean of {songs}, {away_db:.1f} dB a band, is taken "
        f"back; raw material is {error.sd:g} dB off ({error})"
    )

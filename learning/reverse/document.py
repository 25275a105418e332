"""A mix taken apart as a recipe: `mixprior mix --replay` makes it again, `--explain` reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields, replace
from typing import Any

from mixprior.learning.reverse.compressor import CompressorFigures
from mixprior.learning.reverse.figure import Figure
from mixprior.learning.reverse.figures import TrackFigures
from mixprior.learning.reverse.intervals import COVERS
from mixprior.learning.reverse.taking import Found
from mixprior.mixing.mix.recipe import Input, Output, Recipe, Results
from mixprior.mixing.plan.step import Step
from mixprior.mixing.rules.notice import Notice
from mixprior.stats.sound import Sound

_DIGITS = 4
_HELD = ("gain_db", "pan", "eq_db")
"""Figures whose intervals were seen to hold the truth about as often as they are meant to."""


def document(found: Found, inputs: Mapping[str, Input], output: Output, mix: Sound) -> dict[str, Any]:
    """The recipe, and under "reverse" what is known of each number.

    Args:
        found: the mix taken apart.
        inputs: what the recipe has of each track.
        output: the mix that was given.
        mix: its sound.
    """
    offset_s = -found.offset_samples / found.rate_hz
    recipe = Recipe(
        inputs={name: replace(given, offset_s=offset_s) for name, given in inputs.items()},
        output=output,
        options={"reverse": output.path, "ceiling_dbtp": None},
        steps=tuple(_step(name, track, found) for name, track in found.tracks.items()),
        settings=found.settings,
        results=Results(None, None, mix.integrated_lufs, mix.true_peak_dbtp, {}),
        warnings=warnings(found),
    )
    return {**recipe.to_dict(), "reverse": report(found)}


def report(found: Found) -> dict[str, Any]:
    """What was found, with intervals, as plain dicts and numbers."""
    return {
        "residual_db": round(found.residual.db, 2),
        "residual_by_octave_db": {
            f"{hz:g}": None if db is None else round(db, 2) for hz, db in found.residual.by_octave_db.items()
        },
        "compared_s": round(found.compared_s, 2),
        "offset_s": found.offset_samples / found.rate_hz,
        "delay_samples": round(found.delay_samples, _DIGITS),
        "polarity_turned": found.turned,
        "tracks_of_other_polarity": list(found.turned_tracks),
        "limit_hz": found.limit_hz,
        "interval": dict.fromkeys(_HELD, COVERS),
        "tracks": {name: _track(track) for name, track in found.tracks.items()},
    }


def warnings(found: Found) -> tuple[Notice, ...]:
    """What a recipe cannot hold."""
    notices = []
    if found.turned:
        notices.append(Notice("not-in-recipe", "the mix has the other polarity: its replay is turned over against it"))
    if found.turned_tracks:
        names = ", ".join(found.turned_tracks)
        notices.append(Notice("not-in-recipe", f"of the other polarity than the rest, which no recipe holds: {names}"))
    if found.delay_samples:
        notices.append(
            Notice("not-in-recipe", f"the mix is late by {found.delay_samples:.2f} of a sample, which no recipe holds")
        )
    return tuple(notices)


def _track(track: TrackFigures) -> dict[str, Any]:
    return {
        "level_db": None if track.level_db is None else round(track.level_db, 2),
        "gain_db": _figure(track.gain_db),
        "pan": _figure(track.pan),
        "send_db": _figure(track.send_db),
        "compressor": None if track.compressor is None else _compressor(track.compressor),
        "eq_db": {f"{hz:.4g}": _figure(each) for hz, each in track.eq_db.items()},
        "not_found": dict(track.reasons),
    }


def _compressor(found: CompressorFigures) -> dict[str, Any]:
    return {each.name: _figure(getattr(found, each.name)) for each in fields(found)}


def _figure(figure: Figure | None) -> dict[str, float] | None:
    if figure is None:
        return None
    return {name: round(getattr(figure, name), _DIGITS) for name in ("value", "low", "high")}


def _step(name: str, track: TrackFigures, found: Found) -> Step:
    chain = found.settings.tracks[name]
    setting = {"input_gain_db": chain.input_gain_db, "bands": [asdict(band) for band in chain.bands]}
    if chain.compressor is not None:
        setting["compressor"] = asdict(chain.compressor)
    if chain.reverb is not None:
        setting["reverb"] = asdict(chain.reverb)
    if chain.pan is not None:
        setting["pan"] = chain.pan.position
    measured = {
        "level_db": track.level_db,
        "gain_db": None if track.gain_db is None else track.gain_db.value,
        "pan": None if track.pan is None else track.pan.value,
    }
    return Step(name="reverse", of=name, reason=sentence(name, track), measured=measured, setting=setting)


def sentence(name: str, track: TrackFigures) -> str:
    """What was found of a track, for people.

    >>> sentence("bass", TrackFigures(-9.0, Figure(-3.0, 0.02), Figure(0.5, 0.004), {100.0: Figure(2.5, 0.1)}, {}))
    'bass: gain -3.00 dB (+-0.02), pan 0.500 (+-0.004), equaliser up to +2.5 dB (+-0.1) at 100 Hz'
    """
    parts = []
    if track.gain_db is not None:
        parts.append(f"gain {track.gain_db.value:+.2f} dB (+-{track.gain_db.half_width:.2f})")
    if track.pan is not None:
        parts.append(f"pan {track.pan.value:.3f} (+-{track.pan.half_width:.3f})")
    known = {hz: each for hz, each in track.eq_db.items() if each is not None}
    if known:
        hz, most = max(known.items(), key=lambda item: abs(item[1].value))
        flat = abs(most.value) <= max(most.half_width, 0.2)
        words = f"up to {most.value:+.1f} dB (+-{most.half_width:.1f}) at {hz:.0f} Hz"
        parts.append("no equaliser" if flat else f"equaliser {words}")
    if track.compressor is not None:
        parts.append(_squeezed(track.compressor))
    if track.send_db is not None:
        parts.append(f"reverb send {track.send_db.value:.1f} dB (+-{track.send_db.half_width:.1f})")
    names = {"gain_db": "gain", "pan": "pan", "eq_db": "equaliser", "compressor": "threshold, ratio and knee"}
    why: dict[str, list[str]] = {}
    for kind, reason in track.reasons.items():
        why.setdefault(reason, []).append(names[kind])
    parts += [f"{', '.join(kinds)} not found: {reason}" for reason, kinds in why.items()]
    return f"{name}: {', '.join(parts)}"


def _squeezed(found: CompressorFigures) -> str:
    """What was found of a compressor, for people."""
    words = []
    if found.threshold_dbfs is not None:
        words.append(f"threshold {found.threshold_dbfs.value:.1f} dBFS (+-{found.threshold_dbfs.half_width:.1f})")
    if found.ratio is not None:
        words.append(f"ratio {found.ratio.value:.1f} ({found.ratio.low:.1f} to {found.ratio.high:.1f})")
    if found.reduction_db is not None:
        words.append(f"lower by {found.reduction_db.value:.1f} dB (+-{found.reduction_db.half_width:.1f})")
    return f"compressor: {', '.join(words)}" if words else "compressor, whose settings are not determined"

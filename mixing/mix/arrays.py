"""Arrays in; a mix and its recipe out: what `mixprior.mix` and `mixprior.mix_tracks` do, without a file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.analysis.priors import EVERY_SONG, Priors
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.learned import planner as learned
from mixprior.mixing.mix import preset as presets
from mixprior.mixing.mix import sounds as mix_sounds
from mixprior.mixing.mix.preset import Preset
from mixprior.mixing.mix.render import Mixed, render
from mixprior.mixing.mix.tracks import kept_tracks
from mixprior.mixing.plan import multitrack, pair
from mixprior.mixing.plan.offset import after, found_offset
from mixprior.mixing.plan.options import AUTO, PAIR, TRACKS, Options, chosen
from mixprior.mixing.plan.step import Plan, Planner
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.roles import ROLES, Role
from mixprior.stats.errors import InputError
from mixprior.stats.sound import Sound

Progress = Callable[[int, int], None]
_DEFAULT_PRIORS = "published"
_STAGES = 3


def mix(
    vocals: np.ndarray,
    backing: np.ndarray,
    rate_hz: int,
    *,
    priors: Priors | str | Path = _DEFAULT_PRIORS,
    group: str | None = None,
    like: Sequence[SongRows] = (),
    by: str | Path | None = None,
    preset: str | Path | None = None,
    vocal_offset_s: float | str = 0.0,
    progress: Progress | None = None,
    **options: Any,
) -> Mixed:
    """Mix vocals and their backing by priors: `mixprior.mix`, with songs to be like that are measured.

    Arguments, result and errors are those of `mixprior.mix`, but that `like` is the statistics of songs.
    """
    style = None if preset is None else presets.read(preset)
    targets = _targets(priors, group, style, like)
    wanted = _options(PAIR, options, style, targets)
    rule: partial[Plan] = partial(pair.plan, targets=targets, options=wanted)
    planner: Planner = rule if by is None else learned.planner(by, rule, targets, wanted)
    arrays = {VOCALS: vocals, BACKING: backing}
    return _mixed(arrays, rate_hz, planner, wanted, progress, vocal_offset_s)


def mix_tracks(
    tracks: Mapping[str, np.ndarray],
    rate_hz: int,
    *,
    roles: Mapping[str, str] | None = None,
    priors: Priors | str | Path = _DEFAULT_PRIORS,
    group: str | None = None,
    like: Sequence[SongRows] = (),
    by: str | Path | None = None,
    preset: str | Path | None = None,
    progress: Progress | None = None,
    **options: Any,
) -> Mixed:
    """Mix the tracks of a song by priors: `mixprior.mix_tracks`, with songs to be like that are measured.

    Arguments, result and errors are those of `mixprior.mix_tracks`, but that `like` is the statistics of songs.
    """
    given = {name: _role(name, role, tracks) for name, role in (roles or {}).items()}
    kept, left_out = kept_tracks(list(tracks))
    style = None if preset is None else presets.read(preset)
    targets = _targets(priors, group, style, like)
    wanted = _options(TRACKS, options, style, targets)
    rule: partial[Plan] = partial(
        multitrack.plan, targets=targets, options=wanted, roles_given=given, left_out=left_out
    )
    planner: Planner = rule if by is None else learned.planner(by, rule, targets, wanted)
    return _mixed({name: tracks[name] for name in kept}, rate_hz, planner, wanted, progress)


def _mixed(
    arrays: Mapping[str, np.ndarray],
    rate_hz: int,
    planner: Callable[[Mapping[str, Sound]], Plan],
    options: Options,
    progress: Progress | None,
    vocal_offset_s: float | str = 0.0,
) -> Mixed:
    report = progress or (lambda done, total: None)
    if not arrays:
        raise InputError("there is no track to mix")
    sounds, inputs = mix_sounds.of_arrays(arrays, rate_hz)
    if vocal_offset_s == AUTO:
        step = found_offset(sounds[VOCALS], sounds[BACKING])
        vocal_offset_s, planner = step.setting["offset_s"], after(step, planner)
    if vocal_offset_s:
        offset_s = float(vocal_offset_s)
        sounds[VOCALS] = mix_sounds.shifted(sounds[VOCALS], offset_s)
        inputs[VOCALS] = replace(inputs[VOCALS], offset_s=offset_s)
    report(1, _STAGES)
    plan = planner(sounds)
    report(2, _STAGES)
    mixed = render(plan, sounds, inputs, options)
    report(3, _STAGES)
    return mixed


def _options(kind: str, given: Mapping[str, Any], style: Preset | None, targets: Targets) -> Options:
    others = dict(given)
    steps = others.pop("steps", ())
    only = (steps,) if isinstance(steps, str) else steps
    make = chosen if style is None else style.applied
    options = make(kind, others, only=only, also=targets.like.steps)
    return targets.like.options(options, "target_lufs" in given or style is not None)


def _targets(priors: Priors | str | Path, group: str | None, style: Preset | None, like: Sequence[SongRows]) -> Targets:
    # The default was not chosen by the caller: what it lacks is a note and no warning.
    given = None if priors == _DEFAULT_PRIORS else priors
    if style is not None:
        given, group = given or style.priors, group or style.group
    return Targets.of(given, group or EVERY_SONG, like)


def _role(name: str, role: str, tracks: Mapping[str, np.ndarray]) -> Role:
    if name not in tracks:
        raise InputError(f"no track {name!r} to give the role {role}; there are: {', '.join(tracks)}")
    if role not in ROLES:
        raise InputError(f"no role {role!r} for {name}; there are: {', '.join(ROLES)}")
    return Role(role, 1.0, "as given")

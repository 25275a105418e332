"""A planner whose centre is the posterior rule, and whose controls a trained network moves."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import BACKING, VOCALS
from mixprior.mixing.effects.settings import RANGES, Band, Chain, MixSettings, PanSettings
from mixprior.mixing.learned import occlusion
from mixprior.mixing.learned.console import SHELF_Q, SHELVES, STEP_OF, ConsoleNetwork
from mixprior.mixing.learned.heard import Heard, hear, statistics_of, statistics_of_song
from mixprior.mixing.plan.like import Like
from mixprior.mixing.plan.locks import GAIN, PAN
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.step import Plan, Planner, Step
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.ratio import ratio_lu, vocal_gain_db
from mixprior.stats.sound import Sound

_SCALE = {"pan": 2.0}
"""From positions, 0 to 1, to places, -1 to 1."""
_LEAST = {"output_gain_db": 0.05, "band_gain_db": 0.05, "pan": 0.01}
"""Less of a cause is not said."""
_CENTRE = 0.5


def planner(network: ConsoleNetwork, base: partial[Plan], targets: Targets, options: Options) -> Planner:
    """Plan a mix by the posterior rule, and move its controls by a network.

    The network moves levels; with the steps `eq` and `pan` also shelves and places, in place of what the rule would do,
    if these are controls that it has.
    What is asked for by songs to be like is how far these are from the rule's mix in level and slope.

    Args:
        network: the mixer.
        base: the posterior rule, of vocals and a backing or of tracks, with a keyword `options`.
        targets: priors, and songs to be like.
        options: how it is mixed: `steps`, `amount` and `ratio_lu`, which is kept.
    """
    own = {STEP_OF[control] for control in network.spread} - {"level", *(("eq",) if targets.like else ())}
    steps = tuple(step for step in options.steps if step not in own)
    rule = partial(base, options=replace(options, steps=steps))
    return partial(_plan, network=network, rule=rule, like=targets.like, options=options)


def _plan(sounds: Mapping[str, Sound], network: ConsoleNetwork, rule: Planner, like: Like, options: Options) -> Plan:
    planned = rule(sounds)
    parts = _parts(planned, sounds)
    asked = _asked_by(like, planned.settings, sounds)
    heard = {name: found for name, sound in parts.items() if (found := hear(sound, asked.get(name))) is not None}
    if not heard:
        return planned
    controls = [each for each in network.spread if STEP_OF[each] in options.steps]
    moves = network.moves(list(heard.values()))
    moved = {
        name: {each: options.amount * moves[each][place] for each in controls if not _is_fixed(name, each, options)}
        for place, name in enumerate(heard)
    }
    settings = _with_moves(planned.settings, moved)
    at_ratio = options.ratio_lu is not None and "level" in options.steps
    if at_ratio:
        settings = _at_ratio(settings, planned.settings, sounds)
    causes = {each: occlusion.effects(network, heard, each) for each in controls}
    steps = []
    for name in heard:
        is_back = at_ratio and name == VOCALS
        controls_of = {*moved[name], *(("output_gain_db",) if is_back else ())}
        made = _made(_chain_of(planned.settings, name), _chain_of(settings, name), controls_of)
        of = {each: _scaled(causes[each][name], options.amount * _SCALE.get(each, 1.0)) for each in moved[name]}
        if is_back:
            of["output_gain_db"] = {}  # the ratio that is given, not what is heard, sets it
        steps.append(_step(name, made, of, heard[name], network))
    return Plan(settings, (*planned.steps, *steps))


def _made(before: Chain, after: Chain, moved: Collection[str]) -> dict[str, Any]:
    """What was made of moves: what the mix has, less what the rule set; places from -1 to 1, as `--lock` has them."""
    made: dict[str, Any] = {}
    if "output_gain_db" in moved:
        made["output_gain_db"] = after.output_gain_db - before.output_gain_db
    if "pan" in moved:
        places = [_CENTRE if each.pan is None else each.pan.position for each in (before, after)]
        made["pan"] = _SCALE["pan"] * (places[1] - places[0])
    if "band_gain_db" in moved:
        added = {band.kind: band.gain_db for band in after.bands[len(before.bands) :]}
        made["band_gain_db"] = [added.get(kind, 0.0) for kind, _ in SHELVES]
    return made


def _chain_of(settings: MixSettings, name: str) -> Chain:
    return settings.buses[name] if name in settings.buses else settings.tracks[name]


def _on_scale(spread: Mapping[str, float]) -> dict[str, float]:
    return {control: sd * _SCALE.get(control, 1.0) for control, sd in spread.items()}


def _scaled(causes: Mapping[str, float], share: float) -> dict[str, float]:
    return {cause: share * effect for cause, effect in causes.items()}


def _is_fixed(name: str, control: str, options: Options) -> bool:
    setting = {"output_gain_db": GAIN, "pan": PAN}.get(control)
    return setting is not None and options.locks.fixes(name, setting)


def _parts(planned: Plan, sounds: Mapping[str, Sound]) -> dict[str, Sound]:
    """What is summed last, before its own chain: buses, and tracks without one."""
    settings = planned.settings
    found = {name: sounds[name] for name in settings.tracks if name not in settings.routing}
    for bus in settings.buses:
        known = planned.summed.get(bus)
        members = {name: each for name, each in settings.tracks.items() if settings.routing.get(name) == bus}
        found[bus] = known.sound if known is not None else chain.bus_sum(members, sounds).sound
    return found


def _asked_by(like: Like, settings: MixSettings, sounds: Mapping[str, Sound]) -> dict[str, dict[str, float]]:
    """What songs have more of than the rule's mix, by part and statistic: their mean."""
    if not like:
        return {}
    now = statistics_of(dict(chain.parts(settings, sounds)))
    found: dict[str, dict[str, float]] = {}
    for name, own in now.items():
        wanted = [statistics_of_song(song, name) for song in like.songs]
        for each, value in own.items():
            values = [of[each] for of in wanted if each in of]
            if values:
                found.setdefault(name, {})[each] = float(np.mean(values)) - value
    return found


def _with_moves(settings: MixSettings, moved: Mapping[str, Mapping[str, Any]]) -> MixSettings:
    tracks, buses = dict(settings.tracks), dict(settings.buses)
    for name, moves in moved.items():
        of = buses if name in buses else tracks
        of[name] = _moved(of[name], moves)
    return replace(settings, tracks=tracks, buses=buses)


def _moved(before: Chain, moves: Mapping[str, Any]) -> Chain:
    """A chain with its controls moved, within their ranges."""
    changes: dict[str, Any] = {}
    if "output_gain_db" in moves:
        changes["output_gain_db"] = _within("output_gain_db", before.output_gain_db, moves["output_gain_db"], 2)
    if "pan" in moves:
        place = _CENTRE if before.pan is None else before.pan.position
        position = _within("pan", place, moves["pan"], 3)
        changes["pan"] = before.pan if position == place else PanSettings(position)
    shelves = [
        Band(kind, frequency_hz, gain_db, SHELF_Q)
        for (kind, frequency_hz), move in zip(SHELVES, moves.get("band_gain_db", ()), strict=False)
        if (gain_db := _within("band_gain_db", 0.0, move, 2))
    ]
    return replace(before, bands=(*before.bands, *shelves), **changes)


def _within(control: str, value: float, move: float, digits: int) -> float:
    """A control that is moved; one that is out of its range goes no further out."""
    over = RANGES[control]
    return round(float(np.clip(value + move, min(over.low, value), max(over.high, value))), digits) + 0.0


def _at_ratio(settings: MixSettings, before: MixSettings, sounds: Mapping[str, Sound]) -> MixSettings:
    """The vocals back at the ratio that they had, which a person gave."""
    wanted, now = (dict(chain.parts(each, sounds)) for each in (before, settings))
    if VOCALS not in now or len(now) < 2:
        return settings
    pairs = [
        (of[VOCALS], of.get(BACKING) or Sound.sum(s for n, s in of.items() if n != VOCALS)) for of in (wanted, now)
    ]
    kept_lu = ratio_lu(*pairs[0])
    back_db = None if kept_lu is None else vocal_gain_db(*pairs[1], kept_lu)
    return settings if back_db is None else _with_moves(settings, {VOCALS: {"output_gain_db": back_db}})


@dataclass(frozen=True)
class _Words:
    """How a control's move is said."""

    more: str
    less: str
    unit: str


_WORDS = {
    "output_gain_db": _Words("raised by", "lowered by", " dB"),
    "band_gain_db": _Words("made brighter by", "made darker by", " dB"),
    "pan": _Words("put to the right by", "put to the left by", ""),
}


def _step(
    name: str,
    moved: Mapping[str, Any],
    causes: Mapping[str, Mapping[str, float]],
    heard: Heard,
    network: ConsoleNetwork,
) -> Step:
    said = [words for each, move in moved.items() if (words := _reason(each, move, causes[each]))]
    reason = f"{name} {'; '.join(said)}" if said else f"{name} stays where the posterior rule puts it"
    setting = {each: np.round(move, 4).tolist() for each, move in moved.items()}
    return Step(
        name="prediction",
        of=name,
        reason=reason,
        measured={each: {cause: round(effect, 4) for cause, effect in of.items()} for each, of in causes.items()},
        target=dict(heard.asked),
        setting=setting,
        priors=({"statistic": "controls", "model_sha256": network.sha256, "sd": _on_scale(network.spread)},),
    )


def _reason(control: str, move: Any, causes: Mapping[str, float]) -> str:
    amount = float(move if np.ndim(move) == 0 else move[1] - move[0])
    if abs(amount) < _LEAST[control]:
        return ""
    words = _WORDS[control]
    how = f"{words.more if amount > 0 else words.less} {abs(amount):.2f}{words.unit}"
    why = occlusion.said(causes, _LEAST[control], words.unit)
    return f"{how}{f' {why}' if why else ''}"

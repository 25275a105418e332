"""All the tracks of a song: each to its class, each class to what its stem is like in the priors.

Tracks are placed in their class, classes are equalised, vocals that are masked are freed, compressed, given a reverb,
and the classes are levelled. That is the order in which they are rendered: every step is chosen for the sound that
comes to it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS, BusSum
from mixprior.mixing.effects.settings import Chain, MixSettings, PanSettings
from mixprior.mixing.plan.class_levels import set_levels
from mixprior.mixing.plan.compression import compress
from mixprior.mixing.plan.locks import GAIN
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.pan import Track, place
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import equalise, equalise_mix
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.plan.unmasking import unmask
from mixprior.mixing.rules import roles
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.ratio import ratio_lu, vocal_gain_db
from mixprior.mixing.rules.roles import Role
from mixprior.mixing.rules.spread import LAW
from mixprior.stats.sound import Sound

CLASSES = (VOCALS, "drums", "bass", "other")
BALANCE_LIMIT_DB = 12.0
"""No track is raised or cut by more against the others of its class."""

DOUBTFUL = 0.5
"""A class with no more confidence than this is warned of."""


def plan(
    sounds: Mapping[str, Sound],
    targets: Targets,
    options: Options,
    roles_given: Mapping[str, Role] | None = None,
    left_out: Sequence[str] = (),
) -> Plan:
    """Decide on everything up to the sum of the classes.

    Args:
        sounds: by the name of the track, two channels each and of one rate.
        targets: priors and group.
        options: how it is mixed.
        roles_given: class by track, where a person gave it.
        left_out: tracks that are not among the sounds, because they are the sum of others.

    Raises:
        InputError: if the priors lack what a step needs.
    """
    tracks, steps = _assign(sounds, roles_given or {}, left_out)
    targets = replace(targets, sung=any(track.role == VOCALS for track in tracks.values()))
    steps += options.locks.steps((*tracks, *(role for role in CLASSES if role in {t.role for t in tracks.values()})))
    settings, mixed, known, class_steps = _classes(sounds, tracks, targets, options)
    steps += class_steps
    targets = replace(targets, duration_s=max((sound.duration_s for sound in mixed.values()), default=None))
    if targets.like and "eq" in options.steps:
        settings, mixed, step = _shape_mix(settings, mixed, targets, options)
        steps.append(step)
    if "unmask" in options.steps and VOCALS in mixed and len(mixed) > 1:
        settings, mixed, step = _unmask(settings, mixed, targets, options)
        steps.append(step)
    if "compression" in options.steps and VOCALS in mixed and not mixed[VOCALS].silent:
        before = replace(settings.buses[VOCALS], pan=None, output_gain_db=0.0)
        compressor, step = compress(chain.process(before, known[VOCALS].sound), targets, options)
        steps.append(step)
        settings = _with(settings, VOCALS, compressor=compressor)
        mixed[VOCALS] = chain.process(settings.buses[VOCALS], known[VOCALS].sound)
    if "reverb" in options.steps and VOCALS in mixed:
        rest = chain.total(sound for bus, sound in mixed.items() if bus != VOCALS)
        added, step = add_reverb(VOCALS, mixed[VOCALS], rest, targets, options)
        steps.append(step)
        makeup_db = settings.buses[VOCALS].output_gain_db + added.output_gain_db
        settings = _with(settings, VOCALS, reverb=added.reverb, output_gain_db=makeup_db)
        mixed[VOCALS] = chain.process(added, mixed[VOCALS])
    gains_db, level_steps = set_levels(mixed, targets, options) if "level" in options.steps else ({}, [])
    steps += level_steps
    for bus, gain_db in gains_db.items():
        settings = _with(settings, bus, output_gain_db=round(settings.buses[bus].output_gain_db + gain_db, 2))
    return targets.like.announced(Plan(settings, tuple(steps), known), options)


def _assign(
    sounds: Mapping[str, Sound], given: Mapping[str, Role], left_out: Sequence[str]
) -> tuple[dict[str, Track], list[Step]]:
    tracks, lines = {}, {}
    doubts: list[Notice] = []
    ignored = roles.shared_words(list(sounds))
    for name in sounds:
        sound = sounds[name]
        role = given.get(name) or roles.role_of(name, partial(roles.measure, sound), ignored)
        tracks[name] = Track.of(sound, role.role)
        lines[name] = {"role": role.role, "confidence": round(role.confidence, 2), "why": role.reason}
        if role.confidence <= DOUBTFUL:
            doubt = f"{name} was taken for {role.role} with little certainty ({role.reason}): see --roles"
            doubts.append(Notice("role", doubt))
        if sound.silent:
            doubts.append(Notice("silent", f"{name} is silent, or shorter than 0.4 s"))
    count = {role: sum(track.role == role for track in tracks.values()) for role in CLASSES}
    listed = ", ".join(f"{number} {role}" for role, number in count.items() if number)
    notes = tuple(f"{name} is left out: it is the sum of other tracks" for name in left_out)
    step = Step(
        name="roles",
        of="mix",
        reason="; ".join([f"tracks by class: {listed}", *notes]),
        measured=lines,
        warnings=tuple(doubts),
        notes=notes,
    )
    return tracks, [step]


def _classes(
    sounds: Mapping[str, Sound], tracks: Mapping[str, Track], targets: Targets, options: Options
) -> tuple[MixSettings, dict[str, Sound], dict[str, BusSum], list[Step]]:
    """Each class by itself: its tracks against each other, then its equaliser.

    Returns:
        The settings, each class as it sounds by them, what its bus sums, and the steps.
    """
    routing = {name: track.role for name, track in tracks.items()}
    buses = [role for role in CLASSES if role in routing.values()]
    settings = MixSettings(dict.fromkeys(tracks, Chain()), dict.fromkeys(buses, Chain()), routing)
    mixed: dict[str, Sound] = {}
    known: dict[str, BusSum] = {}
    steps: list[Step] = []
    for bus in buses:
        members = {name: track for name, track in tracks.items() if track.role == bus}
        chains, track_steps = _among_each_other(bus, members, targets, options)
        known[bus] = chain.bus_sum(chains, sounds)
        bus_chain, bus_steps = _shape(bus, known[bus].sound, targets, options)
        settings = replace(settings, tracks={**settings.tracks, **chains}, buses={**settings.buses, bus: bus_chain})
        mixed[bus] = chain.process(bus_chain, known[bus].sound)
        steps += [*track_steps, *bus_steps]
    return settings, mixed, known, steps


def _among_each_other(
    bus: str, members: Mapping[str, Track], targets: Targets, options: Options
) -> tuple[dict[str, Chain], list[Step]]:
    """Gains and places of the tracks of a class."""
    fixed = {name: options.locks.chain(name) for name in options.locks.of if name in members and name != bus}
    members = {name: track.processed(fixed[name]) if name in fixed else track for name, track in members.items()}
    gains_db, balance_steps = _balance(bus, members, options)
    balanced = {name: track.gained(gains_db.get(name, 0.0)) for name, track in members.items()}
    positions, pan_steps = place(bus, balanced, targets, options) if "pan" in options.steps else ({}, [])
    chains = {
        name: Chain(
            fixed.get(name, Chain()).input_gain_db + gains_db.get(name, 0.0),
            pan=PanSettings(positions[name], LAW) if name in positions else fixed.get(name, Chain()).pan,
        )
        for name in members
    }
    return chains, [*balance_steps, *pan_steps]


def _balance(bus: str, members: Mapping[str, Track], options: Options) -> tuple[dict[str, float], list[Step]]:
    """Gains that make the tracks of a class equally loud; none where their ratios are to be kept."""
    known = {name: track.lufs for name, track in members.items() if track.lufs is not None}
    if options.balance == "keep" or "level" not in options.steps or len(known) < 2:
        return {}, []
    middle = float(np.median(list(known.values())))
    limited = {name: min(max(middle - lufs, -BALANCE_LIMIT_DB), BALANCE_LIMIT_DB) for name, lufs in known.items()}
    free = {name: gain_db for name, gain_db in limited.items() if not options.locks.fixes(name, GAIN)}
    gains_db = {name: round(options.amount * gain_db, 2) for name, gain_db in free.items()}
    share = "" if options.amount == 1 else f", {options.amount:.0%} of the way"
    reason = f"tracks of {bus} made equally loud at {middle:.1f} LUFS, by at most {BALANCE_LIMIT_DB:g} dB{share}"
    target = {"integrated_lufs": middle}
    return gains_db, [Step(name="level", of=bus, reason=reason, measured=known, target=target, setting=gains_db)]


def _shape(bus: str, sound: Sound, targets: Targets, options: Options) -> tuple[Chain, list[Step]]:
    """What is fixed of a class, and its equaliser."""
    found = options.locks.chain(bus)
    if sound.silent or "eq" not in options.steps or targets.like:
        return found, []
    curve, step = equalise(bus, chain.process(found, sound), targets, options)
    return replace(found, match=curve), [step]


def _shape_mix(
    settings: MixSettings, mixed: Mapping[str, Sound], targets: Targets, options: Options
) -> tuple[MixSettings, dict[str, Sound], Step]:
    """One equaliser for all classes, by the mix as loud as they are to be in it."""
    curve, step = equalise_mix(_levelled(mixed, targets, options).values(), targets, options)
    for bus in mixed:
        settings = _with(settings, bus, match=curve)
    return settings, {bus: chain.process(Chain(match=curve), sound) for bus, sound in mixed.items()}, step


def _unmask(
    settings: MixSettings, mixed: Mapping[str, Sound], targets: Targets, options: Options
) -> tuple[MixSettings, dict[str, Sound], Step]:
    """Bands of the vocals, and of all other classes alike. The ratio of the two stays unless vocals are fixed."""
    levelled = _levelled(mixed, targets, options)
    vocals, rest = levelled[VOCALS], chain.total(sound for bus, sound in levelled.items() if bus != VOCALS)
    bands, others, step = unmask(vocals, rest, options)
    own_lu, back_db = ratio_lu(vocals, rest), 0.0
    if own_lu is not None and (bands or others) and not options.locks.fixes(VOCALS, GAIN):
        freed = chain.process(Chain(bands=bands), vocals), chain.process(Chain(bands=others), rest)
        back_db = round(vocal_gain_db(*freed, own_lu) or 0.0, 2)
    added = {bus: Chain(bands=others) for bus in mixed} | {VOCALS: Chain(bands=bands, output_gain_db=back_db)}
    for bus, each in added.items():
        settings = _with(settings, bus, bands=each.bands, output_gain_db=each.output_gain_db)
    return settings, {bus: chain.process(added[bus], sound) for bus, sound in mixed.items()}, step


def _levelled(mixed: Mapping[str, Sound], targets: Targets, options: Options) -> dict[str, Sound]:
    """Classes as loud as they would be in the mix without what is still to come."""
    gains_db = set_levels(mixed, targets, options)[0] if "level" in options.steps else {}
    return {bus: sound.gained(gains_db.get(bus, 0.0)) for bus, sound in mixed.items()}


def _with(settings: MixSettings, bus: str, **changes: object) -> MixSettings:
    return replace(settings, buses={**settings.buses, bus: replace(settings.buses[bus], **changes)})  # type: ignore[arg-type]

"""All the tracks of a song: each to its class, each class to what its stem is like in the priors.

After FxNorm-automix (Martinez-Ramirez et al., ISMIR 2022), with classes of tracks in place of stems: equaliser towards
the mean spectrum, panning, compression of onset peaks, loudness; a reverb for the vocals alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.effects.settings import Chain, MixSettings, PanSettings
from mixprior.mixing.plan import level
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import add_reverb
from mixprior.mixing.plan.spectrum import match
from mixprior.mixing.plan.step import Plan, Step
from mixprior.mixing.plan.targets import Targets, Unreliable
from mixprior.mixing.rules import compression, roles
from mixprior.mixing.rules.notice import Notice
from mixprior.mixing.rules.roles import Role
from mixprior.mixing.rules.spread import LAW, spread
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.sound import Sound

CLASSES = (VOCALS, "drums", "bass", "other")
SPREAD = (VOCALS, "other")
"""Classes whose tracks are put left and right; drums and bass, of which kick, snare and the lowest notes belong in the
centre, stay where they are."""
BALANCE_LIMIT_DB = 12.0
"""No track is raised or cut by more against the others of its class."""

DOUBTFUL = 0.5
"""A class with no more confidence than this is warned of."""

_NARROW = 0.95


@dataclass(frozen=True)
class _Track:
    """A track: its class, its loudness (None if silent) and its energies L^2, R^2 and L R."""

    role: str
    lufs: float | None
    energies: tuple[float, float, float]

    @property
    def is_narrow(self) -> bool:
        """Whether it is mono, or nearly, and in the centre, so that it can be put elsewhere."""
        left, right, cross = self.energies
        return left + right > 0 and mid_energy_fraction(left, right, cross) >= _NARROW

    def gained(self, gain_db: float) -> _Track:
        """The track with a gain."""
        left, right, cross = (energy * 10 ** (gain_db / 10) for energy in self.energies)
        return replace(self, lufs=None if self.lufs is None else self.lufs + gain_db, energies=(left, right, cross))


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
    routing = {name: track.role for name, track in tracks.items()}
    buses = [role for role in CLASSES if role in routing.values()]
    targets = replace(targets, sung=VOCALS in buses)
    settings = MixSettings(dict.fromkeys(tracks, Chain()), dict.fromkeys(buses, Chain()), routing)
    mixed: dict[str, Sound] = {}
    for bus in buses:
        members = {name: track for name, track in tracks.items() if track.role == bus}
        chains, track_steps = _among_each_other(bus, members, targets, options)
        steps += track_steps
        settings = replace(settings, tracks={**settings.tracks, **chains})
        summed = _sum(chain.process(track_chain, sounds[name]) for name, track_chain in chains.items())
        bus_chain, bus_steps = _shape(bus, summed, targets, options)
        steps += bus_steps
        settings = replace(settings, buses={**settings.buses, bus: bus_chain})
        mixed[bus] = chain.process(bus_chain, summed)
    if "reverb" in options.steps and VOCALS in mixed:
        rest = _sum(sound for bus, sound in mixed.items() if bus != VOCALS)
        added, step = add_reverb(VOCALS, mixed[VOCALS], rest, targets, options)
        steps.append(step)
        settings = _with(settings, VOCALS, reverb=added.reverb, output_gain_db=added.output_gain_db)
        mixed[VOCALS] = chain.process(added, mixed[VOCALS])
    if "level" in options.steps:
        gains_db, level_steps = _levels(mixed, targets, options)
        steps += level_steps
        for bus, gain_db in gains_db.items():
            before_db = settings.buses[bus].output_gain_db
            settings = _with(settings, bus, output_gain_db=round(before_db + gain_db, 2))
    return Plan(settings, tuple(steps))


def _assign(
    sounds: Mapping[str, Sound], given: Mapping[str, Role], left_out: Sequence[str]
) -> tuple[dict[str, _Track], list[Step]]:
    tracks, lines = {}, {}
    doubts: list[Notice] = []
    ignored = roles.shared_words(list(sounds))
    for name in sounds:
        sound = sounds[name]
        role = given.get(name) or roles.role_of(name, partial(roles.measure, sound), ignored)
        tracks[name] = _Track(role.role, sound.integrated_lufs, sound.energies)
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


def _among_each_other(
    bus: str, members: Mapping[str, _Track], targets: Targets, options: Options
) -> tuple[dict[str, Chain], list[Step]]:
    """Gains and places of the tracks of a class."""
    gains_db, balance_steps = _balance(bus, members, options)
    balanced = {name: track.gained(gains_db.get(name, 0.0)) for name, track in members.items()}
    positions, pan_steps = _place(bus, balanced, targets, options)
    chains = {
        name: Chain(gains_db.get(name, 0.0), pan=PanSettings(positions[name], LAW) if name in positions else None)
        for name in members
    }
    return chains, [*balance_steps, *pan_steps]


def _balance(bus: str, members: Mapping[str, _Track], options: Options) -> tuple[dict[str, float], list[Step]]:
    """Gains that make the tracks of a class equally loud; none where their ratios are to be kept."""
    known = {name: track.lufs for name, track in members.items() if track.lufs is not None}
    if options.balance == "keep" or "level" not in options.steps or len(known) < 2:
        return {}, []
    middle = float(np.median(list(known.values())))
    limited = {name: min(max(middle - lufs, -BALANCE_LIMIT_DB), BALANCE_LIMIT_DB) for name, lufs in known.items()}
    gains_db = {name: round(options.amount * gain_db, 2) for name, gain_db in limited.items()}
    share = "" if options.amount == 1 else f", {options.amount:.0%} of the way"
    reason = f"tracks of {bus} made equally loud at {middle:.1f} LUFS, by at most {BALANCE_LIMIT_DB:g} dB{share}"
    target = {"integrated_lufs": middle}
    return gains_db, [Step(name="level", of=bus, reason=reason, measured=known, target=target, setting=gains_db)]


def _place(
    bus: str, members: Mapping[str, _Track], targets: Targets, options: Options
) -> tuple[Mapping[str, float], list[Step]]:
    """Put the narrow tracks of a class left and right until it is as wide as the prior has it."""
    if "pan" not in options.steps or bus not in SPREAD:
        return {}, []
    try:
        target = targets.scalar(bus, "mid_energy_fraction")
    except Unreliable as error:
        return {}, [error.step("pan", bus)]
    audible = {name: track for name, track in members.items() if track.lufs is not None}
    narrow = [name for name, track in audible.items() if track.is_narrow]
    if not audible:
        return {}, []
    found = spread({name: track.energies for name, track in audible.items()}, narrow, target.value)
    positions = {name: round(0.5 + options.amount * (position - 0.5), 3) for name, position in found.positions.items()}
    if positions:
        reason = f"{len(positions)} narrow tracks of {bus} put left and right: {target.reason}"
    elif found.mid_before <= target.value:
        reason = f"{bus} not moved: it is as wide as the prior's {target.value:.2f} or wider"
    else:
        reason = f"{bus} not moved: of its tracks {len(narrow)} are narrow, and the loudest stays in the centre"
    measured, aim = {"mid_energy_fraction": found.mid_before}, {"mid_energy_fraction": target.value}
    if options.amount == 1:
        measured["expected"] = found.mid_after
    elif positions:
        reason = f"{options.amount:.0%} of the way: {reason}"
    step = Step(
        name="pan",
        of=bus,
        reason=reason,
        measured=measured,
        target=aim,
        setting=positions,
        priors=target.priors,
        warnings=target.warnings,
        notes=target.notes,
    )
    return positions, [step]


def _shape(bus: str, sound: Sound, targets: Targets, options: Options) -> tuple[Chain, list[Step]]:
    """Equaliser and compressor of a class."""
    found = Chain()
    steps: list[Step] = []
    if sound.silent:
        return found, steps
    if "eq" in options.steps:
        curve, step = match(bus, bus, sound, targets, options.amount)
        steps.append(step)
        found = replace(found, match=curve)
        sound = chain.process(Chain(match=curve), sound)
    if "compression" in options.steps:
        try:
            mean, sd = targets.scalar(bus, "onset_peak_mean_db"), targets.scalar(bus, "onset_peak_sd_db")
        except Unreliable as error:
            return found, [*steps, error.step("compression", bus)]
        peaks = at_44100(sound).onset_peaks_db
        aim_db = peaks[0] + options.amount * (mean.value - peaks[0]) if peaks else mean.value
        made = compression.to_onset_peaks(sound, bus, aim_db, sd.value)
        steps.append(
            Step(
                name="compression",
                of=bus,
                reason=made.reason,
                measured=made.measured,
                target={"onset_peak_mean_db": aim_db, "onset_peak_sd_db": sd.value},
                setting=asdict(made.settings) if made.settings else {},
                priors=(*mean.priors, *sd.priors),
                warnings=mean.warnings,
                notes=mean.notes,
            )
        )
        found = replace(found, compressor=made.settings)
    return found, steps


def _levels(mixed: Mapping[str, Sound], targets: Targets, options: Options) -> tuple[dict[str, float], list[Step]]:
    """Gains of the classes: the instruments by the loudnesses of the priors, the vocals by their ratio to them."""
    vocals = mixed.get(VOCALS)
    instruments = {bus: sound for bus, sound in mixed.items() if bus != VOCALS and not sound.silent}
    gains_db: dict[str, float] = dict.fromkeys(mixed, 0.0)
    steps: list[Step] = []
    ratio = None if vocals is None else targets.ratio(options.ratio_lu)
    if len(instruments) > 1:
        sung = None if vocals is None or vocals.silent else vocals
        found, steps = level.set_groups(instruments, targets, sung, ratio.value if ratio else 0.0, options)
        gains_db |= found
    if vocals is not None and ratio is not None:
        backing = _sum(mixed[bus].gained(gains_db[bus]) for bus in mixed if bus != VOCALS)
        gains_db[VOCALS], step, _ = level.set_level(VOCALS, vocals, backing, ratio, options)
        steps.append(step)
    return gains_db, steps


def _with(settings: MixSettings, bus: str, **changes: object) -> MixSettings:
    return replace(settings, buses={**settings.buses, bus: replace(settings.buses[bus], **changes)})  # type: ignore[arg-type]


def _sum(sounds: Iterable[Sound]) -> Sound:
    total = chain.Total()
    for sound in sounds:
        total.add(sound)
    return total.sound()

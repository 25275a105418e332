"""Arrays in, normalised arrays out: what `mixprior.normalize` does, without a file; and the constants it goes by."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from mixprior.analysis.constants import constants as catalog_constants
from mixprior.analysis.constants import file as constants_file
from mixprior.analysis.constants.constants import STEMS, Features
from mixprior.analysis.priors import EVERY_SONG, Priors, open_priors
from mixprior.mixing.effects.resampling import at_44100
from mixprior.mixing.normalise import reverb_send
from mixprior.mixing.normalise.effects import EFFECTS, PANNINGS
from mixprior.mixing.normalise.outcome import outcomes, shortfall
from mixprior.mixing.normalise.reverb_send import Send
from mixprior.mixing.normalise.stem import measured, normalise
from mixprior.pipeline.store.places import place
from mixprior.stats.errors import InputError
from mixprior.stats.long_term_spectra import BINS
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ

_SIZES = {"eq": BINS, "panning": BINS, "compression": 2, "loudness": 1}


@dataclass(frozen=True)
class Normalized:
    """Normalised stems.

    Attributes:
        stems: by name, float32, (2, samples), full scale 1.0.
        rate_hz: sample rate of all, 44.1 kHz.
        record: by name, what was measured before and after, what was done, what was reached of the constants, and
            warnings: a sentence where something was missed.
    """

    stems: Mapping[str, np.ndarray] = field(repr=False)
    rate_hz: int
    record: Mapping[str, Mapping[str, Any]] = field(repr=False)


def normalize(
    stems: Mapping[str, np.ndarray],
    rate_hz: int,
    constants: Features | Priors | str | Path,
    *,
    group: str = EVERY_SONG,
    effects: Sequence[str] | None = None,
    panning: str = PANNINGS[0],
    impulse_responses: str | Path | None = None,
    seed: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Normalized:
    """Bring the stems of a song to the constants of a catalog, as FxNorm-automix does before it trains networks.

    Args:
        stems: some of "vocals", "drums", "bass" and "other": float, shape (channels, samples) or (samples,), one or two
            channels, full scale 1.0.
        rate_hz: sample rate of all.
        constants: what `mixprior constants` wrote (.npz, .json), the same in memory, or priors to take them from.
        group: of priors: the songs to go by, as "genre=rock".
        effects: some of `mixprior.mixing.normalise.effects.EFFECTS`; all of them, reverb where there are impulse
            responses.
        panning: "exact", or "fxnorm" for what FxNorm-automix's networks were trained on.
        impulse_responses: folder of them, for the reverb on vocals and other.
        seed: of the reverb.
        progress: called with the number of stems done, and of all.

    Raises:
        InputError: if an array has another shape or holds NaN, a stem or an effect is unknown, or the constants cannot
            be used.

    >>> constants = {"loudness": {stem: np.array([-20.0]) for stem in STEMS}}
    >>> tone = 0.5 * np.sin(2 * np.pi * 220 * np.arange(44_100) / 44_100)
    >>> done = normalize({"bass": tone}, 44_100, constants, effects=["loudness"])
    >>> round(done.record["bass"]["after"]["integrated_lufs"], 2)
    -20.0
    """
    wanted = wanted_effects(effects, panning, impulse_responses)
    features = constants if isinstance(constants, Mapping) else read_constants(constants, group)[0]
    check(str(constants) if isinstance(constants, str | Path) else "constants", features, wanted)
    responses = reverb_send.impulse_responses(Path(impulse_responses)) if impulse_responses else []
    unknown = [name for name in stems if name not in STEMS]
    if unknown:
        raise InputError(f"no constants are known of a stem {unknown[0]!r}; there are: {', '.join(STEMS)}")
    done: dict[str, np.ndarray] = {}
    record: dict[str, dict[str, Any]] = {}
    for name, array in stems.items():
        send = reverb_send.draw_for(f"{name}.wav", responses, seed) if "reverb" in wanted else None
        given = Sound.of(array, rate_hz, name).stereo
        sound, record[name] = recorded(given, name, features, effects=wanted, panning=panning, send=send)
        done[name] = sound.audio
        if progress is not None:
            progress(len(done), len(stems))
    return Normalized(done, SAMPLE_RATE_HZ, record)


def recorded(
    sound: Sound, stem: str, features: Features, *, effects: Sequence[str], panning: str, send: Send | None
) -> tuple[Sound, dict[str, Any]]:
    """Normalise a stem: the outcome at 44.1 kHz, what was measured before and after, and what was done.

    Args:
        sound: two channels.
        stem: its name.
        features: constants to reach.
        effects: some of `EFFECTS`.
        panning: one of `PANNINGS`.
        send: of the reverb; None for none.

    Raises:
        InputError: if the impulse response cannot be read.
    """
    before = at_44100(sound)
    work = normalise(before, stem, features, effects, panning, send)
    after = measured(work.sound, stem, features)
    outcome = outcomes(stem, after, features, effects, work.done)
    missed = shortfall(outcome)
    record = {
        "before": measured(before, stem, features),
        "done": work.done,
        "after": after,
        "outcome": outcome,
        "warnings": [f"{stem}: {missed}"] if missed else [],
    }
    return work.sound, record


def read_constants(source: Priors | str | Path, group: str = EVERY_SONG) -> tuple[Features, dict[str, Any]]:
    """Read constants of a file or of priors, and say where they come from.

    Raises:
        InputError: if they cannot be read.
    """
    path = place(source) if isinstance(source, str | Path) else source.path
    if path.name.endswith((".npz", ".npy", ".json")):
        features = constants_file.read(path)
        return features, {"path": str(source), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}
    priors = open_priors(source) if isinstance(source, str | Path) else source
    facts = catalog_constants.provenance(priors, group)
    return catalog_constants.of_priors(priors, group).features, {"path": str(source), **facts}


def check(name: str, features: Features, effects: Sequence[str]) -> None:
    """Refuse constants that lack what effects need.

    Raises:
        InputError: with the name of the constants.
    """
    for effect in effects:
        if effect == "reverb":
            continue
        if effect not in features:
            there = ",".join(each for each in EFFECTS if each in features)
            raise InputError(f"{name} holds no constants of {effect}: leave it out with --effects {there}")
        for stem in STEMS:
            size = len(features[effect].get(stem, ()))
            if size != _SIZES[effect]:
                raise InputError(f"{name}: {effect} of {stem} has {size} values, {_SIZES[effect]} are needed")


def wanted_effects(effects: Sequence[str] | None, panning: str, responses: str | Path | None) -> tuple[str, ...]:
    """Effects that are asked for, in the order of `EFFECTS`; all of them where none are named.

    Args:
        effects: some of `EFFECTS`; None for all, reverb where there are impulse responses.
        panning: one of `PANNINGS`.
        responses: folder of impulse responses; None for none.

    Raises:
        InputError: if there is no such effect or panning, or reverb lacks its impulse responses.

    >>> wanted_effects(["loudness", "eq"], "exact", None)
    ('eq', 'loudness')
    """
    if panning not in PANNINGS:
        raise InputError(f"no panning {panning!r}; there are: {', '.join(PANNINGS)}")
    for effect in effects or ():
        if effect not in EFFECTS:
            raise InputError(f"no effect {effect!r}; there are: {', '.join(EFFECTS)}")
    if effects and "reverb" in effects and not responses:
        raise InputError("reverb needs impulse responses: give a folder of them with --impulse-responses")
    return tuple(each for each in EFFECTS if (each in effects if effects else each != "reverb" or responses))

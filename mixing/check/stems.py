"""The stems of a song from its tracks: each track to its class, the tracks of a class summed."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from mixprior.mixing.effects.chain import BACKING, VOCALS, Total
from mixprior.mixing.rules import roles
from mixprior.mixing.rules.roles import Role
from mixprior.stats.sound import Sound

Stems = dict[str, np.ndarray]


def of_tracks(sounds: Mapping[str, Sound], given: Mapping[str, Role]) -> tuple[Stems, dict[str, str]]:
    """Sum the tracks of each class.

    Args:
        sounds: by the name of the track, two channels each and of one rate.
        given: class by track, where a person gave it.

    Returns:
        Stems of equal length by class, and the class of each track.
    """
    ignored = roles.shared_words(list(sounds))
    routing: dict[str, str] = {}
    totals: dict[str, Total] = {}
    for name in sounds:
        sound = sounds[name]
        role = given.get(name) or roles.role_of(name, partial(roles.measure, sound), ignored)
        routing[name] = role.role
        totals.setdefault(role.role, Total()).add(sound)
    return _as_long({role: total.sound() for role, total in totals.items()}), routing


def of_pair(sounds: Mapping[str, Sound]) -> Stems:
    """Vocals and their backing, as long as the longer of the two."""
    return _as_long({name: sounds[name] for name in (VOCALS, BACKING)})


def _as_long(sounds: Mapping[str, Sound]) -> Stems:
    longest = max(sound.samples for sound in sounds.values())
    return {name: np.pad(sound.audio, ((0, 0), (0, longest - sound.samples))) for name, sound in sounds.items()}

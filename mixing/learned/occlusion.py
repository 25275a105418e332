"""Why a console network moves a part: each thing that it hears is taken away, and it is asked again (occlusion).

After M. D. Zeiler and R. Fergus, "Visualizing and understanding convolutional networks" (ECCV 2014), who cover places
of a picture; here it is regions of a part's spectrum, the other parts, the balance of channels, and what is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from mixprior.mixing.learned.console import ConsoleNetwork
from mixprior.mixing.learned.heard import LEVEL, SLOPE, Heard
from mixprior.mixing.learned.mel import BANDS

Moves = Mapping[str, np.ndarray]

REGIONS = {"lows": slice(0, 8), "mids": slice(8, 71), "highs": slice(71, BANDS)}
"""Mel bands: up to 250 Hz, up to 2.5 kHz, above."""
_ASKED = {LEVEL: "the level asked for", SLOPE: "the slope of the spectrum asked for"}


def effects(network: ConsoleNetwork, parts: Mapping[str, Heard], control: str) -> dict[str, dict[str, float]]:
    """How much of a part's move is because of each thing that is heard.

    Args:
        network: the network.
        parts: of the mix, by name.
        control: whose moves; of `band_gain_db` the difference of the shelves.

    Returns:
        By part, and by cause in words: the move, less what it is without the cause. They need not sum to the move.
    """
    names = list(parts)
    encoded = np.stack([network.encoded(each.mel_db) for each in parts.values()])
    whole = _moves(network, encoded, list(parts.values()), control)
    found: dict[str, dict[str, float]] = {}
    for place, name in enumerate(names):
        causes: dict[str, float] = {}
        for cause, without, heard in _own(network, parts[name]):
            others = [heard if each == name else parts[each] for each in names]
            changed = np.concatenate([encoded[:place], without[None], encoded[place + 1 :]])
            causes[f"its {cause}" if cause in REGIONS else cause] = float(
                whole[place] - _moves(network, changed, others, control)[place]
            )
        for other, left_out in enumerate(names):
            if other != place:
                rest = [k for k in range(len(names)) if k != other]
                moved = _moves(network, encoded[rest], [parts[names[k]] for k in rest], control)
                causes[f"the sound of {left_out}"] = float(whole[place] - moved[rest.index(place)])
        found[name] = causes
    return found


def said(causes: Mapping[str, float], least: float, unit: str, most: int = 2) -> str:
    """The causes that count for most, in words; empty where none comes to `least`.

    >>> said({"its lows": -0.1, "its highs": 0.8, "the sound of drums": 0.31}, 0.2, " dB")
    'because of its highs (+0.80 dB) and the sound of drums (+0.31 dB)'
    """
    largest = sorted(causes.items(), key=lambda each: -abs(each[1]))[:most]
    words = [f"{cause} ({effect:+.2f}{unit})" for cause, effect in largest if abs(effect) >= least]
    return f"because of {' and '.join(words)}" if words else ""


def _own(network: ConsoleNetwork, part: Heard) -> list[tuple[str, np.ndarray, Heard]]:
    """What can be taken away from a part itself: its name, the encoding without it, and the part without it."""
    encoded = network.encoded(part.mel_db)
    found = []
    for region, bands in REGIONS.items():
        flat = part.mel_db.copy()
        flat[bands] = part.mel_db.mean()
        found.append((region, network.encoded(flat), part))
    found.append(("its place between the channels", encoded, replace(part, balance=0.0)))
    for name in part.asked:
        kept = {each: value for each, value in part.asked.items() if each != name}
        found.append((_ASKED[name], encoded, replace(part, asked=kept)))
    return found


def _moves(network: ConsoleNetwork, encoded: np.ndarray, parts: list[Heard], control: str) -> np.ndarray:
    """(parts,)."""
    moves = network.moves_of_encoded(encoded, parts)[control]
    return moves if moves.ndim == 1 else moves[:, 1] - moves[:, 0]

"""The panner: a gain for each channel, and the way from a measured panning back to a position.

A position p runs from 0 (left) over 0.5 (centre) to 1 (right). Two laws, both scaled to leave a centred sound as it is:
linear, gains 2 (1 - p) and 2 p; constant power, sqrt(2) cos(p pi / 2) and sqrt(2) sin(p pi / 2).
The panning similarity of gains l and r is phi = 2 l r / (l^2 + r^2) (Tzanetakis, Jones and McNally, "Stereo panning
features for classifying recording production style", ISMIR 2007; `stats.measures.panning`): 1 in the middle, 0 at the
sides.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np

from mixprior.mixing.effects.settings import LAWS, RANGES, PanSettings
from mixprior.mixing.effects.stereo import checked
from mixprior.stats.errors import InputError

Numbers = TypeVar("Numbers", float, np.ndarray)
"""One number, or an array of any shape."""


class Panner:
    """Left and right times the gains of a position: stereo is balanced, mono on both channels is panned.

    Args:
        settings: position and law.

    Raises:
        InputError: if there is no such law.
    """

    delay = 0

    def __init__(self, settings: PanSettings) -> None:
        self._gains = np.array(gains(settings.position, settings.law), np.float32)[:, None]

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Pan the next samples.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples).

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        return checked(audio) * self._gains


def gains(position: Numbers, law: str) -> tuple[Numbers, Numbers]:
    """Gains of the left and the right channel.

    Args:
        position: 0 left, 0.5 centre, 1 right.
        law: one of `LAWS`.

    Returns:
        Two of the shape of `position`, linear; (1, 1) in the centre.

    Raises:
        InputError: if a position is not from 0 to 1, or there is no such law.

    >>> gains(0.75, "linear")
    (0.5, 1.5)
    """
    _check(position, "position", law)
    left, right = 1 - position, position
    if law == "linear":
        return 2 * left, 2 * right
    return np.sqrt(2) * np.sin(np.pi / 2 * left), np.sqrt(2) * np.sin(np.pi / 2 * right)


def similarity_of(position: Numbers, law: str) -> Numbers:
    """Panning similarity of a mono sound at a position, shape of `position`.

    Raises:
        InputError: see `gains`.

    >>> similarity_of(0.75, "linear")
    0.6
    """
    left, right = gains(position, law)
    return 2 * left * right / (left**2 + right**2)


def position_of(similarity: Numbers, side: float | np.ndarray, law: str = "linear") -> Numbers:
    """Position at which a mono sound has a panning similarity: the exact inverse of `similarity_of`.

    The quieter channel stands to the louder as q = phi / (1 + sqrt(1 - phi^2)); linear: 1 / (1 + q) of the way to the
    side, constant power: atan(1 / q). FxNorm-automix takes 1 - phi / 2, which is not the inverse: 0.638 for 0.7.
    Next to the centre phi is flat, and float64 tells positions apart from 1e-8 on.

    Args:
        similarity: phi, from 0 to 1.
        side: below 0 left, else right; one for all or one for each similarity.
        law: one of `LAWS`.

    Returns:
        Shape of `similarity`: 0 left, 0.5 centre, 1 right.

    Raises:
        InputError: if a similarity is not from 0 to 1, or there is no such law.

    >>> float(position_of(0.6, 1)), float(position_of(0.6, -1))
    (0.75, 0.25)
    """
    _check(similarity, "similarity", law)
    ratio = similarity / (1 + np.sqrt((1 - similarity) * (1 + similarity)))
    louder = 1 / (1 + ratio) if law == "linear" else np.arctan2(1, ratio) * 2 / np.pi
    return np.where(np.less(side, 0), 1 - louder, louder)[()]


def _check(value: float | np.ndarray, name: str, law: str) -> None:
    if law not in LAWS:
        raise InputError(f"no pan law {law!r}; there are: {', '.join(LAWS)}")
    low, high = RANGES["pan"].least, RANGES["pan"].most
    if not np.all((np.asarray(value) >= low) & (np.asarray(value) <= high)):
        raise InputError(f"a panning {name} is within {low:g} to {high:g}, not {value}")

"""The panner: a gain for each channel.

A position p runs from 0 (left) over 0.5 (centre) to 1 (right). Two laws, both scaled to leave a centred sound as it is:
linear, gains 2 (1 - p) and 2 p; constant power, sqrt(2) cos(p pi / 2) and sqrt(2) sin(p pi / 2).
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
    if law not in LAWS:
        raise InputError(f"no pan law {law!r}; there are: {', '.join(LAWS)}")
    low, high = RANGES["pan"].least, RANGES["pan"].most
    if not np.all((np.asarray(position) >= low) & (np.asarray(position) <= high)):
        raise InputError(f"a panning position is within {low:g} to {high:g}, not {position}")
    left, right = 1 - position, position
    if law == "linear":
        return 2 * left, 2 * right
    return np.sqrt(2) * np.sin(np.pi / 2 * left), np.sqrt(2) * np.sin(np.pi / 2 * right)

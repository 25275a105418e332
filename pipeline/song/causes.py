"""Whether a run goes wrong as a whole: most songs fail, by one cause that is none of theirs."""

from __future__ import annotations

from collections import Counter

from mixprior.pipeline.song import trouble
from mixprior.stats.errors import TooManyFailed

LEAST = 20
"""Songs that fail by one cause before a run is stopped."""


class Causes:
    """Counts songs that were tried, and what they failed by.

    >>> causes = Causes()
    >>> causes.note(None)
    >>> for _ in range(LEAST):
    ...     causes.note(("separate", "DeviceLost", "the device is gone"))
    Traceback (most recent call last):
        ...
    mixprior.stats.errors.TooManyFailed: 20 of 21 songs failed by DeviceLost (separate: the device is gone): ...
    """

    def __init__(self) -> None:
        self.tried = 0
        self.failed: Counter[tuple[str, str]] = Counter()

    def note(self, failure: tuple[str, str, str] | None) -> None:
        """Count a song.

        Args:
            failure: stage, kind and message; None of a song that was mined.

        Raises:
            TooManyFailed: if this is the twentieth, or a later, song to fail by one cause that is the machine's
                (`mixprior.pipeline.song.trouble.OF_THE_MACHINE`), and more than half of all did.
        """
        self.tried += 1
        if failure is None or failure[1] not in trouble.OF_THE_MACHINE:
            return
        stage, kind, message = failure
        self.failed[stage, kind] += 1
        count = self.failed[stage, kind]
        if count >= LEAST and 2 * count > self.tried:
            raise TooManyFailed(
                f"{count} of {self.tried} songs failed by {kind} ({stage}: {message}): "
                "mend the machine; the same command tries them again and goes on with the rest"
            )

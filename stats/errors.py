"""Errors for people: one line that says what was wrong and what to do."""

from collections.abc import Iterator

GOES_ON = "the same command (without --force) continues from there"
"""Ends the line about a run that ended early."""


class InputError(ValueError):
    """Something given does not fit: the user can mend it. The command ends with exit code 2."""


class Stopped(Exception):
    """The machine ended the work, and nothing that was given is wrong. The command ends with exit code 1."""


class ValuesUnused(UserWarning):
    """Some values of a run's rows cannot be counted; priors are made without them, and their manifest names them."""


class RowsLost(UserWarning):
    """Rows of finished songs are damaged or gone, and what was made of the rest lacks these songs."""


class SongLeftOut(UserWarning):
    """A song cannot be read, and what is made of the rest lacks it."""


class TooManyFailed(Stopped):
    """So many songs fail by one cause that the run was stopped. The command ends with exit code 3."""


def causes(error: BaseException, handled: bool = False) -> Iterator[BaseException]:
    """An error and those that it was raised from, the last first.

    Args:
        error: the error.
        handled: whether errors that were being handled when another was raised count as its causes too.

    >>> [str(each) for each in causes(ValueError("alone"))]
    ['alone']
    """
    seen: set[int] = set()
    behind: BaseException | None = error
    while behind is not None and id(behind) not in seen:
        seen.add(id(behind))
        yield behind
        behind = behind.__cause__ or (behind.__context__ if handled else None)

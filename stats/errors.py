"""Errors for people: one line that says what was wrong and what to do."""


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

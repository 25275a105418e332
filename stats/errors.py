"""The mistakes that are the user's to mend."""


class InputError(ValueError):
    """Something given does not fit: told in one line that says what to do; the command ends with exit code 2."""

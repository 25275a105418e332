"""What can be wrong with priors, and with what is asked of them."""

from __future__ import annotations

from mixprior.stats.errors import InputError


class NotPriors(InputError):
    """The folder holds no priors, or damaged ones."""


class PriorsVersionError(InputError):
    """Priors of another version of the layout than this mixprior reads."""


class PriorsLookupError(InputError, LookupError):
    """No such stem, statistic or group; the message lists what there is."""

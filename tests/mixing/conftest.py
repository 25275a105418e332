"""Steps are tested by what they do: none is left out because the packaged priors are not to be relied on for it.

What is refused, and what is used with a warning, is tested on folders of known reliability (`plan/test_targets.py`).
"""

import pytest

from mixprior.analysis.priors import PACKAGED, Priors
from mixprior.analysis.reliability import Reliabilities


@pytest.fixture(scope="package", autouse=True)
def packaged_priors_are_relied_on():
    """Take the packaged priors as if nothing were known of their separation: before a fixture of a module mixes."""

    def found(priors: Priors) -> Reliabilities:
        return Reliabilities.of({} if priors.path in PACKAGED.values() else priors.manifest)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Priors, "reliabilities", property(found))
        yield

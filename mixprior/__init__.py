"""mixprior mines how music is mixed: songs in, priors of loudness, spectrum, panning, dynamics and reverb out.

The names in `__all__` are the public interface; docs/python.md shows each. They are imported when they are first used,
so that `import mixprior` itself takes no time. The folders `stats`, `pipeline`, `analysis`, `mixing` and
`learning` are stored at the top level of the checkout, and linked from here.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from mixprior.__main__ import main
    from mixprior.analysis.measure import measure
    from mixprior.analysis.merge import merge
    from mixprior.analysis.priors import open_priors as priors
    from mixprior.check_command import check
    from mixprior.learning.reverse.arrays import reverse
    from mixprior.mixes import mix, mix_tracks
    from mixprior.mixing.normalise.arrays import normalize
    from mixprior.mixing.reverb.fit import fit_reverb
    from mixprior.pipeline.aggregate import aggregate
    from mixprior.pipeline.mine import mine
    from mixprior.pipeline.plan.command import plan
    from mixprior.pipeline.separation.separate import separate
    from mixprior.pipeline.verify import verify
    from mixprior.stats.errors import InputError

__all__ = [
    "InputError",
    "__version__",
    "aggregate",
    "check",
    "fit_reverb",
    "main",
    "measure",
    "merge",
    "mine",
    "mix",
    "mix_tracks",
    "normalize",
    "plan",
    "priors",
    "reverse",
    "separate",
    "verify",
]

_SOURCES = {
    "InputError": "mixprior.stats.errors:InputError",
    "aggregate": "mixprior.pipeline.aggregate:aggregate",
    "check": "mixprior.check_command:check",
    "fit_reverb": "mixprior.mixing.reverb.fit:fit_reverb",
    "main": "mixprior.__main__:main",
    "measure": "mixprior.analysis.measure:measure",
    "merge": "mixprior.analysis.merge:merge",
    "mine": "mixprior.pipeline.mine:mine",
    "mix": "mixprior.mixes:mix",
    "mix_tracks": "mixprior.mixes:mix_tracks",
    "normalize": "mixprior.mixing.normalise.arrays:normalize",
    "plan": "mixprior.pipeline.plan.command:plan",
    "priors": "mixprior.analysis.priors:open_priors",
    "reverse": "mixprior.learning.reverse.arrays:reverse",
    "separate": "mixprior.pipeline.separation.separate:separate",
    "verify": "mixprior.pipeline.verify:verify",
}
"""Where each public name is defined: module:name."""


def __getattr__(name: str) -> Any:
    if name not in _SOURCES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _SOURCES[name].partition(":")
    value = globals()[name] = getattr(importlib.import_module(module), attribute)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)

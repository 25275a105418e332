"""mixprior mines how music is mixed: songs in, priors of loudness, spectrum, panning, dynamics and reverb out.

The folders `stats`, `pipeline`, `analysis` and `mixing` are stored at the top level of the checkout, and linked from
here.
"""

from __future__ import annotations

from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command as `mixprior` does, in this process, and return its exit code."""
    from mixprior.__main__ import main as run

    return run(argv)

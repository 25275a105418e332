"""How far something is, on stderr, where a person looks."""

from __future__ import annotations

import sys
from collections.abc import Callable


def shown(what: str) -> Callable[[int, int], None]:
    """Shows what is done, and what there is in all."""

    def show(done: int, total: int) -> None:
        if sys.stderr.isatty():
            print(f"\r{what} {done}/{total}", end="\n" if done == total else "", file=sys.stderr, flush=True)

    return show

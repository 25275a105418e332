"""`python -m tools.evidence NAME...`."""

from __future__ import annotations

import sys
from importlib import import_module
from pkgutil import iter_modules

from tools import ROOT, evidence
from tools.benches.document import replace

DOCUMENT = ROOT / "docs" / "evidence.md"


def main(names: list[str]) -> int:
    """Write the tables of these names into the document, or that which a module names, and print them."""
    known = sorted(module.name for module in iter_modules(evidence.__path__) if not module.name.startswith("_"))
    unknown = sorted(set(names) - set(known))
    if unknown:
        sys.stderr.write(f"{', '.join(unknown)}: there are {', '.join(known)}\n")
        return 2
    for name in names or known:
        module = import_module(f"tools.evidence.{name}")
        words = module.table()
        replace(name, words, getattr(module, "DOCUMENT", DOCUMENT))
        sys.stdout.write(f"{words}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

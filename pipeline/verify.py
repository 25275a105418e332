"""`mixprior verify`: opens everything in the folder of a run and says what is damaged, lost or left behind."""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mixprior.pipeline.store.soundness import Finding


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior verify`."""
    parser.add_argument("run_folder", metavar="RUN", help="output folder of `mixprior mine`")
    parser.add_argument(
        "--repair", action="store_true", help="remove what a rerun rebuilds, and set damaged rows aside in RUN/damaged"
    )
    parser.add_argument("--json", action="store_true", help="print the findings as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run `mixprior verify`; return 0 if the folder is sound, or was made so, and 1 if not."""
    found = verify(args.run_folder, repair=args.repair)
    if args.json:
        findings = [{"text": each.text(), "kind": each.kind, "path": each.path} for each in found.findings]
        print(json.dumps({"sound": found.is_sound, "findings": findings, "repaired": list(found.repaired)}))
    else:
        print("\n".join(found.lines()))
    return 0 if found.is_sound else 1


@dataclass(frozen=True)
class Verified:
    """What was found in the folder of a run.

    Attributes:
        run: the folder.
        findings: what is not as a run leaves it, with what to do.
        repaired: paths that were removed or set aside.
    """

    run: str
    findings: tuple[Finding, ...]
    repaired: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Whether all that is stored is whole and belongs together; what was merely left behind harms nothing."""
        return not any(each.is_fault for each in self.findings)

    def lines(self) -> list[str]:
        """Return it for people, a line each."""
        lines = [f"repaired: {path}" for path in self.repaired] + [each.text() for each in self.findings]
        return [*lines, f"{self.run}: {'sound' if self.is_sound else 'not sound'}"]


def verify(run: str | Path, *, repair: bool = False) -> Verified:
    """Open everything in the folder of a run: counts, keys, schemas, digests, and whether they belong together.

    Memory is bounded by the ids of the songs. Nothing is changed, unless it is to be repaired.

    Args:
        run: output folder of `mine`, local or an fsspec URL.
        repair: remove what a rerun rebuilds, and set damaged rows aside; then look again.

    Raises:
        NotARun: if it is no such folder.

    >>> verify("outputs/mine").is_sound  # doctest: +SKIP
    True
    """
    from mixprior.pipeline.store import soundness, stray
    from mixprior.pipeline.store.layout import RunFolder

    folder = RunFolder.at(run)
    found = tuple(soundness.findings(folder))
    if not repair:
        return Verified(folder.root, found)
    repaired = stray.sweep(folder)
    for each in found:
        if each.repair is not None:
            each.repair()
            repaired.append(each.path)
    return Verified(folder.root, tuple(soundness.findings(folder)), tuple(dict.fromkeys(repaired)))

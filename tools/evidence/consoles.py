"""Consoles with gradients, effect by effect: `python -m tools.evidence consoles`, into docs/learned.md.

The rows are those of `python -m tools.benches.consoles`: rows/consoles.csv.
"""

from __future__ import annotations

import csv
from pathlib import Path

from tabulate import tabulate

from tools import ROOT

DOCUMENT = ROOT / "docs" / "learned.md"
ROWS = Path(__file__).with_name("rows") / "consoles.csv"
_HEADER = (
    *("console", "equaliser off, dB", "compressor off, dB", "pan off, dB"),
    *("gain, EQ, pan: x real time", "and compressor: x real time", "gradients", "compressor's release", "reverb"),
    *("tracks", "licence"),
)
_FEATURES = {
    "mixprior": ("exact", "as the effect", "FdnReverb, as the effect", "1 or 2 channels, any number, mask", "MIT"),
    "dasp-pytorch": ("yes", "none: the attack for both", "shaped noise", "mono, any number", "Apache 2.0"),
    "torchcomp": ("exact", "on the linear gain", "none", "compressor alone", "MIT"),
    "pymixconsole": ("none", "by the first sample of a block", "its own", "1 or 2 channels, any number", "MIT"),
}
"""Gradients, the compressor's release, reverb, tracks, licence; as read in the sources."""


def table() -> str:
    """Return what each console differs by, and how fast it is."""
    with ROWS.open(encoding="utf-8", newline="") as file:
        found = list(csv.DictReader(file))
    lines = [[*row.values(), *_FEATURES[row["console"].partition(",")[0]]] for row in found]
    return tabulate(lines, _HEADER, "github", disable_numparse=True)

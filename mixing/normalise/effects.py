"""The effects that are normalised, by name."""

from __future__ import annotations

EFFECTS = ("reverb", "eq", "compression", "panning", "loudness")
"""What can be normalised, in FxNorm-automix's order."""

PANNINGS = ("exact", "fxnorm")

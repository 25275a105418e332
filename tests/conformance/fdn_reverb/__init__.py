"""Samples of impulse responses of the plug-in IEM FdnReverb; `manifest.json` says what made them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

CASES: dict[str, dict] = json.loads((Path(__file__).parent / "manifest.json").read_text())["cases"]
"""Name: the plug-in's parameters by id, sample rate in Hz, seconds."""


def response(name: str) -> np.ndarray:
    """Return the samples kept of a case, float32, shape (2 inputs, 2 outputs, samples)."""
    with np.load(Path(__file__).parent / "responses.npz") as responses:
        return responses[name]

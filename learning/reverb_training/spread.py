"""Recalibrates the errors that a model expects of its reverberation times, on singers that it was not trained on.

The spread that networks state is too small, the more so for separated and for quiet reverbs: they are sure of what they
have seen. `Perceptrons.expected_error` is fitted to the errors they make on rows of role calibrate.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from mixprior.learning.reverb_training.rows import Rows
from mixprior.stats.reverb.blind.perceptron import LEVELS_DB, MIDDLE_DB, Perceptrons

COVERED = 0.9
LEAST_WET_DB = -20.0
_LEVEL = 6
_STATED_TOO_SMALL, _PRIOR_ROWS = 0.42 / 0.31, 20.0
"""Error over spread on 64 separated stems of three held-out singers (vocadito), which count for so many rows."""


def laws(
    off: np.ndarray, spread: np.ndarray, wet_dry_db: np.ndarray, separated: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Fit `Perceptrons.expected_error` by the likelihood of Laplace distributions, and the interval to cover 90 %.

    A prior, worth a few rows, holds it to what was seen on other singers, so that few rows do not turn it upside down.

    Args:
        off: |ln estimate - ln truth|, (rows,).
        spread: as the networks state it, likewise.
        wet_dry_db: level as the networks estimate it, likewise.
        separated: bool, likewise.

    Returns:
        `spread_law`, float32, (4,): a of true stems, a of separated ones, b, c; and `interval_law`, float32, (2,).

    >>> rng = np.random.default_rng(1)
    >>> spread, separated = rng.uniform(0.1, 0.4, 4000), rng.random(4000) < 0.5
    >>> off = rng.exponential(np.where(separated, 2.0, 1.0) * spread)
    >>> law, of_interval = laws(off, spread, np.full(4000, -15.0), separated)
    >>> [round(float(value), 1) for value in np.exp(law[:2]) / np.exp(law[0])]
    [1.0, 2.0]
    >>> [round(float(times), 1) for times in of_interval]
    [2.3, 2.3]
    """
    level_db = np.clip(wet_dry_db, *LEVELS_DB) - MIDDLE_DB

    def log_error(law: np.ndarray) -> np.ndarray:
        return np.where(separated, law[1], law[0]) + law[2] * np.log(spread) + law[3] * level_db

    def loss(law: np.ndarray) -> float:
        log = log_error(law)
        scale = np.sum((law[:2] - np.log(_STATED_TOO_SMALL)) ** 2)
        shape = (law[2] - 1) ** 2 / 0.3**2 + law[3] ** 2 / 0.05**2
        return float(np.sum(log + off / np.exp(log)) + _PRIOR_ROWS * scale / 2 + shape / 2)

    law = minimize(loss, np.array([0.0, 0.0, 1.0, 0.0]), method="Nelder-Mead", options={"maxiter": 4000}).x
    ratio = off / np.exp(log_error(law))
    of_interval = [_covering(ratio[of_kind]) for of_kind in (~separated, separated)]
    return law.astype(np.float32), np.array(of_interval, np.float32)


def _covering(ratios: np.ndarray) -> float:
    """What nine of ten of further ratios do not exceed (Vovk et al., Algorithmic learning in a random world, 2005)."""
    if not ratios.size:
        return float(np.log(1 / (1 - COVERED)))
    at = min(int(np.ceil((ratios.size + 1) * COVERED)), ratios.size) - 1
    return float(np.sort(ratios)[at])


def recalibrated(model: Perceptrons, rows: Rows) -> Perceptrons:
    """The model with the law that rows show, of those that are wet enough for times."""
    estimate, spread = model.predict(rows.features)
    known = np.isfinite(rows.log_rt[:, 0]) & (rows.wet_db[:, 0] > LEAST_WET_DB)
    off = np.abs(estimate[:, 0] - rows.log_rt[:, 0])[known]
    law, of_interval = laws(off, spread[known, 0], estimate[known, _LEVEL], rows.separated[known])
    return replace(model, spread_law=law, interval_law=of_interval)


def main(argv: Sequence[str]) -> int:
    """`python -m mixprior.learning.reverb_training.spread`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", type=Path, required=True, metavar="ROWS", help="npz files of rows")
    parser.add_argument("model", type=Path, help="file of the model, which is replaced, and its card completed")
    args = parser.parse_args(argv)
    rows = Rows.joined([Rows.load(path) for path in args.rows])
    model = recalibrated(Perceptrons.load(args.model), rows)
    model.save(args.model)
    path = args.model.with_suffix(".json")
    card = json.loads(path.read_text(encoding="utf-8"))
    card["bytes"] = args.model.stat().st_size
    card["calibrated_on"] = {
        "rows": len(rows.wet),
        "clips": int(np.unique(rows.clip).size),
        "separated_rows": int(rows.separated.sum()),
        "singers": sorted({str(singer) for singer in rows.singer}),
        "spread_law": [round(float(value), 4) for value in model.spread_law],
        "interval_law": [round(float(value), 4) for value in model.interval_law],
    }
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card["calibrated_on"]))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

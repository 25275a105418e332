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
from typing import Any

import numpy as np
from scipy.optimize import minimize

from mixprior.learning.reverb_training.rows import Rows
from mixprior.learning.reverb_training.voices import SOURCES, sources
from mixprior.stats.reverb.blind.perceptron import LEVELS_DB, MIDDLE_DB, Perceptrons

COVERED = 0.9
LEAST_WET_DB = -20.0
_LEVEL = 6
_CHOSEN_BY = "least of 1, 1.2, ... with a slope of ln estimate on ln truth of 0.7, separated clips, -17 to -11 dB"
_STATED_TOO_SMALL, _PRIOR_ROWS = 0.42 / 0.31, 20.0
"""Error over spread on 64 separated stems of three held-out singers (vocadito), which count for so many rows."""


def spread_law(off: np.ndarray, spread: np.ndarray, wet_dry_db: np.ndarray, separated: np.ndarray) -> np.ndarray:
    """Fit `Perceptrons.expected_error` by the likelihood of Laplace distributions.

    A prior, worth a few rows, holds it to what was seen on other singers, so that few rows do not turn it upside down.

    Args:
        off: |ln estimate - ln truth|, (rows,).
        spread: as the networks state it, likewise.
        wet_dry_db: level as the networks estimate it, likewise.
        separated: bool, likewise.

    Returns:
        float32, (4,): a of true stems, a of separated ones, b, c.

    >>> rng = np.random.default_rng(1)
    >>> spread, separated = rng.uniform(0.1, 0.4, 4000), rng.random(4000) < 0.5
    >>> off = rng.exponential(np.where(separated, 2.0, 1.0) * spread)
    >>> law = spread_law(off, spread, np.full(4000, -15.0), separated)
    >>> [round(float(value), 1) for value in np.exp(law[:2]) / np.exp(law[0])]
    [1.0, 2.0]
    """
    level_db = np.clip(wet_dry_db, *LEVELS_DB) - MIDDLE_DB
    terms = np.stack([~separated, separated, np.log(spread), level_db], axis=1).astype(np.float64)
    centre = np.array([np.log(_STATED_TOO_SMALL), np.log(_STATED_TOO_SMALL), 1.0, 0.0])
    weight = np.array([_PRIOR_ROWS, _PRIOR_ROWS, 0.3**-2, 0.05**-2])

    def loss(law: np.ndarray) -> tuple[float, np.ndarray]:
        log, away = terms @ law, law - centre
        ratio = off * np.exp(-log)
        return float(np.sum(log + ratio) + weight @ away**2 / 2), terms.T @ (1 - ratio) + weight * away

    return np.asarray(minimize(loss, centre, jac=True, method="BFGS").x, np.float32)


def interval_law(ratio: np.ndarray, separated: np.ndarray, singer: np.ndarray) -> np.ndarray:
    """How many times the error that is expected covers nine of ten errors of a singer who is not among these.

    Errors of one singer are alike, so that singers count, not rows: the mean of their distributions, one more singer
    counted as infinite (pooling of: Dunn, Wasserman and Ramdas, Distribution-free prediction sets for two-layer
    hierarchical models, 2022). Of fewer than nine singers it is the largest ratio.

    Args:
        ratio: |ln estimate - ln truth| over the error that is expected, (rows,).
        separated: bool, likewise.
        singer: names, likewise.

    Returns:
        float32, (2,): of true stems, of separated ones; without rows that of a Laplace distribution.

    >>> ratio = np.random.default_rng(1).exponential(size=20_000)
    >>> alike = interval_law(ratio, np.arange(20_000) < 10_000, np.arange(20_000) % 1000)
    >>> [round(float(times), 1) for times in alike]
    [2.3, 2.3]
    """
    return np.array([_covering(ratio[of_kind], singer[of_kind]) for of_kind in (~separated, separated)], np.float32)


def _covering(ratio: np.ndarray, singer: np.ndarray) -> float:
    if not ratio.size:
        return float(np.log(1 / (1 - COVERED)))
    _, of, rows = np.unique(singer, return_inverse=True, return_counts=True)
    order = np.argsort(ratio)
    share = np.cumsum(1 / rows[of[order]]) / (rows.size + 1)
    return float(ratio[order][min(int(np.searchsorted(share, COVERED - 1e-9)), ratio.size - 1)])


def recalibrated(model: Perceptrons, rows: Rows) -> Perceptrons:
    """The model with the laws that rows show, of those that are wet enough for times."""
    estimate, spread = model.predict(rows.features)
    known = np.isfinite(rows.log_rt[:, 0]) & (rows.wet_db[:, 0] > LEAST_WET_DB)
    log_time = model.log_times(estimate[:, :1], rows.separated)[:, 0]
    off = np.abs(log_time - rows.log_rt[:, 0])
    numbers = off, spread[:, 0], estimate[:, _LEVEL], rows.separated, rows.singer
    return with_laws(model, *(column[known] for column in numbers))


def with_laws(
    model: Perceptrons,
    off: np.ndarray,
    spread: np.ndarray,
    wet_dry_db: np.ndarray,
    separated: np.ndarray,
    singer: np.ndarray,
) -> Perceptrons:
    """The model with `spread_law` and `interval_law` of such errors; arguments as these have them.

    Where the interval is set, the errors of a singer are held against those that the other singers let expect: beside
    a law that was fitted to them they are too small.
    """
    seen = spread, wet_dry_db, separated
    expected = np.empty(off.size)
    for name in np.unique(singer):
        own = singer == name
        law = spread_law(off[~own], *(column[~own] for column in seen))
        expected[own] = replace(model, spread_law=law).expected_error(*(column[own] for column in seen))
    times = interval_law(off / expected, separated, singer)
    return replace(model, spread_law=spread_law(off, *seen), interval_law=times)


def main(argv: Sequence[str]) -> int:
    """`python -m mixprior.learning.reverb_training.spread`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", nargs="+", type=Path, required=True, metavar="ROWS", help="npz files of rows")
    parser.add_argument("--factor", type=float, metavar="F", help="moves times of separated vocals away from the mean")
    parser.add_argument("model", type=Path, help="file of the model, which is replaced, and its card completed")
    args = parser.parse_args(argv)
    rows = Rows.joined([Rows.load(path) for path in args.rows])
    model = Perceptrons.load(args.model)
    if args.factor is not None:
        model = replace(model, separated_factor=np.array(args.factor, np.float32))
    model = recalibrated(model, rows)
    model.save(args.model)
    path = args.model.with_suffix(".json")
    card = json.loads(path.read_text(encoding="utf-8"))
    card["bytes"] = args.model.stat().st_size
    seen: dict[str, Any] = {
        "rows": len(rows.wet),
        "clips": int(np.unique(rows.clip).size),
        "separated_rows": int(rows.separated.sum()),
        "singers": sorted({str(singer) for singer in rows.singer}),
    }
    for name in ("spread_law", "interval_law"):
        seen[name] = [round(float(value), 4) for value in getattr(model, name)]
    card["calibrated_on"] = seen
    card.pop("interval_set_on", None)
    if args.factor is not None:
        spoken = {source.singer for source in sources(SOURCES) if source.kind == "speech"}
        chosen_on = sorted(spoken & set(seen["singers"]))
        card["separated_factor"] = {"factor": args.factor, "chosen_on": chosen_on, "by": _CHOSEN_BY}
    path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(card))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""How loud a mix is wherever the sliders of its page are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from mixprior.mixing.effects.chain import VOCALS
from mixprior.mixing.page.parts import Part
from mixprior.stats.measures.loudness import integrated_lufs

AMOUNTS = (0.0, 0.25, 0.5, 0.75, 1.0)
VOCALS_DB = (-9.0, -6.0, -3.0, 0.0, 3.0, 6.0, 9.0)


def table(parts: Sequence[Part], before_lufs: float | None, after_lufs: float | None) -> dict[str, Any] | None:
    """Integrated loudness of the parts together, for every amount and gain of the vocals, to be interpolated.

    Energies of the parts are added as if they were unrelated. The error of that is known before and after, and taken
    away from all.

    Args:
        parts: of the mix.
        before_lufs: loudness of the plain sum.
        after_lufs: loudness of the mix, without its gain.

    Returns:
        The amounts, the gains, and LUFS by amount and gain; None where the mix is silent somewhere.
    """
    if before_lufs is None or after_lufs is None:
        return None
    found = [[_lufs(parts, amount, vocals_db) for vocals_db in VOCALS_DB] for amount in AMOUNTS]
    if any(value is None for row in found for value in row):
        return None
    lufs = np.array(found, np.float64)
    middle = VOCALS_DB.index(0.0)
    first, last = before_lufs - lufs[0, middle], after_lufs - lufs[-1, middle]
    lufs += first + np.array(AMOUNTS)[:, np.newaxis] * (last - first)
    return {"amounts": AMOUNTS, "vocals_db": VOCALS_DB, "lufs": lufs.round(3).tolist()}


def _lufs(parts: Sequence[Part], amount: float, vocals_db: float) -> float | None:
    blocks = max(part.before.blocks.weighted.shape[1] for part in parts)
    power = np.zeros((2, blocks))
    for part in parts:
        gain_db = amount * part.level_db + (vocals_db if part.name == VOCALS else 0.0)
        own = _blended(part, amount)
        power[:, : own.shape[1]] += 10 ** (gain_db / 10) * own
    return integrated_lufs(power)


def _blended(part: Part, amount: float) -> np.ndarray:
    """K-weighted energies of a part, without its change of level, (2, blocks)."""
    before = part.before.blocks.weighted
    if part.processed is None:
        return before
    after = part.processed.blocks.weighted[:, : before.shape[1]] * 10 ** (-part.level_db / 10)
    return before + amount * (after - before)

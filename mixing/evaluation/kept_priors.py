"""Priors that are read from disk once: hundreds of mixes ask for the same rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.analysis.packaged.default_priors import PriorsChain
from mixprior.analysis.priors import Priors
from mixprior.analysis.song_rows import SongRows
from mixprior.mixing.plan.targets import Targets
from mixprior.stats.schema import PRIORS_SCHEMA


class KeptPriors(Priors):
    """Priors whose rows are kept."""

    @classmethod
    def of(cls, priors: Priors) -> KeptPriors:
        """Keep the rows of these."""
        return cls(priors.path, priors.manifest)

    def _read(self, condition: pc.Expression | None = None, columns: Sequence[str] = PRIORS_SCHEMA.names) -> pa.Table:
        rows = self._rows if condition is None else self._rows.filter(condition)
        return rows.select(list(columns))

    @cached_property
    def _rows(self) -> pa.Table:
        return super()._read()


def shipped(like: Sequence[SongRows] = ()) -> Targets:
    """The targets that a user gets who names no priors, and none or some songs to be like."""
    targets = Targets.of(like=like)
    chain = PriorsChain(tuple(map(KeptPriors.of, targets.chain.links)))
    return replace(targets, chain=chain, like=replace(targets.like, chain=chain))

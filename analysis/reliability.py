"""How far statistics of separated stems can be relied on, as the manifest of priors says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from mixprior.stats.priors.reliability import LEAST, LEAST_SOURCES, Reliability, read

_MEASURED_AS = {"magnitude_spectrum": "magnitude_spectrum_db"}
"""Statistics that are derived, and what of."""


@dataclass(frozen=True)
class Reliabilities:
    """Those of a catalog. Make one with `Reliabilities.of`.

    Attributes:
        by_statistic: one for a scalar, one for each band of a vector, by stem and statistic.
    """

    by_statistic: Mapping[tuple[str, str], tuple[Reliability, ...]]

    @classmethod
    def of(cls, manifest: Mapping[str, object]) -> Reliabilities:
        """Read them from a manifest; older ones have none."""
        found: dict[tuple[str, str], list[Reliability]] = {}
        for each in read(manifest.get("reliability")):
            found.setdefault((each.stem, each.statistic), []).append(each)
        return cls({key: tuple(each) for key, each in found.items()})

    def find(self, stem: str, statistic: str, hz: float | None = None) -> Reliability | None:
        """Return that of a scalar, or of the band nearest to a frequency.

        Returns:
            None where the stems are true ones, or nothing is known of their separation.
        """
        bands = self.by_statistic.get((stem, _MEASURED_AS.get(statistic, statistic)), ())
        if hz is None or not bands:
            return bands[0] if len(bands) == 1 and bands[0].hz is None else None
        places = np.log([max(each.hz or 0.0, 1.0) for each in bands])
        return bands[int(np.argmin(np.abs(places - np.log(max(hz, 1.0)))))]

    def doubt(self, stem: str, statistic: str) -> str | None:
        """Say why a statistic is not to be relied on; of a vector, if that holds for half of its bands.

        >>> Reliabilities({}).doubt("vocals", "rt60_s") is None
        True
        """
        bands = self.by_statistic.get((stem, _MEASURED_AS.get(statistic, statistic)), ())
        known = [each.reliability for each in bands if each.reliability is not None]
        if not known or float(np.median(known)) >= LEAST:
            return None
        of = f"{statistic} of separated {stem}"
        best = max(bands, key=lambda each: each.sources)
        return (
            f"{of} differs less between songs than separation errs: reliability {np.median(known):.2f} by "
            f"{best.songs} songs with true stems of {best.sources} sources; {LEAST:g} is the least"
        )

    def unknown(self, stem: str, statistic: str) -> str | None:
        """Say that too few songs with true stems are known to judge a statistic by; None where there are enough."""
        bands = self.by_statistic.get((stem, _MEASURED_AS.get(statistic, statistic)), ())
        if not bands or any(each.reliability is not None for each in bands):
            return None
        sources = max(each.sources for each in bands)
        return (
            f"how reliable {statistic} of separated {stem} is, is not known: true stems of {sources} sources, "
            f"{LEAST_SOURCES} are needed"
        )

"""Corrections of the bias that separation has on statistics, as `mixprior calibrate` found them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.priors.derived import CORRECTED
from mixprior.stats.priors.separation_errors import SeparationError
from mixprior.stats.registry import COLUMNS
from mixprior.stats.visible import visible

SCHEMA_VERSION = 1
KINDS = ("none", "offset", "linear")
"""Kinds of correction, the simplest first."""

_SHARES = {column.name for column in COLUMNS if column.unit == "1" and not column.is_vector}
"""Statistics from 0 to 1, which no correction may leave."""


@dataclass(frozen=True)
class Correction:
    """How to correct one scalar statistic of one stem: `true = a + b * measured`.

    Errors are measured or corrected minus true value, in the statistic's unit, and given twice: as measured, and after
    a correction that was chosen and fitted without the song's own fold.

    Attributes:
        stem: row it is for ("vocals", ..., "backing", "song").
        statistic: name of the column.
        a: what is added.
        b: what is multiplied with; 1 but for the kind "linear".
        kind: "none" (measured, and no correction is shown), "offset" (for means over a catalog) or "linear" (the fit of
            measured on true values, inverted).
        n: songs it was fitted on.
        folds: sources these songs are of.
        bias_before: mean error as measured.
        bias_after: mean error after correction, held out.
        mae_before: mean absolute error as measured.
        mae_after: the same after correction, held out.
        residual_sd: standard deviation of the errors after correction, held out.
        low: least of the measured values.
        high: greatest of them.
    """

    stem: str
    statistic: str
    a: float
    b: float
    kind: str
    n: int
    folds: int
    bias_before: float
    bias_after: float
    mae_before: float
    mae_after: float
    residual_sd: float
    low: float
    high: float

    def apply(self, measured: np.ndarray) -> np.ndarray:
        """Correct values of any shape; beyond `low` and `high`, by as much as at that edge.

        >>> line = Correction("song", "x_lu", 1.0, 0.5, "linear", 9, 9, 0, 0, 0, 0, 0, low=0.0, high=4.0)
        >>> line.apply(np.array([0.0, 4.0, 10.0, -10.0]))
        array([ 1.,  3.,  9., -9.])
        """
        return measured + self.a + (self.b - 1.0) * np.clip(measured, self.low, self.high)


@dataclass(frozen=True)
class Calibration:
    """All corrections for one way of separating and measuring.

    Attributes:
        model: the separation model.
        weights_sha256: digest of its weights.
        precision: arithmetic it ran in.
        overlap: of its windows.
        feature_version: `mixprior.stats.schema.FEATURE_VERSION` of the measurements.
        songs: songs that were measured both ways.
        fold_by: column of the catalog whose values keep songs in one fold; None if every song was one of its own.
        corrections: one for each stem and statistic that could be judged, sorted.
        errors: of each stem and statistic, and of bands of vectors, as measured. Reliability in priors is computed from
            those that come with the package.
    """

    model: str
    weights_sha256: str
    precision: str
    overlap: float
    feature_version: int
    songs: int
    fold_by: str | None
    corrections: tuple[Correction, ...]
    errors: tuple[SeparationError, ...] = ()

    @classmethod
    def load(cls, text: str | bytes) -> Calibration:
        """Read what `to_json` wrote.

        Raises:
            InputError: if it is no calibration, or of another version of the layout.
        """
        try:
            found = json_document.parse(text)
            if (version := found.get("schema_version")) != SCHEMA_VERSION:
                raise InputError(f"schema_version is {visible(version)[:40]}, not {SCHEMA_VERSION}")
            calibration = json_document.decode(cls, found, others=True)
        except InputError as error:
            raise InputError(f"this is no calibration ({error}); make one by `mixprior calibrate`") from error
        known = {column.name for column in COLUMNS if not column.is_vector}
        for statistic in sorted({correction.statistic for correction in calibration.corrections} - known):
            raise InputError(f"the calibration corrects {statistic}, which is not a scalar statistic; make it again")
        return calibration

    def to_json(self) -> str:
        """Return it as JSON: the same calibration gives the same bytes."""
        return json.dumps({"schema_version": SCHEMA_VERSION, **asdict(self)}, indent=1, sort_keys=True) + "\n"

    def check(
        self,
        feature_version: int,
        model: str,
        weights_sha256: str,
        precision: str | None = None,
        overlap: float | None = None,
    ) -> None:
        """Refuse rows that were separated or measured in another way; None is not compared.

        Raises:
            InputError: naming what differs.
        """
        pairs = {
            "feature_version": (self.feature_version, feature_version),
            "model": (self.model, model),
            "weights_sha256": (self.weights_sha256, weights_sha256),
            "precision": (self.precision, precision or self.precision),
            "overlap": (self.overlap, self.overlap if overlap is None else overlap),
        }
        for name, (calibrated, measured) in pairs.items():
            if calibrated != measured:
                raise InputError(
                    f"the calibration is for {name} {calibrated}, but the songs have {measured}: "
                    "run `mixprior calibrate` with the same model and version"
                )

    @cached_property
    def by_statistic(self) -> Mapping[str, Mapping[str, Correction]]:
        """The corrections by statistic and stem, in the order of `mixprior.stats.registry.COLUMNS`."""
        found: dict[str, dict[str, Correction]] = {column.name: {} for column in COLUMNS}
        for correction in self.corrections:
            found[correction.statistic][correction.stem] = correction
        return {statistic: stems for statistic, stems in found.items() if stems}

    def corrected(self, table: pa.Table, separated: bool = True) -> pa.Table:
        """Append a float64 column `<statistic>_corrected` for each statistic that has a correction.

        It is null where nothing was measured, and for stems that have no correction.

        Args:
            table: rows of `mixprior.stats.registry.FEATURES_SCHEMA`, of any number of songs.
            separated: whether their stems were separated; true stems are given as they were measured.
        """
        stems = np.array(table["stem"].to_pylist())
        for statistic, corrections in self.by_statistic.items():
            measured = table[statistic].to_numpy(zero_copy_only=False).astype(np.float64)
            values = np.full(measured.shape, np.nan)
            for stem, correction in corrections.items():
                rows = stems == stem
                values[rows] = correction.apply(measured[rows]) if separated else measured[rows]
            if statistic in _SHARES:
                values = np.clip(values, 0.0, 1.0)
            table = table.append_column(statistic + CORRECTED, pa.array(values, from_pandas=True))
        return table

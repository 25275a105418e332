"""Reliability of what is measured on separated stems: spread of the starter songs against the errors of separation.

The errors are kept in stats/priors/separation_errors.json; `tools.songs.separation_errors` makes them.
"""

from __future__ import annotations

from collections.abc import Iterator

from mixprior.analysis.errors import PriorsLookupError
from mixprior.analysis.priors import EVERY_SONG, Priors, open_priors
from mixprior.stats.priors.reliability import LEAST, LEAST_SOURCES
from mixprior.stats.priors.reliability_estimate import reliability
from mixprior.stats.priors.separation_errors import SeparationError, shipped

SCALARS = (
    *("integrated_lufs", "loudness_vs_mixture_lu", "vocal_to_backing_lu", "loudness_range_lu", "true_peak_dbtp"),
    *("crest_factor_db", "onset_peak_mean_db", "onset_peak_sd_db", "centroid_hz", "tilt_db_per_octave"),
    *("mid_energy_fraction", "pan_position", "sps_rms_full", "vocal_active_ratio", "rt60_s", "wet_dry_db"),
)
STEMS = ("vocals", "drums", "bass", "other", "backing", "song")
BANDS = ("vocals", "drums", "bass", "other")
_HEAD = (
    "| statistic | error | spread, measured | reliability | 95 % interval | sources, songs |\n|---|--:|--:|--:|--:|--:|"
)


def table() -> str:
    """The tables of scalars and of third octaves, in Markdown."""
    starter = open_priors("starter")
    words = (
        f"Songs: {starter.manifest['songs']} of the priors `starter`. Error: root of the mean squared error of the "
        f"separated stem against the true one, each source counting once. **Bold**: below {LEAST:g}, not to be relied "
        f"on; `?`: fewer than {LEAST_SOURCES} sources."
    )
    scalars = []
    for error, sd, n in sorted(_known(starter, STEMS, SCALARS), key=_place):
        found, between = _judged(error, sd, n)
        numbers = f"{error.mean_square**0.5:.3g} | {sd:.3g} | {found} | {between} | {error.sources}, {error.songs}"
        scalars.append(f"| {error.stem} `{error.statistic}` | {numbers} |")
    bands: dict[float, dict[str, str]] = {}
    for error, sd, n in _known(starter, BANDS, ("third_octave_db",)):
        cell = f"{_judged(error, sd, n)[0]} ({error.mean_square**0.5:.1f} dB)"
        bands.setdefault(error.hz or 0.0, {})[error.stem] = cell
    octaves = [f"| {hz:.0f} | {' | '.join(of.get(stem, '-') for stem in BANDS)} |" for hz, of in sorted(bands.items())]
    head = f"| third octave, Hz | {' | '.join(BANDS)} |\n|--:|{'--:|' * len(BANDS)}"
    return "\n".join((words, "", _HEAD, *scalars, "", "Reliability (error) by third octave:", "", head, *octaves))


def _known(
    priors: Priors, stems: tuple[str, ...], names: tuple[str, ...]
) -> Iterator[tuple[SeparationError, float, int]]:
    """Errors with the measured spread over songs, and their number."""
    for error in shipped().errors:
        if error.stem not in stems or error.statistic not in names:
            continue
        try:
            rows = priors.rows(error.stem, error.statistic, EVERY_SONG).to_pylist()
        except PriorsLookupError:
            continue
        row = min(rows, key=lambda each: abs((each["bin_hz"] or 0.0) - (error.hz or 0.0)))
        if row["sd"] is not None:
            yield error, row["sd"], row["n"]


def _place(known: tuple[SeparationError, float, int]) -> tuple[int, int]:
    return STEMS.index(known[0].stem), SCALARS.index(known[0].statistic)


def _judged(error: SeparationError, sd: float, n: int) -> tuple[str, str]:
    if error.sources < LEAST_SOURCES:
        return "?", "?"
    value, low, high = reliability(error.mean_square, error.bias, error.sources, sd**2, n)
    return f"{value:.2f}" if value >= LEAST else f"**{value:.2f}**", f"{low:.2f} to {high:.2f}"

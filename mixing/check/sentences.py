"""What stands out in a song, in words."""

from __future__ import annotations

from collections.abc import Sequence

from mixprior.mixing.check.standing import Standing
from mixprior.stats.priors.percentile import Percentile
from mixprior.stats.statistic import Family

LEAST_SONGS = 20
"""With fewer songs a share of them is given as a count: of 20 songs, one is 5 %."""
SHOWN = 3

_OF_THE_MIX = {"mixture", "song"}
_NOT_OF_THE_MIX = {"separation_residual_db", "duration_s", "band_limit_hz", "bleed_floor_lufs", "tempo_bpm"}
"""Facts about the separation, the file or the composition, which no mixer sets."""
_FOLLOWING = {Family.LOUDNESS}
"""Families of which a stem has what the mix has: a loud master raises all its stems. These are of the mix alone."""
_WORDS = {
    "integrated_lufs": ("louder", "quieter"),
    "max_short_term_lufs": ("louder in its loudest 3 s", "quieter in its loudest 3 s"),
    "max_momentary_lufs": ("louder in its loudest 400 ms", "quieter in its loudest 400 ms"),
    "loudness_vs_mixture_lu": ("louder against the mix", "quieter against the mix"),
    "loudness_vs_rest_lu": ("louder against the rest", "quieter against the rest"),
    "vocal_to_backing_lu": ("louder against the backing", "quieter against the backing"),
    "vocal_to_backing_mono_lu": ("louder against the backing, in mono", "quieter against the backing, in mono"),
    "vocal_to_backing_rms_db": ("louder against the backing, by RMS", "quieter against the backing, by RMS"),
    "vocal_to_backing_active_rms_db": (
        "louder against the backing while they sing",
        "quieter against the backing while they sing",
    ),
    "loudness_range_lu": ("wider in loudness range", "narrower in loudness range"),
    "loudness_range_100ms_lu": ("wider in loudness range by 100 ms", "narrower in loudness range by 100 ms"),
    "true_peak_dbtp": ("higher in true peak", "lower in true peak"),
    "centroid_hz": ("brighter, by the spectral centroid,", "darker, by the spectral centroid,"),
    "tilt_db_per_octave": ("brighter in tilt", "darker in tilt"),
    "mid_energy_fraction": ("more in the middle", "less in the middle"),
    "crest_factor_db": ("higher in crest factor", "lower in crest factor"),
    "wet_dry_db": ("wetter", "drier"),
}
_SONG_FACTS = "vocal_to_backing"


def notable(standings: Sequence[Standing], shown: int = SHOWN) -> list[Standing]:
    """Choose what stands out most: at most one of a stem and a family, the likeliest to be at an end of the songs.

    What may stand out is reliable, of the mix, and outside the middle half of the songs for certain (its 95 % interval
    is above 50 % or below). They are sorted by the end of that interval, and then by the distance from the median in
    interquartile ranges.
    """
    chosen: dict[tuple[str, Family], Standing] = {}
    for standing in sorted(filter(_may_stand_out, standings), key=_extremity, reverse=True):
        about = "vocals" if standing.column.name.startswith(_SONG_FACTS) else standing.stem
        chosen.setdefault((about, standing.column.family), standing)
    return list(chosen.values())[:shown]


def _may_stand_out(standing: Standing) -> bool:
    family, place = standing.column.family, standing.percentile
    follows = family in _FOLLOWING and standing.stem not in _OF_THE_MIX
    is_reported = standing.is_known and standing.column.name not in _NOT_OF_THE_MIX and standing.over_median
    return bool(is_reported) and not follows and (place.low > 50 or place.high < 50)


def _extremity(standing: Standing) -> tuple[float, float]:
    place, quantiles = standing.percentile, standing.quantiles
    low, high = quantiles["p25"], quantiles["p75"]
    spread = (high - low) if low is not None and high is not None else 0.0
    distance = abs(standing.over_median or 0.0)
    return max(place.low, 100 - place.high), distance / spread if spread else 0.0


def sentence(standing: Standing) -> str:
    """Say where a statistic stands: how far from the median, and beyond how many songs."""
    over, name = standing.over_median or 0.0, standing.column.name
    is_above = over > 0
    subject = _subject(standing)
    is_plural = subject in _PLURAL
    amount = _amount(abs(over), standing.column.unit)
    pair = _WORDS.get(name, ("higher", "lower"))
    if standing.hz is not None:
        pair = ("more", "less")
        said = f"{subject} {'have' if is_plural else 'has'} {amount} {pair[not is_above]} at {_hz(standing.hz)}"
    elif name in _WORDS:
        said = f"{subject} {'are' if is_plural else 'is'} {amount} {pair[not is_above]}"
    else:
        title = f"{standing.column.title[0].lower()}{standing.column.title[1:]}"
        said = f"{title} of {subject} is {amount} {pair[not is_above]}"
    than = pair[not is_above].split()[0].rstrip(",")
    return f"{said} than in the median song: {than} than in {_songs(standing.percentile, is_above)}"


_PLURAL = ("the vocals", "the drums", "the other instruments")
_SUBJECTS = {"mixture": "the mix", "vocals": "the vocals", "drums": "the drums", "other": "the other instruments"}


def _subject(standing: Standing) -> str:
    if standing.column.name.startswith(_SONG_FACTS):
        return "the vocals"
    return _SUBJECTS.get(standing.stem, f"the {standing.stem}")


def _songs(place: Percentile, is_above: bool) -> str:
    """Beyond how many songs: a share with its interval, of few songs the count."""
    count = place.fewest if is_above else place.n - place.most
    if count == place.n:
        counted = f"all {place.n} songs"
    elif place.n < LEAST_SONGS:
        counted = f"{count} of {place.n} songs"
    else:
        counted = f"{100 * count / place.n:.0f} % of {place.n} songs"
    low, high = (place.low, place.high) if is_above else (100 - place.high, 100 - place.low)
    return f"{counted} (95 % interval of such songs: {low:.0f} to {high:.0f} %)"


def _amount(value: float, unit: str) -> str:
    decimals = 0 if value >= 100 else 1 if value >= 1 or unit in ("LU", "dB", "LUFS", "dBTP", "dBFS") else 2
    unit = {"LUFS": "LU", "dBTP": "dB", "dBFS": "dB", "1": ""}.get(unit, unit)
    return f"{value:.{decimals}f} {unit}".rstrip()


def _hz(hz: float) -> str:
    rounded = float(f"{hz:.2g}")
    return f"{rounded / 1000:g} kHz" if rounded >= 1000 else f"{rounded:g} Hz"

"""Published values to compare priors with, and their sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

LI_CODE = "K. M. Li, Georgia Tech, 2022: code and per-song results of likelian/Lab_spring2022"
FXNORM = "sony/FxNorm-automix (Martinez-Ramirez et al., ISMIR 2022), features_MUSDB18.npy"
STYLE_TRANSFER = "jhtonyKoo/music_mixing_style_transfer, musdb18_fxfeatures_eqcompimagegain.npy"
ITO_MASTER = "SonyResearch/ITO-Master, fxnorm_feat.npy"


@dataclass(frozen=True)
class Published:
    """A mean somebody published.

    Attributes:
        label: short name of its songs.
        value: in the unit of our statistic.
        source: where it comes from.
        n: songs; None where the source does not give their number.
    """

    label: str
    value: float
    source: str
    n: int | None = None


VOCAL_TO_BACKING: Mapping[str, tuple[Published, ...]] = {
    "vocal_to_backing_lu": (
        Published("MUSDB18 test", -2.76, f"{LI_CODE}; true stems, both channels", 50),
        Published("MUSDB18 train", -2.15, f"{LI_CODE}; true stems, both channels", 100),
    ),
    "vocal_to_backing_mono_lu": (
        Published("MSD separated", -1.77, f"{LI_CODE}; Million Song Dataset, stems separated by mdx_extra, in mono"),
    ),
}
"""Integrated loudness of vocals minus backing, by the statistic to compare it with."""

SCALARS: Mapping[tuple[str, str], tuple[Published, ...]] = {
    **{("song", statistic): found for statistic, found in VOCAL_TO_BACKING.items()},
    ("vocals", "loudness_range_100ms_lu"): (
        Published("MUSDB18 train", 15.73, LI_CODE, 100),
        Published("MSD separated", 16.36, LI_CODE),
    ),
    ("mixture", "integrated_lufs"): (Published("ITO-Master", -15.69, ITO_MASTER),),
    **{
        (stem, statistic): (Published("MUSDB18", value, FXNORM),)
        for statistic, by_stem in {
            "onset_peak_mean_db": {"vocals": -14.241, "drums": -13.479, "bass": -13.131, "other": -14.659},
            "onset_peak_sd_db": {"vocals": 1.371, "drums": 1.129, "bass": 0.898, "other": 1.268},
        }.items()
        for stem, value in by_stem.items()
    },
    **{
        (stem, "mid_energy_fraction"): (Published("MUSDB18", value, STYLE_TRANSFER),)
        for stem, value in {"vocals": 0.918, "drums": 0.945, "bass": 0.982, "other": 0.794}.items()
    },
}
"""Means by stem and statistic."""

MAGNITUDE_SPECTRUM_DB: Mapping[str, tuple[float, ...]] = {
    "vocals": (1.07, 4.33, 9.93, 14.91, 15.61, 11.30, 4.77, -2.23, -8.89, -22.74),
    "drums": (26.34, 29.26, 27.57, 20.40, 13.09, 6.55, 3.39, 2.63, -1.19, -11.18),
    "bass": (22.00, 26.48, 26.54, 16.80, 2.93, -5.46, -9.94, -19.78, -37.57, -43.36),
    "other": (13.85, 15.03, 17.98, 19.77, 16.43, 11.56, 8.46, 0.55, -14.78, -27.36),
}
"""20 log10 of the mean |STFT| of MUSDB18 stems at -30 LUFS, averaged over the bins of each octave (IEC 61260-1)
from 32 Hz to 16 kHz (FxNorm-automix): `mixprior.analysis.constants.compare.octave_levels_db` of its curves."""

SPS_PHI: Mapping[str, tuple[float, ...]] = {
    "vocals": (0.9158, 0.9158, 0.9171, 0.9219, 0.9178, 0.9171, 0.9230, 0.9315, 0.9360, 0.9078),
    "drums": (0.9300, 0.9275, 0.9207, 0.9055, 0.8827, 0.8729, 0.8710, 0.8724, 0.8691, 0.8512),
    "bass": (0.9672, 0.9669, 0.9664, 0.9675, 0.9626, 0.9585, 0.9524, 0.9317, 0.8896, 0.8641),
    "other": (0.8415, 0.8412, 0.8407, 0.8395, 0.8335, 0.8317, 0.8324, 0.8384, 0.8413, 0.8278),
}
"""Mean panning similarity of MUSDB18 stems, averaged likewise (FxNorm-automix)."""

MIXTURE_SPECTRUM_DB = (24.51, 23.85, 23.75, 21.79, 17.88, 13.44, 8.87, 2.94, -2.97, -14.10)
"""The same as `MAGNITUDE_SPECTRUM_DB`, of mixtures (ITO-Master)."""

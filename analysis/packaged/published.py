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

OCTAVES_HZ = (31.5, 63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)

MAGNITUDE_SPECTRUM_DB: Mapping[str, tuple[float, ...]] = {
    "vocals": (1.1, 4.3, 9.9, 14.9, 15.6, 11.3, 4.8, -2.3, -9.0, -22.9),
    "drums": (26.3, 29.3, 27.6, 20.5, 13.1, 6.6, 3.4, 2.6, -1.3, -11.3),
    "bass": (22.0, 26.5, 26.6, 16.9, 3.0, -5.5, -10.0, -19.9, -37.7, -43.4),
    "other": (13.9, 15.0, 17.9, 19.8, 16.5, 11.6, 8.4, 0.5, -14.9, -27.5),
}
"""Mean |STFT| of MUSDB18 stems at -30 LUFS, in dB, at `OCTAVES_HZ` (FxNorm-automix)."""

PHI_HZ = (63.0, 1000.0, 8000.0)

SPS_PHI: Mapping[str, tuple[float, ...]] = {
    "vocals": (0.916, 0.917, 0.936),
    "drums": (0.928, 0.873, 0.869),
    "bass": (0.967, 0.959, 0.889),
    "other": (0.841, 0.832, 0.841),
}
"""Mean panning similarity of MUSDB18 stems at `PHI_HZ` (FxNorm-automix)."""

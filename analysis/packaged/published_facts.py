"""What the manifest of the packaged priors `published` holds: sources, definitions, corrections and rules."""

from __future__ import annotations

from mixprior.analysis.packaged.published import FXNORM, ITO_MASTER, LI_CODE, STYLE_TRANSFER
from mixprior.stats.statistic import Column, Family

_UNCOUNTED = "; number of songs not given"

SOURCES = {
    "li-musdb18": f"{LI_CODE}, data/vox_acc_ratio; MUSDB18-HQ, true stems, its 100 training and 50 test songs",
    "li-musdb18-train": f"{LI_CODE}, data; MUSDB18-HQ, true stems, the 100 training songs",
    "li-musdb18-test": f"{LI_CODE}, data and results; MUSDB18-HQ, true stems, the 50 test songs",
    "li-msd": f"{LI_CODE}; the Million Song Dataset, stems separated by Demucs mdx_extra{_UNCOUNTED}",
    "li-chameleon": f"{LI_CODE}, results/reverb/mean/train_mean.csv and data/reverb_time; reverbs that Accentize "
    "Chameleon took from the vocals of MUSDB18-HQ's 100 training songs",
    "li-gtzan": "K. M. Li and A. Lerch, Vocal Loudness Estimation and Genre Analysis; GTZAN, loudness of the vocals "
    f"estimated from the mixture by a support vector regression{_UNCOUNTED}",
    "fxnorm": f"{FXNORM}; training songs of MUSDB18 in its own order of effects{_UNCOUNTED}",
    "koo": f"{STYLE_TRANSFER}; MUSDB18{_UNCOUNTED}",
    "ito-master": f"{ITO_MASTER}; the songs are not named",
}
"""Where numbers come from, by the name of their groups of songs ("source=fxnorm")."""

_RESOLUTION = 0.001
_FITTED = "FdnReverb's {}: mean over songs of what a genetic algorithm fitted to a response of Accentize Chameleon"
_FITTED_UNITS = {
    "reverberation_time_s": "s",
    "room_size": "1",
    "lows_cutoff_hz": "Hz",
    "lows_q": "1",
    "lows_gain_db_s": "dB/s",
    "highs_cutoff_hz": "Hz",
    "highs_q": "1",
    "highs_gain_db_s": "dB/s",
    "fade_in_s": "s",
}


def _fitted(name: str, unit: str) -> Column:
    words = name.replace("_", " ")
    return Column(
        f"chameleon_fdn_{name}",
        unit,
        _FITTED.format(words),
        _RESOLUTION,
        title=f"Chameleon as FdnReverb: {words}",
        family=Family.REVERB,
    )


COLUMNS = {
    column.name: column
    for column in (
        Column(
            "magnitude_spectrum_octaves_db",
            "dB",
            "20 log10 of magnitude_spectrum, the mean |STFT| over songs of the sound at -30 LUFS, averaged over "
            "the bins of an octave (IEC 61260-1)",
            _RESOLUTION,
            title="Magnitude spectrum by octave",
            family=Family.SPECTRUM,
        ),
        Column(
            "sps_phi_octaves",
            "1",
            "panning similarity sps_phi, mean over songs, averaged over the bins of an octave (IEC 61260-1)",
            _RESOLUTION,
            title="Panning similarity by octave",
            family=Family.STEREO,
        ),
        Column(
            "loudness_after_normalisation_lufs",
            "LUFS",
            "integrated loudness of a stem after the effect normalisations before it (equaliser at -30 LUFS, "
            "compression at a peak of -10 dBFS, panning): not a loudness that stems have in mixes; differences between "
            "stems compare",
            _RESOLUTION,
            title="Loudness after normalisation",
            family=Family.LOUDNESS,
        ),
        Column(
            "vocal_minus_mixture_svr_db",
            "dB",
            "loudness of the vocals minus that of the mixture, estimated from the mixture by support vector regression "
            "on 3 s windows; akin to loudness_vs_mixture_lu, but no measurement",
            _RESOLUTION,
            title="Vocal minus mixture, estimated",
            family=Family.BALANCE,
        ),
        Column(
            "chameleon_rt60_s",
            "s",
            "reverberation time of a response that Accentize Chameleon took from the vocals: from the largest level of "
            "frames of 128 samples until it is 60 dB lower; akin to rt60_s",
            _RESOLUTION,
            title="Chameleon: reverberation time",
            family=Family.REVERB,
        ),
        Column(
            "chameleon_fdn_dry_wet",
            "1",
            "the wet share that Accentize Chameleon told, meant for FdnReverb's dry wet: not fitted",
            _RESOLUTION,
            title="Chameleon as FdnReverb: dry wet",
            family=Family.REVERB,
        ),
        *(_fitted(name, unit) for name, unit in _FITTED_UNITS.items()),
    )
}
"""Statistics that mixprior does not measure, by name; all others mean what they mean in any priors."""

CORRECTIONS = [
    {
        "published_as": "loudness range 16.4 dB (16.3574; of MUSDB18 15.73)",
        "statistic": "loudness_range_100ms_lu",
        "correction": "no loudness range of EBU Tech 3342 (loudness_range_lu): the code reads 0.1 s where the "
        "standard takes 3 s, and reports about twice as much. Its mean over the Million Song Dataset weighs songs by "
        "length, and songs outside 5 to 30 dB are left out.",
    },
    {
        "published_as": "vocal to backing -1.77 dB and -2.15 dB",
        "statistic": "vocal_to_backing_mono_lu and vocal_to_backing_lu",
        "correction": "two definitions: -1.77 is of separated songs, each sound the mean of its channels; -2.15 "
        "(training songs of MUSDB18; all 150: -2.35) is of true stems in stereo. Whether -1.77 leaves out songs "
        "outside -10 to 6 dB is not documented.",
    },
    {
        "published_as": "loudness in features_MUSDB18.npy (-30.7, -34.2, -29.7, -31.2 LUFS)",
        "statistic": "loudness_after_normalisation_lufs",
        "correction": "not the loudness of stems (integrated_lufs): features are taken one after the other from files "
        "that the earlier normalisations wrote, --normalize False being read as True. Koo's set, 5 to 6 LU louder, "
        "has the same differences between stems within 0.4 LU.",
    },
    {
        "published_as": "mean FdnReverb settings (room size 14.54, fade-in 0.68 s, 11.5 % wet)",
        "statistic": "chameleon_fdn_...",
        "correction": "means of settings are no mean reverb: rendered, they give a wet-to-dry energy of -39.6 dB left "
        "and -40.0 dB right, all but inaudible; the plug-in rounds the room size to 15 and the share to 0.11. The "
        "cutoffs are those that the genetic algorithm was started with. Wet-to-dry energy (wet_dry_db) is what can be "
        "averaged.",
    },
    {
        "published_as": "reverberation time follows tempo",
        "statistic": "chameleon_rt60_s",
        "correction": "a rule of thumb: over the 100 songs that have both, r = -0.034.",
    },
]
"""Numbers published under a misleading name, and the statistic that they are stored under here."""

RULES = {
    "reverberation_time_s": "40/9 - tempo_bpm/45, Li; there without bounds: 0 s at 200 bpm (mixprior bounds it)",
    "unmasking": "Li after Hafezi and Reiss 2015: nine octave bands 63 Hz to 16 kHz, essential the 2 loudest of the "
    "backing and the 6 loudest of the vocal, gain the level difference within 8 dB, the 4 largest, Q 1",
    "compression": "Li: attack 30 ms, release 150 ms, ratio from 2.9, threshold down in steps of 3 dB until the range "
    "is within 1 dB of the target",
    "onset_compression": "FxNorm-automix: attack/release ms and least ratio: vocals 7.5/400, 4; drums 10/180, 6; bass "
    "10/500, 5; other 15/666, 4; threshold -10 to -40 dB, ratio to 20, until the onset peaks are within one sd of the "
    "mean",
}
"""Rules that were published with the numbers, in words."""

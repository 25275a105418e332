"""Writes docs/conformance.md: `python -m tools.docs.conformance REFERENCE > docs/conformance.md` (needs libebur128)."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from tools.conformance import ebu, libebur128, music
from tools.docs.results import table

RATES = [f"{rate_hz / 1000:g} kHz" for rate_hz in ebu.RATES_HZ]


def yes(passes: bool) -> str:
    return "yes" if passes else "NO"


def sequences(by_rate: Iterable[Iterable[ebu.Check]]) -> str:
    """The checks of every rate, those of one value in a line."""
    rows = []
    for checks in zip(*by_rate, strict=True):
        first = checks[0]
        tolerance = f"-{first.below:g} +{first.above:g}"
        measured = [f"{check.measured:.3f}" for check in checks]
        passes = yes(all(check.passes for check in checks))
        rows.append([first.case, first.measure, f"{first.expected:g}", tolerance, *measured, passes])
    return table(["case", "measure", "expected", "tolerance", *RATES, "pass"], rows)


def finer() -> str:
    """Integrated loudness of cases 1 to 6 beside what double precision gives."""
    rows = []
    for (rate_hz, measured_at_hz), tolerance_lu in ebu.FINER_LU.items():
        found = {case: ebu.integrated_lufs(case, rate_hz, measured_at_hz) for case in ebu.GOLDEN_LUFS}
        off = [found[case] - expected for case, expected in ebu.GOLDEN_LUFS.items()]
        passes = yes(max(map(abs, off)) <= tolerance_lu)
        resampled = "-" if rate_hz == measured_at_hz else f"{measured_at_hz / 1000:g} kHz"
        rows.append(
            [
                f"{rate_hz / 1000:g} kHz",
                resampled,
                f"{tolerance_lu:g}",
                *(f"{each:.4f}" for each in found.values()),
                passes,
            ]
        )
    expected = ["BS.1770, 48 kHz", "-", "-", *(f"{lufs:.4f}" for lufs in ebu.GOLDEN_LUFS.values()), "-"]
    cases = [f"case {case}" for case in ebu.GOLDEN_LUFS]
    return table(["sound", "resampled to", "tolerance, LU", *cases, "pass"], [expected, *rows])


def files(folder: Path) -> str:
    """The EBU's own files."""
    rows = []
    for check in ebu.file_checks(folder):
        tolerance = f"-{check.below:g} +{check.above:g}"
        measured, passes = f"{check.measured:.3f}", yes(check.passes)
        rows.append([check.case, check.measure, f"{check.expected:g}", tolerance, measured, passes])
    return table(["file", "measure", "expected", "tolerance", "measured", "pass"], rows)


def off(ours: float, theirs: float, digits: int) -> str:
    """Their difference, whose zero has no sign."""
    return f"{round(ours - theirs, digits) + 0.0:.{digits}f}"


def songs(comparisons: list[music.Comparison]) -> str:
    rows = []
    for song in comparisons:
        ours, theirs = song.ours, song.theirs
        rows.append(
            [
                song.song,
                f"{ours.integrated_lufs:.3f}",
                off(ours.integrated_lufs, theirs.integrated_lufs, 4),
                f"{ours.loudness_range_lu:.3f}",
                off(ours.loudness_range_lu, theirs.loudness_range_lu, 4),
                off(ours.loudness_range_lu, theirs.loudness_range_1hz_lu, 3),
                f"{ours.true_peak_dbtp:.3f}",
                off(ours.true_peak_dbtp, theirs.true_peak_dbtp, 3),
                yes(song.loudness_passes and song.peak_passes),
            ]
        )
    head = [
        "song",
        "I, LUFS",
        "off, LU",
        "LRA, LU",
        "off, LU",
        "off of 1 window/s, LU",
        "peak, dBTP",
        "off, dB",
        "pass",
    ]
    return table(head, rows)


def outliers(comparisons: list[music.Comparison]) -> str:
    """A sentence on every song whose true peaks differ."""
    said = [
        f"*{song.song}*: a 64-fold interpolation over 1,000 samples reads {song.dense_peak_dbtp:.3f} dBTP, we read "
        f"{song.ours.true_peak_dbtp:.3f}, libebur128 {song.theirs.true_peak_dbtp:.3f}."
        for song in comparisons
        if song.dense_peak_dbtp is not None
    ]
    return " ".join(["Where the true peaks differ by more:", *said]) if said else "No true peaks differ by more."


def synthetic() -> str:
    """The part that needs no file: what a test makes anew and compares."""
    return f"""## Sequences of EBU Tech 3341 and 3342

Made as the documents say, at three rates (`tools/conformance/sequences.py`), and measured by `Sound`. Of several
readings (a series, or 20 files in cases 10 and 13) the one furthest from what is expected is listed. I: integrated;
M: momentary; S: short-term; LRA: loudness range. A `Sound` has one or two channels: the five of case 6 are filtered and
summed by the functions that it calls. Cases 11 and 14 are for meters that run live; the tests check them file by file.

{sequences(map(ebu.checks, ebu.RATES_HZ))}

## Integrated loudness beside double precision

The documents allow 0.1 LU. The coefficients that BS.1770 prints for 48 kHz, in double precision, give the first line.

{finer()}
"""


def main(reference: Path) -> None:
    """Print the document; `reference` holds `reference/ebu_r128/` and `music/`."""
    comparisons = list(music.comparisons(reference / "music"))
    both = [song for song in comparisons if song.loudness_passes and song.peak_passes]
    print(
        f"""# Conformance

What our meters read where others have said what is to be read. Written by `python -m tools.docs.conformance ../shared >
docs/conformance.md` (reference material: CONTRIBUTING.md); `tests/conformance` makes the numbers anew and compares.

{synthetic()}
## Files of the EBU

{files(reference / "reference" / "ebu_r128")}

## Real songs beside libebur128

libebur128 {libebur128.version()} (Debian: `libebur128-1`) and we measure the same decoded samples. Tolerances:
integrated loudness {music.INTEGRATED_LU:g} LU, loudness range {music.RANGE_LU:g} LU, true peak {music.PEAK_DB:g} dB.
{len(both)} of {len(comparisons)} songs are within all three.

EBU Tech 3342 demands ten windows of 3 s a second since 2016. libebur128 takes one a second by itself: ten of its
meters, each begun 100 ms later, are pooled for the comparison. The column after it shows what one window a second
changes.

{songs(comparisons)}

{outliers(comparisons)}"""
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))

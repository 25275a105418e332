"""EBU Tech 3341 and 3342: the sequences of their tables, EBU's own files, and docs/conformance.md, which lists them."""

import re

import numpy as np
import pytest
from scipy.signal import sosfilt

from mixprior.stats.loudness_blocks import measure
from mixprior.stats.measures.loudness import max_momentary_lufs, max_short_term_lufs
from tests.conftest import ROOT
from tests.reference import FOLDER
from tools.conformance import ebu, sequences
from tools.conformance.sequences import SILENCE, tone
from tools.docs import conformance

RATE_HZ = 48_000
DOCUMENT = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
CASES = [*(f"3341-{case}" for case in (1, 2, 3, 4, 5, 6, 9, 10, 12, 13, *range(15, 24)))]
CASES += [f"3342-{case}" for case in (1, 2, 3, 4)]


@pytest.mark.parametrize("rate_hz", ebu.RATES_HZ)
def test_every_case_is_within_what_the_documents_allow(rate_hz):
    assert list(dict.fromkeys(check.case for check in ebu.checks(rate_hz))) == CASES
    assert [check for check in ebu.checks(rate_hz) if not check.passes] == []


@pytest.mark.parametrize("rate_hz", ebu.RATES_HZ)
def test_loudness_range_is_within_a_twentieth_of_what_the_document_allows(rate_hz):
    ranges = [check for check in ebu.checks(rate_hz) if check.measure == "LRA, LU"]
    # Tones leave only the filter's settling to differ by.
    assert [check.measured for check in ranges] == pytest.approx([check.expected for check in ranges], abs=0.05)


@pytest.mark.parametrize(("rates_hz", "tolerance_lu"), ebu.FINER_LU.items())
def test_cases_1_to_6_are_what_double_precision_gives(rates_hz, tolerance_lu):
    found = {case: ebu.integrated_lufs(case, *rates_hz) for case in ebu.GOLDEN_LUFS}
    assert found == pytest.approx(ebu.GOLDEN_LUFS, abs=tolerance_lu)


@pytest.mark.parametrize("case", ebu.GOLDEN_LUFS)
def test_the_golden_values_are_those_of_the_printed_coefficients(case):
    # BS.1770-5, annex 1, tables 1 and 2, for 48 kHz; both gates; by SciPy, in double precision.
    shelf = [1.53512485958697, -2.69169618940638, 1.19839281085285, 1, -1.69065929318241, 0.73248077421585]
    high_pass = [1, -2, 1, 1, -1.99004745483398, 0.99007225036621]
    steps = sequences.INTEGRATED.get(case)
    audio = sequences.surround(RATE_HZ) if steps is None else tone(steps, RATE_HZ)
    weights = np.array([1, 1, 1, 1.41, 1.41])[: len(audio)]
    energy = weights @ sosfilt([shelf, high_pass], audio.astype(float)) ** 2
    tenths = energy[: energy.size // 4800 * 4800].reshape(-1, 4800).mean(1)
    power = np.convolve(tenths, np.full(4, 0.25), "valid")
    power = power[-0.691 + 10 * np.log10(power + 1e-30) > -70]
    power = power[power > power.mean() / 10]
    assert -0.691 + 10 * np.log10(power.mean()) == pytest.approx(ebu.GOLDEN_LUFS[case], abs=0.0001)


def cells(text: str) -> list[list[str]]:
    """The tables in a text, one list a line."""
    return [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("|")]


def test_the_document_holds_what_is_measured_now():
    known = "\n".join(DOCUMENT.partition("## Sequences")[1:]).partition("## Files")[0]
    fresh = conformance.synthetic()
    for known_line, line in zip(cells(known), cells(fresh), strict=True):
        for known_cell, cell in zip(known_line, line, strict=True):
            if re.fullmatch(r"-?\d+\.\d+", cell):
                # The last digit may fall the other way on another processor.
                assert float(known_cell) == pytest.approx(float(cell), abs=0.0011), line
            else:
                assert known_cell == cell, line
    assert "NO" not in [line[-1] for line in cells(fresh)]
    words = [line for line in fresh.split("\n") if not line.startswith("|")]
    assert all(line in DOCUMENT.split("\n") for line in words)


def test_3341_case_11_loudest_3_s_of_each_segment():
    for i in range(20):
        blocks = measure(tone([(SILENCE, 0.15 * i), (-38 + i, 3), (SILENCE, 3 - 0.15 * i)], RATE_HZ), RATE_HZ)
        assert max_short_term_lufs(blocks) == pytest.approx(-38 + i, abs=0.1)


def test_3341_case_14_loudest_400_ms_of_each_segment():
    for i in range(20):
        blocks = measure(tone([(SILENCE, 0.02 * i), (-38 + i, 0.4), (SILENCE, 0.4 - 0.02 * i)], RATE_HZ), RATE_HZ)
        assert max_momentary_lufs(blocks) == pytest.approx(-38 + i, abs=0.1)


@pytest.mark.reference("reference/ebu_r128")
def test_files_of_the_ebu():
    folder = FOLDER / "reference" / "ebu_r128"
    assert [check for check in ebu.file_checks(folder) if not check.passes] == []
    for known, line in zip(cells(DOCUMENT.partition("## Files")[2]), cells(conformance.files(folder)), strict=False):
        assert known == line

"""What strangers wrote is shown, not obeyed."""

import csv
import io

import pytest

from mixprior.stats.visible import csv_cell, csv_text, visible
from tests.command import run


@pytest.mark.parametrize("code", ["\x1b[2J", "\x1b]0;title\x07", "\x9b31m", "\u202e", "\u2066", "\n", "\r", "\x7f"])
def test_what_a_terminal_would_obey_is_visible(code):
    shown = visible(f"a{code}b")
    assert shown.isprintable()
    assert shown.startswith("a\\")
    assert shown.endswith("b")


def test_letters_of_all_scripts_stay_as_they_are():
    text = "Björk ﷺ 東京 👨‍🎤 naïve"
    assert visible(text) == text


@pytest.mark.parametrize("text", ["=1+1", "+a", "-a", "@a", "\ta", "\ra", "'=a", "-1", "+1.5e3", "a=b", "'tis", ""])
def test_csv_cells_are_no_formulas_numbers_stay_numbers_and_all_comes_back(text):
    cell = csv_cell(text)
    assert cell[:1] not in tuple("=+-@\t\r") or float(cell) is not None
    file = io.StringIO()
    csv.writer(file).writerow([cell, csv_cell(-2.5)])
    read, number = next(csv.reader(io.StringIO(file.getvalue(), newline="")))
    assert (csv_text(read), number) == (text, "-2.5")


def test_an_error_that_names_a_path_with_escapes_shows_them(tmp_path):
    done = run("mine", tmp_path / "\x1b[31mred\u202e", "-o", tmp_path / "out", expect=2)
    assert done.stderr.isprintable() or done.stderr[:-1].isprintable()
    assert r"\x1b[31mred\u202e" in done.stderr

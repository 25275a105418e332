"""How far a command is: a line on a terminal once it lasts, taken away at its end; nothing elsewhere."""

import io

from mixprior.mixing.mix.status_line import StatusLine


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_command_that_is_done_soon_shows_nothing():
    terminal = Terminal()
    with StatusLine(terminal, after_s=1e6) as line:
        line.show("reading tracks", 3, 28)
    assert terminal.getvalue() == ""


def test_one_that_lasts_shows_one_line_and_takes_it_away():
    terminal = Terminal()
    with StatusLine(terminal, after_s=1e6) as line:
        line.show("reading tracks", 3, 28)
        line._begin()  # as the timer does
        line.show("planning", 0, 1)
        assert "\n" not in terminal.getvalue()
    shown = terminal.getvalue().split("\r\x1b[K")
    assert shown == ["", "mixprior: reading tracks, 3 of 28", "mixprior: planning", ""]
    line._begin()
    assert terminal.getvalue().count("mixprior: planning") == 1


def test_what_is_no_terminal_stays_empty():
    stream = io.StringIO()
    with StatusLine(stream, after_s=0.0) as line:
        line.show("planning", 0, 1)
    assert stream.getvalue() == ""
